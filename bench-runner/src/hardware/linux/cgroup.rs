//! CPU quota and memory limit of the control groups above this process, version 1 and 2, and how often a quota
//! stopped us.
//!
//! The mount points come from `/proc/self/mountinfo`, because version 2 may be mounted anywhere; the tightest
//! quota on the way up counts. Paths of control groups hold ids of containers and are never stored.

use super::Host;
use crate::hardware::sheet::{Outcome, Sheet, count, text};
use crate::model::fact::{FactValue, keys};

/// Writes the quota facts.
pub(super) fn collect(host: &Host<'_>, sheet: &mut Sheet) {
    let (Ok(mounts), Ok(groups)) = (host.read("proc/self/mountinfo"), host.read("proc/self/cgroup")) else {
        for key in [keys::VIRT_CPU_QUOTA, keys::VIRT_QUOTA_STOPS, keys::MEMORY_LIMIT] {
            sheet.put(key, Outcome::unknown("/proc/self/mountinfo and /proc/self/cgroup are not readable"));
        }
        return;
    };
    let mut found = Found::default();
    for hierarchy in hierarchies(&mounts, &groups, "cpu") {
        inspect(host, &hierarchy, &mut found);
    }
    sheet.put(keys::MEMORY_LIMIT, memory_limit(host, &hierarchies(&mounts, &groups, "memory")));
    let invisible = || Outcome::unknown("the cpu controller is not visible from here");
    let quota = match (found.cores, found.controller) {
        (Some((cores, version)), _) => {
            let source = format!("tightest quota of the control groups above, version {version}");
            Outcome::ok(FactValue::Number(cores), source)
        }
        (None, true) => Outcome::ok(text("none"), "no quota in any control group above this process"),
        (None, false) => invisible(),
    };
    sheet.put(keys::VIRT_CPU_QUOTA, quota);
    let stops = match found.stops {
        Some(stops) => Outcome::ok(count(stops), "nr_throttled in cpu.stat of the control group"),
        None if found.controller => {
            Outcome::not_applicable("no control group with a quota counter above this process")
        }
        None => invisible(),
    };
    sheet.put(keys::VIRT_QUOTA_STOPS, stops);
}

/// What was found over all hierarchies.
#[derive(Default)]
struct Found {
    /// Tightest quota in cores, and the version that sets it.
    cores: Option<(f64, u8)>,
    /// Whether the cpu controller could be seen anywhere.
    controller: bool,
    /// `nr_throttled` of the innermost group that has it.
    stops: Option<u64>,
}

/// A mounted hierarchy that may hold a quota, and our place in it.
#[derive(Debug, PartialEq)]
struct Hierarchy {
    version: u8,
    mount: String,
    /// Path of our group below the mount point, without slashes at the ends.
    path: String,
}

impl Hierarchy {
    /// Our group's folder and those above it, innermost first.
    fn folders(&self) -> Vec<String> {
        let mut folders = Vec::new();
        let mut path = self.path.as_str();
        while !path.is_empty() {
            folders.push(format!("{}/{path}", self.mount));
            path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
        folders.push(self.mount.clone());
        folders
    }
}

/// Finds the hierarchies; a line of `mountinfo` is
/// `36 35 98:0 /root /mount rw,noatime master:1 - type source options` (`proc(5)`).
fn hierarchies(mounts: &str, groups: &str, controller: &str) -> Vec<Hierarchy> {
    let hierarchy = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (inner, mount) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let version = match kind.next()? {
            "cgroup2" => 2,
            "cgroup" if kind.nth(1)?.split(',').any(|option| option == controller) => 1,
            _ => return None,
        };
        let group = own_group(groups, version, controller)?;
        // Without a namespace the mount shows only what is below `inner`; elsewhere its top is the best guess.
        let below = if inner == "/" { Some(group) } else { group.strip_prefix(inner) };
        let path = below.filter(|path| !path.contains("..")).unwrap_or("");
        Some(Hierarchy {
            version,
            mount: mount.trim_start_matches('/').to_owned(),
            path: path.trim_matches('/').to_owned(),
        })
    };
    mounts.lines().filter_map(hierarchy).collect()
}

/// Our group: `0::/path` in version 2, `4:cpu,cpuacct:/path` in version 1.
fn own_group<'a>(groups: &'a str, version: u8, controller: &str) -> Option<&'a str> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let ours = match version {
            2 => id == "0" && controllers.is_empty(),
            _ => controllers.split(',').any(|named| named == controller),
        };
        ours.then_some(path)
    })
}

fn inspect(host: &Host<'_>, hierarchy: &Hierarchy, found: &mut Found) {
    let top = &hierarchy.mount;
    if hierarchy.version == 1 {
        found.controller = true;
    } else if let Some(controllers) = host.root.read(&format!("{top}/cgroup.controllers")).text() {
        found.controller |= controllers.split_whitespace().any(|controller| controller == "cpu");
    }
    for folder in hierarchy.folders() {
        let limit = if hierarchy.version == 2 { limit_v2(host, &folder) } else { limit_v1(host, &folder) };
        if let Limit::Cores(cores) = limit
            && found.cores.is_none_or(|(tightest, _)| cores < tightest)
        {
            found.cores = Some((cores, hierarchy.version));
        }
        found.controller |= limit != Limit::NotStated;
        if found.stops.is_none() {
            found.stops = stops(host, &folder);
        }
    }
}

