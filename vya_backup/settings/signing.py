"""Ed25519 keys: the private one that signs evidence, and the public one of a key that is kept elsewhere.

The rule: a private key comes from a private file, as every secret here; nothing of it is ever shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vya_backup.errors import ConfigurationError
from vya_backup.settings.private_files import read_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HOW = "Make one with: openssl genpkey -algorithm ed25519 -out FILE; its public half: openssl pkey -in FILE -pubout"


@dataclass(frozen=True)
class Signer:
    """A private key, ready to sign."""

    _key: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """Return the public half, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._key.sign(message)


def signer(path: Path) -> Signer:
    """Read a private key.

    Raises:
        CredentialsError: the file is not there, or others may read it.
        ConfigurationError: it holds no private Ed25519 key in PEM, or one with a passphrase.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(read_private(path), None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} holds no private key in PEM without a passphrase", HOW) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} holds a private key of another kind than Ed25519", HOW)
    return Signer(key)


def public_key(path: Path) -> bytes:
    """Read a public key, in PEM or as 64 hexadecimal digits; return its 32 bytes.

    Raises:
        ConfigurationError: the file holds neither, or cannot be read.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        content = path.read_bytes().strip()
        if re.fullmatch(rb"[0-9a-f]{64}", content):
            return bytes.fromhex(content.decode())
        key = load_pem_public_key(content)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} holds no public key", HOW) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{path} holds a public key of another kind than Ed25519", HOW)
    return key.public_bytes_raw()
