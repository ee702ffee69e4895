//! The content of a sealed file has one encoding: what is read is written back byte for byte.
#![no_main]

use kms::keystore::Snapshot;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(snapshot) = Snapshot::decode(bytes) {
        assert_eq!(&snapshot.encode()[..], bytes);
    }
});
