//! An envelope that is read is written to something that reads the same.
#![no_main]

use kms::dsse::Envelope;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(envelope) = Envelope::from_json(text) {
        let written = envelope.to_json().expect("what was read can be written");
        assert_eq!(Envelope::from_json(&written).expect("and read again"), envelope);
    }
});
