//! Compact JWS and DSSE around a payload of 128 bytes: what encoding adds to the signature.

#[path = "support.rs"]
#[expect(dead_code, reason = "each target uses its part of what the targets share")]
mod support;

use std::num::NonZeroUsize;

use criterion::Bencher;
use kms::dsse::Envelope;
use kms::jwk::Jwks;
use kms::jws;
use support::{MESSAGE, ROTATION, rotate, run, signed};

const TYPE: &str = "application/vnd.in-toto+json";

fn main() {
    run("envelopes", |bencher, workload| match workload.group {
        Some("jws") => tokens(bencher, workload.name == "sign"),
        Some("dsse") => envelopes(bencher, workload.name == "sign"),
        other => unreachable!("no code for {other:?}"),
    });
}

fn tokens(bencher: &mut Bencher<'_>, sign: bool) {
    let inputs = signed(ROTATION, 1, MESSAGE);
    if sign {
        return rotate(bencher, inputs, |signed| jws::sign(&signed.key, "bench", &signed.message));
    }
    let mut keys = Jwks::new();
    keys.insert("bench", inputs[0].public.clone());
    let tokens: Vec<String> =
        inputs.iter().map(|signed| jws::sign(&signed.key, "bench", &signed.message)).collect();
    rotate(bencher, &tokens, |token| jws::verify(token, &keys).expect("a good token"));
}

fn envelopes(bencher: &mut Bencher<'_>, sign: bool) {
    let inputs = signed(ROTATION, 1, MESSAGE);
    let envelope = |signed: &support::Signed| {
        let envelope = Envelope::new(TYPE, signed.message.clone()).signed_by(&signed.key, Some("bench"));
        envelope.to_json().expect("JSON")
    };
    if sign {
        return rotate(bencher, inputs, envelope);
    }
    let trusted = [inputs[0].public.clone()];
    let texts: Vec<String> = inputs.iter().map(envelope).collect();
    rotate(bencher, &texts, |text| {
        let read = Envelope::from_json(text).expect("an envelope");
        read.verify(&trusted, NonZeroUsize::MIN).expect("a good signature").len()
    });
}
