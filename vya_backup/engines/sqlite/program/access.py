"""Opens SQLite files and words their failures, for this program.

The rule: a path becomes a URI in one place, so that no name of a file is ever taken for an option.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

MAGIC = b"SQLite format 3\0"
MAPPED_BYTES = 96 << 20
CACHE_BYTES = 32 << 20
COMPANIONS = ("-wal", "-shm", "-journal")
_CODES = {
    "SQLITE_BUSY": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_NOTADB": "not-a-database",
    "SQLITE_CORRUPT": "corrupt",
    "SQLITE_FULL": "space",
    "SQLITE_CANTOPEN": "unreadable",
    "SQLITE_PERM": "unreadable",
    "SQLITE_READONLY": "unreadable",
    "SQLITE_AUTH": "unreadable",
    "SQLITE_IOERR": "damaged-disk",
}


_ERRNO_CODES = {
    errno.ENOENT: "missing",
    errno.ENOSPC: "space",
    errno.EDQUOT: "space",
    errno.EACCES: "unreadable",
    errno.EPERM: "unreadable",
}


class Failure(Exception):
    """An expected failure with a code of one word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def writable_or_not(path: str) -> str:
    """Return the open mode for reading a live database.

    A reader that may write leaves a WAL database's folder as it found it, and can roll back a crashed writer's journal;
    a read-only one leaves -wal and -shm behind.
    """
    return "rw" if os.access(path, os.W_OK) else "ro"


def connect(path: str, options: str, wait_seconds: float = 0) -> sqlite3.Connection:
    """Open a file; `options` are URI parameters such as `mode=ro&immutable=1`."""
    connection = sqlite3.connect(f"file:{_quote(path)}?{options}", uri=True, timeout=wait_seconds, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _quote(path: str) -> str:
    plain = b"/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in os.fsencode(os.path.abspath(path)))


def has_magic(path: str) -> bool:
    """Say whether a file begins as SQLite files do."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def structural_faults(connection: sqlite3.Connection) -> list[str]:
    """Return what SQLite's own check finds broken in the file; rows that break a CHECK are the application's affair."""
    try:
        return _faults(connection, "PRAGMA integrity_check(20)")
    except sqlite3.OperationalError as error:
        if not _stood_in(connection, str(error)):
            raise
    return _faults_without_order(connection)


def _faults_without_order(connection: sqlite3.Connection) -> list[str]:
    """Check what can be checked without the application's own collations and functions."""
    while True:
        try:
            lines = _faults(connection, "PRAGMA quick_check(20)")
            return [line for line in lines if "not in PRIMARY KEY order" not in line]
        except sqlite3.OperationalError as error:
            if not _stood_in(connection, str(error)):
                raise


def _stood_in(connection: sqlite3.Connection, message: str) -> bool:
    """Put something in the place of the collation or function that the message misses; say whether it was that."""
    kind, _, name = message.partition(": ")
    if kind == "no such collation sequence":
        connection.create_collation(name, lambda _left, _right: 0)
    elif kind in {"no such function", "unknown function"}:
        connection.create_function(name.removesuffix("()"), -1, lambda *_: None, deterministic=True)
    else:
        return False
    return True


def _faults(connection: sqlite3.Connection, check: str) -> list[str]:
    lines = [str(row[0]) for row in connection.execute(check)]
    return [line for line in lines if line != "ok" and not _is_about_values(line)]


def _is_about_values(line: str) -> bool:
    return line.startswith(("NULL value in ", "CHECK constraint failed in ")) or " value in " in line.partition(".")[0]


def sound(path: str) -> sqlite3.Connection:
    """Open a private file that nobody else has open, after SQLite's own check of it.

    Raises:
        Failure: it is broken.
    """
    connection = connect(path, "mode=ro&immutable=1")
    # The check jumps between index and table: mapped pages make it up to four times as fast, and count as our memory.
    connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_BYTES // 1024}")
    faults = structural_faults(connection)
    if faults:
        connection.close()
        raise Failure("corrupt", f"the integrity check says: {faults[0].splitlines()[-1]} ({len(faults)} finding(s))")
    return connection


@contextmanager
def failures_as_last_line() -> Iterator[None]:
    """End the program with status 1 and `CODE: message` when the block fails as failures do."""
    try:
        yield
    except Failure as failure:
        _end(failure.code, str(failure))
    except sqlite3.Error as error:
        _end(code_of(error), str(error))
    except OSError as error:
        _end(_ERRNO_CODES.get(error.errno or 0, "failed"), f"{error.strerror}: {error.filename or 'the output'}")


def code_of(error: sqlite3.Error) -> str:
    """Return our word for SQLite's result code."""
    name = getattr(error, "sqlite_errorname", "") or ""
    return next((code for prefix, code in _CODES.items() if name.startswith(prefix)), "failed")


def _end(code: str, message: str) -> None:
    line = f"{code}: {' '.join(message.split())}\n"
    sys.stderr.buffer.write(line.encode("utf-8", "backslashreplace"))
    sys.stderr.flush()
    sys.exit(1)
