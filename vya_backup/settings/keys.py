"""The two kinds of key that open a credentials store: a key file of its own, or the host name.

The rule: a key file may hold several keys, one a line, newest first; so a rotation that is cut off anywhere leaves a
store that opens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from vya_backup.errors import CredentialsError
from vya_backup.settings.checks import lies_below
from vya_backup.settings.model import Configuration
from vya_backup.settings.private_files import read_private, write_private

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KeyKind = Literal["key-file", "hostname-based"]
KEY_BYTES = 32
NO_KEY = "missing"
"""What a unit of systemd that starts without the key too is given in its place (SetCredential=)."""


@dataclass(frozen=True)
class Lock:
    """What a store is closed with: its kind of key, and where that key comes from."""

    kind: KeyKind
    hostname: str
    key_file: Path

    @classmethod
    def of(cls, configuration: Configuration, store: Path, kind: KeyKind) -> Self:
        """Return the lock of a store; the configured key file belongs to the configured store only."""
        is_configured = store == configuration.credentials.file
        key_file = configuration.credentials.key_path if is_configured else store.with_suffix(".key")
        return cls(kind, configuration.application.host(), key_file)

    def keys(self) -> tuple[bytes, ...]:
        """Return the keys in Fernet's spelling, the one to encrypt with first.

        Raises:
            CredentialsError: the key file is missing, may be read by others, or holds no key.
        """
        if self.kind == "hostname-based":
            return (base64.urlsafe_b64encode(hashlib.sha256(self.hostname.encode()).digest()),)
        return _read_keys(self.key_file)

    def cipher(self) -> MultiFernet:
        """Return what encrypts and decrypts with these keys."""
        return cipher_of(self.keys())

    def fits_not(self, store: Path) -> CredentialsError:
        """Return the error for a store that these keys do not open."""
        if self.kind == "hostname-based":
            return CredentialsError(
                f"{store} was encrypted under another host name than {self.hostname!r}",
                "Set application.hostname to the name it was encrypted under, or run `doit credentials encrypt` again.",
            )
        return CredentialsError(
            f"the key file {self.key_file} does not open {store}",
            "Set credentials.key_file to the key made with this store, or run `doit credentials encrypt` again.",
        )


def cipher_of(keys: tuple[bytes, ...]) -> MultiFernet:
    """Return a cipher that encrypts with the first key and decrypts with any."""
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(key) for key in keys])


def new_key() -> bytes:
    """Return 32 random bytes in Fernet's spelling."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key()


def write_keys(lock: Lock, keys: tuple[bytes, ...], base_path: Path) -> None:
    """Write the key file, replacing it as a whole.

    Raises:
        CredentialsError: it lies below `base_path`, where the backups would carry their own key, or cannot be written.
    """
    if lies_below(lock.key_file, base_path):
        raise CredentialsError(
            f"the key file {lock.key_file} lies below storage.base_path ({base_path}), with the backups",
            "Set credentials.key_file to a place outside.",
        )
    write_private(lock.key_file, b"".join(key + b"\n" for key in keys), replace=True)


def _read_keys(path: Path) -> tuple[bytes, ...]:
    content = read_private(path)
    if len(content) == KEY_BYTES:  # made by another program, as bytes
        return (base64.urlsafe_b64encode(content),)
    keys = tuple(content.split())
    if not keys or not all(_is_key(key) for key in keys):
        hint = "It must hold 32 bytes, or their base64 spelling (44 characters) on a line."
        raise CredentialsError(f"the key file {path} holds no key", hint)
    return keys


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False
