//! Hypervisor and container: what stands between us and the hardware.
//!
//! The names are coarse words such as `kvm` and `docker`; instance names and paths are not kept.

use super::Host;
use crate::hardware::Snapshot;
use crate::hardware::sheet::{Outcome, Sheet, text};
use crate::model::fact::keys;

/// Decides which kind of machine this is, and writes the facts that say so.
pub(super) fn collect(host: &mut Host<'_>, snapshot: &Snapshot, sheet: &mut Sheet) {
    let (guest, outcome) = hypervisor(host, snapshot);
    host.guest = guest;
    sheet.put(keys::VIRT_HYPERVISOR, outcome);
    host.container = container(host);
    let outcome = match &host.container {
        Some(name) => Outcome::ok(text(name), "a mark that the runtime leaves"),
        None if host.cpus.is_empty() && host.cpuinfo.processors() == 0 => {
            Outcome::unknown("/proc and /sys are not readable")
        }
        None => {
            let source = "no mark of docker, podman, kubernetes, lxc or systemd-nspawn";
            Outcome::derived(text("none"), source)
        }
    };
    sheet.put(keys::VIRT_CONTAINER, outcome);
    sheet.put(keys::VIRT_TRANSLATION, translation(host, &snapshot.arch));
}

/// A processor of another kind than this program was compiled for has its instructions translated.
fn translation(host: &Host<'_>, arch: &str) -> Outcome {
    let info = &host.cpuinfo;
    let ours = match arch {
        "x86_64" | "x86" => info.is_x86(),
        "aarch64" | "arm" => info.is_arm(),
        _ => return Outcome::unknown("not known for this architecture"),
    };
    let source = "/proc/cpuinfo against the architecture this program was compiled for";
    match (info.is_x86() || info.is_arm(), ours) {
        (true, true) => Outcome::derived(text("none"), source),
        (true, false) => Outcome::ok(text("other-processor"), source),
        (false, _) => host
            .cpuinfo_failure
            .clone()
            .unwrap_or_else(|| Outcome::unknown("/proc/cpuinfo names no kind of processor")),
    }
}

fn hypervisor(host: &Host<'_>, snapshot: &Snapshot) -> (Option<String>, Outcome) {
    let kernel = host.root.read("proc/sys/kernel/osrelease");
    let wsl = kernel.text().is_some_and(|release| release.to_lowercase().contains("microsoft"));
    let named = if wsl { Some(("wsl", "the kernel release")) } else { named_by_files(host) };
    if host.cpuinfo.has_hypervisor_flag() {
        let signature = snapshot.hypervisor_signature.as_deref().map(name_of_signature);
        let by_signature = signature.map(|name| (name, "CPUID")).filter(|_| !wsl);
        let (name, from) = by_signature.or(named).unwrap_or(("unnamed", "nobody"));
        let source = format!("hypervisor flag in /proc/cpuinfo, name from {from}");
        return (Some(name.to_owned()), Outcome::ok(text(name), source));
    }
    match named {
        // A bare-metal cloud instance carries the cloud's name too; on x86 the missing flag decides.
        Some((name, from)) if wsl || (!host.cpuinfo.is_x86() && host.cpuinfo.processors() > 0) => {
            (Some(name.to_owned()), Outcome::ok(text(name), from))
        }
        _ if host.cpuinfo.is_x86() => {
            (None, Outcome::ok(text("none"), "no hypervisor flag in /proc/cpuinfo"))
        }
        _ if host.root.exists("proc/device-tree/model") => {
            (None, Outcome::derived(text("none"), "the device tree names a board and no hypervisor"))
        }
        _ => (None, Outcome::unknown("neither processor, firmware nor device tree tells")),
    }
}

/// Hypervisor signatures of CPUID leaf 0x40000000, as their vendors document them.
fn name_of_signature(signature: &str) -> &'static str {
    match signature {
        "KVMKVMKVM" => "kvm",
        "Microsoft Hv" => "hyperv",
        "VMwareVMware" => "vmware",
        "XenVMMXenVMM" => "xen",
        "VBoxVBoxVBox" => "virtualbox",
        "bhyve bhyve" => "bhyve",
        "TCGTCGTCGTCG" => "qemu",
        "prl hyperv" | "lrpepyh vr" => "parallels",
        "ACRNACRNACRN" => "acrn",
        _ => "unnamed",
    }
}

/// Name from the Xen folder, the device tree or the firmware tables.
fn named_by_files(host: &Host<'_>) -> Option<(&'static str, &'static str)> {
    if host.root.read("sys/hypervisor/type").text() == Some("xen") {
        return Some(("xen", "/sys/hypervisor/type"));
    }
    let tree = host.root.read("proc/device-tree/hypervisor/compatible");
    if let Some(compatible) = tree.text() {
        let name = if compatible.contains("xen") { "xen" } else { "kvm" };
        return Some((name, "/proc/device-tree/hypervisor"));
    }
    let firmware: Vec<String> = ["sys_vendor", "product_name", "bios_vendor"]
        .iter()
        .filter_map(|leaf| host.root.read(&format!("sys/class/dmi/id/{leaf}")).text().map(str::to_owned))
        .collect();
    let firmware = firmware.join(" ").to_lowercase();
    let marks = [
        ("qemu", "kvm"),
        ("kvm", "kvm"),
        ("amazon ec2", "kvm"),
        ("google compute engine", "kvm"),
        ("openstack", "kvm"),
        ("vmware", "vmware"),
        ("innotek", "virtualbox"),
        ("virtualbox", "virtualbox"),
        ("microsoft corporation virtual machine", "hyperv"),
        ("parallels", "parallels"),
        ("xen", "xen"),
        ("bhyve", "bhyve"),
        ("apple virtualization", "apple"),
    ];
    marks.iter().find(|(mark, _)| firmware.contains(mark)).map(|(_, name)| (*name, "/sys/class/dmi/id"))
}

fn container(host: &Host<'_>) -> Option<String> {
    if let Some(name) = host.root.read("run/systemd/container").text() {
        let known = ["docker", "podman", "lxc", "lxc-libvirt", "systemd-nspawn", "oci", "wsl"];
        let name = known.iter().find(|known| **known == name).unwrap_or(&"other");
        return Some((*name).to_owned());
    }
    let marks = [
        (".dockerenv", "docker"),
        ("run/.containerenv", "podman"),
        ("var/run/secrets/kubernetes.io", "kubernetes"),
    ];
    if let Some((_, name)) = marks.iter().find(|(mark, _)| host.root.exists(mark)) {
        return Some((*name).to_owned());
    }
    let groups = host.root.read("proc/self/cgroup");
    let groups = groups.text()?;
    let marks = [("kubepods", "kubernetes"), ("/docker", "docker"), ("libpod", "podman"), ("/lxc", "lxc")];
    marks.iter().find(|(mark, _)| groups.contains(mark)).map(|(_, name)| (*name).to_owned())
}
