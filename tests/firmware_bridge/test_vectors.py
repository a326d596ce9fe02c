"""The published vectors are what the code makes, and hold by the documented rules alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.firmware_bridge import vectors

FILE = Path(__file__).resolve().parents[2] / "docs" / "contract-lock-vectors.json"
PUBLISHED: dict[str, Any] = json.loads(FILE.read_text("utf-8"))


def public(name: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(PUBLISHED["ed25519_public"][name]))


def test_the_published_vectors_are_what_the_code_makes() -> None:
    assert json.loads(json.dumps(vectors.make())) == PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED["papers"])
def test_a_signed_paper_holds_by_cbor_and_ed25519_alone(name: str) -> None:
    told = PUBLISHED["papers"][name]
    protected, unprotected, payload, signature = cbor2.loads(bytes.fromhex(told["cose_sign1"]))
    assert (cbor2.loads(protected), unprotected, payload.hex()) == ({1: -8}, {}, told["payload"])
    signed = cbor2.dumps(["Signature1", protected, told["external_aad"].encode(), payload])
    assert signed.hex() == told["to_be_signed"]
    public(told["by"]).verify(signature, signed)


def test_the_session_is_made_by_the_documented_key_schedule_alone() -> None:
    """HKDF from the library in one step (salt, then info) instead of our extract and expand."""
    told = {name: bytes.fromhex(value) for name, value in PUBLISHED["session"].items()}
    y = X25519PrivateKey.from_private_bytes(told["ephemeral_y"])
    shared = y.exchange(X25519PublicKey.from_public_bytes(told["message_1"][2:]))
    th1 = hashlib.sha256(told["message_1"] + told["message_2"][1:33]).digest()
    t2 = hashlib.sha256(th1 + told["message_2"][33:]).digest()

    def derived(info: bytes, length: int = 32) -> bytes:
        return HKDF(SHA256(), length, th1, info).derive(shared)

    opened = ChaCha20Poly1305(derived(b"daka/lock/1/k2" + th1)).decrypt(bytes(12), told["message_2"][33:], None)
    lock_key = bytes.fromhex(PUBLISHED["ed25519_public"]["lock"])
    th2 = hashlib.sha256(th1 + opened[:-64] + lock_key).digest()
    public("lock").verify(opened[-64:], b"daka/lock/1/lock\0" + th2)
    plain = ChaCha20Poly1305(derived(b"daka/lock/1/k3" + t2)).decrypt(bytes(12), told["message_3"][1:], None)
    kiosk_key = bytes.fromhex(PUBLISHED["ed25519_public"]["kiosk"])
    assert hashlib.sha256(t2 + kiosk_key + plain[64:]).digest() == told["th3"]
    public("kiosk").verify(plain[:64], b"daka/lock/1/kiosk\0" + told["th3"])
    last = hashlib.sha256(told["th3"] + told["message_3"][1:]).digest()
    keys = told["key_kiosk_to_lock"] + told["key_lock_to_kiosk"] + told["challenge"]
    assert derived(b"daka/lock/1/traffic" + last, 96) == keys


def test_the_sealed_messages_open_by_chacha20_poly1305_and_a_counter_alone() -> None:
    counters = {"kiosk": 0, "lock": 0}
    keys = {"kiosk": "key_kiosk_to_lock", "lock": "key_lock_to_kiosk"}
    for said in PUBLISHED["conversation"]:
        sealed, sender = bytes.fromhex(said["sealed"]), said["from"]
        nonce = bytes(4) + counters[sender].to_bytes(8, "little")
        cipher = ChaCha20Poly1305(bytes.fromhex(PUBLISHED["session"][keys[sender]]))
        assert cipher.decrypt(nonce, sealed[1:], sealed[:1]).hex() == said["plain"]
        counters[sender] += 1


def test_a_spent_grant_is_refused_whatever_time_the_lock_is_told() -> None:
    told = PUBLISHED["forgetting"]
    assert [visit["answer"] for visit in told["visits"]] == ["armed", "expired", "expired"]
    assert [visit["stamped"] for visit in told["visits"]] == [True, False, False]
    assert [visit["forgotten_up_to"] for visit in told["visits"]] == [0, told["expires_at"], told["expires_at"]]


def test_what_is_taken_back_ends_where_it_says() -> None:
    assert [said["tampered"] for said in PUBLISHED["clearing"]["statements"]] == [True, False, True]


def test_the_log_is_a_chain_of_hashes_and_signatures_alone() -> None:
    prev = bytes(32)
    for number, text in enumerate(PUBLISHED["log"]["events"], start=1):
        data = bytes.fromhex(text)
        protected, _, payload, signature = cbor2.loads(data)
        public("lock").verify(signature, cbor2.dumps(["Signature1", protected, b"daka/lock/1/event", payload]))
        claims = cbor2.loads(payload)
        assert (claims[1], claims[2]) == (number, prev)
        prev = hashlib.sha256(data).digest()
    assert cbor2.loads(cbor2.loads(bytes.fromhex(PUBLISHED["log"]["head"]))[2])[2] == prev
