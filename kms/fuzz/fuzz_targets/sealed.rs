//! A file that is no whole sealed keystore is refused with an error, whatever its header asks for.
//!
//! The checksum in the header and the price of the passphrase are made right first: otherwise nothing behind them is reached.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use kms::Keystore;
use kms::clock::SetClock;
use kms::sealed::SealedFile;
use sha2::{Digest as _, Sha256};

/// One file per process, so that several may run at once.
static PATH: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("kms-fuzz-sealed-{}", std::process::id())));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = bytes.to_vec();
    if let Some(cost) = file.get_mut(10..22) {
        // Half of the inputs keep what they ask for, but for what is allowed and slow.
        let [memory, passes] = [&cost[..4], &cost[4..8]].map(|field| {
            u32::from_le_bytes(field.try_into().expect("four bytes"))
        });
        if memory <= 1024 * 1024 && passes <= 16 {
            cost[..8].copy_from_slice(&[8, 0, 0, 0, 1, 0, 0, 0]);
            cost[8..].copy_from_slice(&[1, 0, 0, 0]);
        }
    }
    if file.len() >= 102 {
        let checksum = Sha256::digest(&file[..94]);
        file[94..102].copy_from_slice(&checksum[..8]);
    }
    std::fs::write(&*PATH, &file).expect("the file is written");
    #[cfg(unix)]
    std::fs::set_permissions(&*PATH, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("for its owner");
    let opened = Keystore::open(Box::new(SealedFile::new(&*PATH, b"passphrase")), SetClock::default());
    // Only a whole sealed file may open, and the fuzzer cannot make another one without the key.
    assert_eq!(opened.is_ok(), file == *include_bytes!("../seeds/sealed/whole"));
});
