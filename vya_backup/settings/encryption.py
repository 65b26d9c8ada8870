"""Makes and renews the encrypted credentials store.

The rule: the store is replaced as a whole, and never by one whose key is not safely on disk before.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vya_backup.errors import CredentialsError
from vya_backup.settings.credentials import FERNET_PREFIX, CredentialStore
from vya_backup.settings.keys import KeyKind, Lock, cipher_of, new_key, write_keys
from vya_backup.settings.model import Configuration
from vya_backup.settings.private_files import exists, read_private, write_private
from vya_backup.settings.problems import Origin, Problem
from vya_backup.settings.store_format import SECRET_KEYS, Entry, parse, refuse, render

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_UNUSABLE = {
    re.compile(
        r"[\r\n]"
    ): "a line break, which cannot reach PostgreSQL through any file: its password file goes by line",
    re.compile(r"\0"): "a zero byte, which ends the text for every database client",
    re.compile(r"[\ud800-\udfff]"): "half of a surrogate pair, which is no character",
}


@dataclass(frozen=True)
class Encrypted:
    """A store that was written; `advice` are full sentences for the operator."""

    path: Path
    entries: int
    kind: KeyKind
    key_file: Path | None
    advice: tuple[str, ...]


def encrypt(
    source: Path, output: Path, configuration: Configuration, *, kind: KeyKind | None = None, force: bool = False
) -> Encrypted:
    """Encrypt the accounts of a plain JSON file into a store. The plain file stays: the advice says to delete it.

    The kind of key is the given one, else what the plain file says, else `key-file`. A key file that exists is kept.

    Raises:
        CredentialsError: the plain file is malformed or holds unusable values (all of them are named), the store
            exists and `force` is false, or something cannot be read or written.
    """
    output = output.absolute()
    _refuse_output(source, output, force=force)
    document = parse(source, _read_plain(source))
    refuse(problem for entry in (*document.entries, *document.services) for problem in _unusable(entry))
    lock = Lock.of(configuration, output, kind or document.kind or "key-file")
    if lock.kind == "key-file" and not exists(lock.key_file):
        write_keys(lock, (new_key(),), configuration.storage.base_path)
    entries = _closed(lock.cipher(), (entry.raw for entry in document.entries))
    services = _closed(lock.cipher(), (entry.raw for entry in document.services))
    write_private(output, render(lock.kind, entries, services), replace=force)
    return _result(
        output, len(entries) + len(services), lock, (f"Delete the plain file now: shred -u {shlex.quote(str(source))}",)
    )


def add(configuration: Configuration, account: Mapping[str, str], *, replace: bool = False) -> Encrypted:
    """Add one account, given in the clear, to the configured store; what else is in there stays as it is.

    Raises:
        CredentialsError: it is there already and `replace` is false, a value is unusable, or something cannot be read
            or written.
    """
    path = configuration.credentials.file
    document = parse(path, read_private(path)) if exists(path) else None
    there = [entry.raw for entry in document.entries] if document else []
    meant = (account["id"], account.get("purpose", ""))
    kept = [raw for raw in there if (raw["id"], raw.get("purpose", "")) != meant]
    if kept != there and not replace:
        raise CredentialsError(f"{path} has an account for {account['id']} already", "Give the instance another id.")
    refuse(_unusable(Entry(dict(account), Origin("", key=account["id"]))))
    lock = Lock.of(configuration, path, (document.kind if document else None) or "key-file")
    if document is None and lock.kind == "key-file" and not exists(lock.key_file):
        write_keys(lock, (new_key(),), configuration.storage.base_path)
    entries = [*kept, *_closed(lock.cipher(), [dict(account)])]
    services = [entry.raw for entry in document.services] if document else []
    write_private(path, render(lock.kind, entries, services), replace=document is not None)
    return _result(path, len(entries), lock, ())


def rotate(configuration: Configuration) -> Encrypted:
    """Give the configured store a new key of its own; a hostname-based store becomes a key-file store.

    Raises:
        CredentialsError: the old key does not open every token, or something cannot be read or written.
    """
    path, base_path = configuration.credentials.file, configuration.storage.base_path
    store = CredentialStore.load(configuration)
    plain, plain_services = store.in_the_clear(), store.services_in_the_clear()
    lock = Lock.of(configuration, path, "key-file")
    old_keys = lock.keys() if exists(lock.key_file) else ()
    key = new_key()
    entries, services = _closed(cipher_of((key,)), plain), _closed(cipher_of((key,)), plain_services)
    # Both keys lie on disk while the store changes hands: cut off at any line, the store still opens.
    write_keys(lock, (key, *old_keys), base_path)
    write_private(path, render(lock.kind, entries, services), replace=True)
    write_keys(lock, (key,), base_path)
    return _result(path, len(entries) + len(services), lock, ())


def _refuse_output(source: Path, output: Path, *, force: bool) -> None:
    if exists(output) and not force:
        raise CredentialsError(f"{output} exists already", "Add --force to replace it.")
    if exists(output) and output.samefile(source):
        raise CredentialsError(f"{output} is the plain file itself", "Give --output another path.")


def _read_plain(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise CredentialsError(
            f"{source} cannot be read: {error.strerror}", "Give --input a plain JSON file."
        ) from error


def _unusable(entry: Entry) -> Iterator[Problem]:
    for key in SECRET_KEYS:
        value = entry.raw.get(key, "")
        origin = entry.origin.below(key)
        if value.startswith(FERNET_PREFIX):
            yield Problem(
                origin, "is encrypted already; give the plain file (`doit credentials rotate` renews a store)"
            )
        for characters, reason in _UNUSABLE.items():
            if characters.search(value):
                yield Problem(origin, f"holds {reason}; choose another one on the server")


def _closed(cipher: MultiFernet, entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: cipher.encrypt(value.encode()).decode() if key in SECRET_KEYS else value for key, value in entry.items()}
        for entry in entries
    ]


def _result(path: Path, count: int, lock: Lock, advice: tuple[str, ...]) -> Encrypted:
    if lock.kind == "hostname-based":
        weak = (
            "Whoever knows the host name can decrypt this store, and a renamed host cannot: `doit credentials rotate`."
        )
        return Encrypted(path, count, lock.kind, None, (*advice, weak))
    keep = f"Keep a copy of {lock.key_file} elsewhere, away from the backups: without it the store never opens again."
    return Encrypted(path, count, lock.kind, lock.key_file, (*advice, keep))
