"""The signature check that lies in the evidence, written out by itself, against RFC 8032 and against cryptography."""

from __future__ import annotations

import random
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.evidence import program

VECTORS = [  # RFC 8032, section 7.1: tests 1 to 3, as public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
        "4655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
        "eb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28"
        "dc027beceea1ec40a",
    ),
]


@pytest.fixture(scope="module")
def verify() -> Any:
    """The program."""
    return program()


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_signatures_of_the_standard_are_accepted(verify: Any, public: str, message: str, signature: str) -> None:
    """And none of them for another message, or by another key."""
    arguments = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify.is_signed(*arguments)
    assert not verify.is_signed(arguments[0], arguments[1] + b"\0", arguments[2])
    other = bytes.fromhex(VECTORS[0][0] if public != VECTORS[0][0] else VECTORS[1][0])
    assert not verify.is_signed(other, *arguments[1:])


def test_it_agrees_with_cryptography(verify: Any) -> None:
    """On true signatures, and on those and keys of which one bit was changed."""
    chance = random.Random(8032)
    for _ in range(12):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        message = chance.randbytes(chance.randrange(200))
        public, signature = key.public_key().public_bytes_raw(), key.sign(message)
        assert verify.is_signed(public, message, signature)
        for _ in range(4):
            changed = bytearray(public + signature)
            changed[chance.randrange(96)] ^= 1 << chance.randrange(8)
            arguments = bytes(changed[:32]), message, bytes(changed[32:])
            assert verify.is_signed(*arguments) == accepted(*arguments)


def accepted(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say what cryptography thinks."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_a_second_form_of_a_signature_is_none(verify: Any) -> None:
    """Adding the order of the group to a signature would make another one that fits: RFC 8032, 5.1.7, refuses it."""
    public, message, signature = (bytes.fromhex(part) for part in VECTORS[1])
    twin = int.from_bytes(signature[32:], "little") + verify.ORDER
    assert twin < 1 << 256
    assert not verify.is_signed(public, message, signature[:32] + twin.to_bytes(32, "little"))


@pytest.mark.parametrize("encoded", [b"\xff" * 32, (2).to_bytes(32, "little"), b"\x01" + b"\0" * 30 + b"\x80"])
def test_what_is_no_point_of_the_curve_is_no_key(verify: Any, encoded: bytes) -> None:
    """A coordinate beyond the prime, one that no point has, and a sign where there is none."""
    assert verify.decompressed(encoded) is None
    assert not verify.is_signed(encoded, b"", bytes(64))


@pytest.mark.parametrize(("public", "signature"), [(bytes(31), bytes(64)), (bytes(32), bytes(63))])
def test_what_is_too_short_is_none(verify: Any, public: bytes, signature: bytes) -> None:
    """32 and 64 bytes."""
    assert not verify.is_signed(public, b"", signature)
