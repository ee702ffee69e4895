//! A folder of Criterion results whose files hold anything: read, left out with a finding, or refused.
#![no_main]

use bench_runner::criterion::import::import;
use bench_runner::store;

libfuzzer_sys::fuzz_target!(|files: (Vec<u8>, Vec<u8>, Vec<u8>)| {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let result = folder.path().join("group/new");
    std::fs::create_dir_all(&result).expect("it can be made");
    for (name, content) in [("estimates.json", files.0), ("sample.json", files.1), ("benchmark.json", files.2)] {
        std::fs::write(result.join(name), content).expect("it can be written");
    }
    if let Ok(imported) = import(folder.path(), None) {
        for measurement in imported.measurements {
            store::pack(&measurement.sample).expect("observations can be stored");
        }
    }
});
