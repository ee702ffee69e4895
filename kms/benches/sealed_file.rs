//! Opening a sealed file, which is slow on purpose, and saving a change to it.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use kms::clock::SystemClock;
use kms::sealed::SealedFile;
use kms::{KeySpec, Keystore, Label};
use support::run;

fn main() {
    run("sealed_file", |bencher, workload| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let open = || {
            let file = SealedFile::new(&path, b"correct horse battery staple");
            Keystore::open(Box::new(file), SystemClock).expect("a keystore")
        };
        let keystore = open();
        let label = Label::new("bench").expect("a label");
        let id = keystore.create(KeySpec::new(label, label)).expect("a key");
        match workload.name {
            "open" => {
                drop(keystore);
                bencher.iter(open);
            }
            "save" => {
                bencher.iter(|| keystore.set_validity(&id, kms::Validity::default()).expect("a change"));
            }
            other => unreachable!("no code for {other}"),
        }
    });
}