/// The tightest memory limit on the way up. Version 1 writes the largest multiple of a page for "none".
fn memory_limit(host: &Host<'_>, hierarchies: &[Hierarchy]) -> Outcome {
    const NONE_FROM: u64 = 1 << 60;
    let mut tightest: Option<u64> = None;
    let mut stated = false;
    for hierarchy in hierarchies {
        let leaf = if hierarchy.version == 2 { "memory.max" } else { "memory.limit_in_bytes" };
        let controllers = host.root.read(&format!("{}/cgroup.controllers", hierarchy.mount));
        stated |= controllers.text().is_some_and(|all| all.split_whitespace().any(|one| one == "memory"));
        for folder in hierarchy.folders() {
            let reading = host.root.read(&format!("{folder}/{leaf}"));
            let Some(word) = reading.text() else { continue };
            match word.parse::<u64>() {
                Ok(bytes) if bytes < NONE_FROM => {
                    stated = true;
                    tightest = Some(tightest.map_or(bytes, |known| known.min(bytes)));
                }
                Ok(_) => stated = true,
                Err(_) => stated |= word == "max",
            }
        }
    }
    match tightest {
        Some(bytes) => Outcome::ok(count(bytes), "tightest memory limit of the control groups above"),
        None if stated => {
            Outcome::ok(text("none"), "no memory limit in any control group above this process")
        }
        None => Outcome::unknown("the memory controller is not visible from here"),
    }
}

/// What one group says about its quota.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    /// There is no such file, or it is malformed.
    NotStated,
    /// The group has no quota.
    None,
    /// Cores that the group may use.
    Cores(f64),
}

/// `cpu.max`: `max 100000` or `200000 100000`.
fn limit_v2(host: &Host<'_>, folder: &str) -> Limit {
    let reading = host.root.read(&format!("{folder}/cpu.max"));
    let mut fields = reading.text().unwrap_or_default().split_whitespace();
    match (fields.next(), fields.next()) {
        (Some("max"), _) => Limit::None,
        (Some(quota), period) => share(quota, period.unwrap_or("100000")),
        (None, _) => Limit::NotStated,
    }
}

/// `cpu.cfs_quota_us` (−1 without a limit) over `cpu.cfs_period_us`.
fn limit_v1(host: &Host<'_>, folder: &str) -> Limit {
    let quota = host.root.read(&format!("{folder}/cpu.cfs_quota_us"));
    let period = host.root.read(&format!("{folder}/cpu.cfs_period_us"));
    match (quota.text(), period.text()) {
        (Some("-1"), _) => Limit::None,
        (Some(quota), Some(period)) => share(quota, period),
        _ => Limit::NotStated,
    }
}

fn share(quota: &str, period: &str) -> Limit {
    match (quota.parse::<u32>(), period.parse::<u32>()) {
        (Ok(quota), Ok(period)) if quota > 0 && period > 0 => {
            Limit::Cores(f64::from(quota) / f64::from(period))
        }
        _ => Limit::NotStated,
    }
}

fn stops(host: &Host<'_>, folder: &str) -> Option<u64> {
    let reading = host.root.read(&format!("{folder}/cpu.stat"));
    reading.text()?.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_found_wherever_they_are_mounted() {
        let check = |mounts: &str, groups: &str, expected: &[(u8, &str, &str)]| {
            let found = hierarchies(mounts, groups, "cpu");
            let found: Vec<(u8, &str, &str)> =
                found.iter().map(|one| (one.version, one.mount.as_str(), one.path.as_str())).collect();
            assert_eq!(found, expected, "{mounts}");
        };
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
        check(unified, "0::/user.slice/session.scope", &[(2, "sys/fs/cgroup", "user.slice/session.scope")]);
        check(unified, "0::/", &[(2, "sys/fs/cgroup", "")]);
        check(unified, "0::/../other", &[(2, "sys/fs/cgroup", "")]);
        let first =
            "41 32 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro master:12 - cgroup cgroup rw,cpu,cpuacct";
        check(first, "4:cpu,cpuacct:/docker/abc", &[(1, "sys/fs/cgroup/cpu,cpuacct", "")]);
        check(first, "4:cpu,cpuacct:/docker/abc/inner", &[(1, "sys/fs/cgroup/cpu,cpuacct", "inner")]);
        check("42 32 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", "8:memory:/", &[]);
        check("", "0::/", &[]);
        check("nonsense - cgroup2", "0::/", &[]);
    }

    #[test]
    fn shares_are_plain_quotients() {
        assert_eq!(share("150000", "100000"), Limit::Cores(1.5));
        assert_eq!(share("0", "100000"), Limit::NotStated);
        assert_eq!(share("100000", "0"), Limit::NotStated);
        assert_eq!(share("-5", "100000"), Limit::NotStated);
    }
}
