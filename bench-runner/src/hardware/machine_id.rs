//! The identifier that the operating system gave this installation.
//!
//! It is confidential: callers key a hash with it and never store or show it.

use super::root::{Reading, Root};

/// Reads the machine id of a Linux system below `root`.
///
/// # Edge cases
/// `None` when there is none: another system, an image that has not been booted (`uninitialized`), or a file
/// that is not 32 hexadecimal digits. The caller then uses a random id of its own.
///
/// # Reference
/// `machine-id(5)`.
#[must_use]
pub fn machine_id(root: &Root) -> Option<Vec<u8>> {
    ["etc/machine-id", "var/lib/dbus/machine-id"].iter().find_map(|path| match root.read(path) {
        Reading::Text(id) => valid(&id),
        Reading::Absent | Reading::Denied | Reading::Malformed(_) => None,
    })
}

fn valid(id: &str) -> Option<Vec<u8>> {
    let hexadecimal = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let empty = id.bytes().all(|byte| byte == b'0');
    (hexadecimal && !empty).then(|| id.to_ascii_lowercase().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_real_id_counts() {
        let check = |content: Option<&str>, expected: bool| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("etc")).unwrap();
            if let Some(content) = content {
                std::fs::write(folder.path().join("etc/machine-id"), content).unwrap();
            }
            assert_eq!(machine_id(&Root::new(folder.path())).is_some(), expected, "{content:?}");
        };
        check(Some("0123456789abcdef0123456789abcdef\n"), true);
        check(Some("0123456789ABCDEF0123456789ABCDEF"), true);
        check(Some("uninitialized\n"), false);
        check(Some("00000000000000000000000000000000"), false);
        check(Some(""), false);
        check(Some("0123456789abcdef"), false);
        check(None, false);
    }
}
