"""A connection to the catalog file: how it is opened, what it denies, and its failures in one clear line."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from vya_backup.errors import CatalogError
from vya_backup.history import place

BUSY_SECONDS: Final = 300.0
_DROPS: Final = frozenset(
    getattr(sqlite3, f"SQLITE_DROP_{kind}")
    for kind in ("TABLE", "TRIGGER", "VIEW", "INDEX", "TEMP_TABLE", "TEMP_TRIGGER", "TEMP_VIEW", "TEMP_INDEX", "VTABLE")
) | {sqlite3.SQLITE_ALTER_TABLE}


def connect(path: Path, patience_seconds: float = BUSY_SECONDS, mode: Literal["rw", "ro"] = "rw") -> sqlite3.Connection:
    """Open an existing file in autocommit mode; an append is on disk before it returns.

    While another process holds what is needed, `patience_seconds` pass before that is an error.

    Raises:
        sqlite3.Error: it cannot be opened; `explained` says why.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=patience_seconds,
        isolation_level=None,
        check_same_thread=False,  # each thread has its own, but one thread closes them all
        cached_statements=256,
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection


def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Deny what an append-only catalog never does: changing or removing an event, dropping or altering anything."""
    changes_events = action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and first == "events"
    loosens_schema = action == sqlite3.SQLITE_PRAGMA and first == "writable_schema"
    return sqlite3.SQLITE_DENY if changes_events or loosens_schema or action in _DROPS else sqlite3.SQLITE_OK


def refuse_merged(path: Path) -> None:
    """Refuse to append to a union: its backups lie on other hosts, and its chains go on elsewhere.

    Only looked at, so that it stays as it is, its mode too. A file that is not there yet is none.

    Raises:
        CatalogError: it is one, cannot be read, or lies in an unfit place.
    """
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a folder is closed to us
        return
    place.must_exist(path)
    with explained(path), closing(connect(path, mode="ro")) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'origins'").fetchone():
            return
        hosts = [row[0] for row in connection.execute("SELECT DISTINCT host FROM origins ORDER BY host")]
    if hosts:
        raise CatalogError(
            f"{path} is merged from the catalogs of {', '.join(hosts)}, and nothing can be appended to it",
            "Set catalog.path to this host's own catalog; a merged one is for looking.",
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into one clear line; a wrong statement stays the bug that it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        reason = _REASONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if reason is None:
            raise
        raise CatalogError(f"the catalog {path} {reason[0]}", reason[1]) from error


_REASONS: Final = {
    sqlite3.SQLITE_NOTADB: (
        "is not an SQLite file, so no catalog",
        "If it was one, move it away with its -wal and -shm, then run: doit catalog rebuild. Else name another file.",
    ),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "Move it away with its -wal and -shm, then run: doit catalog rebuild."),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "Run as the account that owns the backups, or set catalog.path."),
    sqlite3.SQLITE_PERM: ("may not be read by this account", "Run as the account that owns the backups."),
    sqlite3.SQLITE_READONLY: ("may not be written by this account", "Run as the account that owns the backups."),
    sqlite3.SQLITE_AUTH: ("refuses to be changed in any way but by appending", ""),
    sqlite3.SQLITE_FULL: ("could not be written: the disk is full", "Make room, then run the same command again."),
    sqlite3.SQLITE_IOERR: ("could not be read or written: the disk failed", "Look at the kernel's log: dmesg."),
    sqlite3.SQLITE_BUSY: (
        f"has been locked by another process for {BUSY_SECONDS:.0f} seconds",
        "See who holds it: fuser -v FILE.",
    ),
}
