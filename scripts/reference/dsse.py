#!/usr/bin/env python3
"""Checks our DSSE envelopes with securesystemslib, and has it sign one for us to check.

    python3 -m venv venv && venv/bin/pip install securesystemslib==1.6.0 cryptography
    venv/bin/python scripts/reference/dsse.py BUNDLE PUBLIC_HEX > bench-runner/tests/fixtures/seal/verified.json

BUNDLE is what `bench-runner bundle export` wrote, PUBLIC_HEX what `bench-runner key show` prints. Ends with 1 when the
envelope does not verify. The first envelope of the bundle is read; nothing of bench-runner is used.
"""

import base64
import copy
import hashlib
import json
import sys

import securesystemslib
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def key_of(public: bytes) -> SSlibKey:
    keyid = "ed25519-" + hashlib.sha256(public).hexdigest()[:16]
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": public.hex()})


def verify(wire: dict, key: SSlibKey) -> bytes:
    envelope = Envelope.from_dict(copy.deepcopy(wire))
    envelope.verify([key], 1)
    return envelope.payload


def main() -> None:
    bundle_file, public_hex = sys.argv[1:]
    with open(bundle_file, encoding="utf-8") as file:
        wire = json.load(file)["envelopes"][0]
    key = key_of(bytes.fromhex(public_hex))
    statement = json.loads(verify(wire, key))

    changed = copy.deepcopy(wire)
    payload = bytearray(base64.b64decode(changed["payload"]))
    payload[len(payload) // 2] ^= 1
    changed["payload"] = base64.b64encode(payload).decode()
    try:
        verify(changed, key)
        refused = False
    except VerificationError:
        refused = True

    # A fixed seed: the envelope below is the same each time.
    secret = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
    public = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    theirs = Envelope(json.dumps(statement).encode(), wire["payloadType"], {})
    signature = secret.sign(theirs.pae())
    their_key = key_of(public)
    theirs_wire = {
        "payload": base64.b64encode(theirs.payload).decode(),
        "payloadType": theirs.payload_type,
        "signatures": [{"keyid": their_key.keyid, "sig": base64.b64encode(signature).decode()}],
    }
    verify(theirs_wire, their_key)

    subject = statement["subject"][0]
    print(json.dumps({
        "origin": f"scripts/reference/dsse.py, securesystemslib {securesystemslib.__version__}",
        "keyid": wire["signatures"][0]["keyid"],
        "payloadType": wire["payloadType"],
        "subject": subject["name"],
        "sha256": subject["digest"]["sha256"],
        "changed_payload_refused": refused,
        "public": public.hex(),
        "envelope": theirs_wire,
    }, indent=1))


if __name__ == "__main__":
    main()
