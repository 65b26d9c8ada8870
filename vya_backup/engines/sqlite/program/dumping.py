"""Writes a consistent copy of a live database to standard output, and what the copy holds to the report.

The rule: the application is never held up for longer than copying takes, and nothing is written that has not passed
SQLite's own integrity check.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import access  # type: ignore[import-not-found]
import survey  # type: ignore[import-not-found]

PIECE_PAGES = 4096
SMALL_BYTES = 64 << 20  # copied in well under a second: not worth being polite
PATIENCE = 2  # copies that a busy application made start over, before it has to wait for one
BUSY = 5  # SQLITE_BUSY
OWN_FOLDER = ".vya-sqlite-"


class _StartedOver(Exception):
    """The application wrote too often while the copy was made in pieces."""


def dump(source: str, report: str, scratch: str, wait_seconds: str) -> None:
    """Stream `source` to standard output; its locks are waited for `wait_seconds`, the copy lies in `scratch`."""
    with private_folder(scratch) as folder:
        copy = f"{folder}/copy.db"
        take(source, copy, float(wait_seconds))
        with closing(access.sound(copy)) as connection:
            found = survey.full(lambda sql: connection.execute(sql).fetchall())
        _stream(copy)
    with open(report, "w", encoding="utf-8") as file:
        json.dump(found, file)


def take(source: str, copy: str, wait_seconds: float) -> None:
    """Copy a live database into a new file.

    Raises:
        access.Failure, sqlite3.Error: it is locked, unreadable or broken, or there is no room.
    """
    if not access.has_magic(source):
        raise access.Failure("not-a-database", "the file does not begin as SQLite files do")
    with closing(access.connect(source, f"mode={access.writable_or_not(source)}", wait_seconds)) as live:
        size = _size(live)
        _ensure_room(copy, size)
        if size > SMALL_BYTES and not _is_wal(live) and _copied_politely(live, copy):
            return
        with closing(_new(copy)) as target:
            _copy_at_once(live, target)


def _new(copy: str) -> sqlite3.Connection:
    with open(copy, "wb"):  # a copy that was started over is no database that SQLite would write to
        pass
    target: sqlite3.Connection = access.connect(copy, "mode=rwc")
    target.execute("PRAGMA synchronous = OFF")  # a crash loses only what nobody has published yet
    target.execute("PRAGMA journal_mode = OFF")
    return target


def _size(live: sqlite3.Connection) -> int:
    pages, page_size = (live.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages) * int(page_size)


def _is_wal(live: sqlite3.Connection) -> bool:
    return bool(live.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _ensure_room(copy: str, size: int) -> None:
    folder = os.path.dirname(copy)
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    if free < size:
        raise access.Failure("space", f"the copy needs {size:,} bytes, {os.path.dirname(folder)} has {free:,} free")


def _copied_politely(live: sqlite3.Connection, copy: str) -> bool:
    """Copy in pieces between which a rollback-journal application may write; False when it wrote too often."""
    least, restarts = 1 << 62, 0

    def watch(status: int, remaining: int, _total: int) -> None:
        nonlocal least, restarts
        _refuse_busy(status)
        restarts += remaining > least
        least = remaining
        if restarts > PATIENCE:
            raise _StartedOver

    with closing(_new(copy)) as target, suppress(_StartedOver):
        live.backup(target, pages=PIECE_PAGES, progress=watch)
        return True
    return False


def _copy_at_once(live: sqlite3.Connection, target: sqlite3.Connection) -> None:
    live.execute("BEGIN")
    live.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # from here on the snapshot stands still
    live.backup(target, pages=PIECE_PAGES, progress=lambda status, _remaining, _total: _refuse_busy(status))
    live.execute("ROLLBACK")


def _refuse_busy(status: int) -> None:
    if status == BUSY:  # SQLite has waited already; Python would ask again for ever
        raise access.Failure("locked", "database is locked")


def _stream(copy: str) -> None:
    with open(copy, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        sent = 0
        while sent < size:
            sent += os.sendfile(1, file.fileno(), sent, min(size - sent, 1 << 20))


@contextmanager
def private_folder(scratch: str) -> Iterator[str]:
    """Give a 0700 folder that is removed afterwards; what killed runs left beside it is removed first."""
    _sweep(scratch)
    folder = f"{scratch}/{OWN_FOLDER}{os.getpid()}-{os.urandom(6).hex()}"
    os.mkdir(folder, 0o700)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who holds it is alive
        yield folder
    finally:
        os.close(lock)
        _remove(folder)


def _sweep(scratch: str) -> None:
    for name in os.listdir(scratch):
        if name.startswith(OWN_FOLDER) and not _is_alive(f"{scratch}/{name}", name):
            _remove(f"{scratch}/{name}")


def _remove(folder: str) -> None:
    with suppress(OSError):  # another run may be removing it too
        for name in os.listdir(folder):
            os.unlink(f"{folder}/{name}")
        os.rmdir(folder)


def _is_alive(folder: str, name: str) -> bool:
    pid = name.removeprefix(OWN_FOLDER).partition("-")[0]
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return True  # another account's, or just gone
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return os.path.exists(f"/proc/{pid}")  # it was made a moment ago and is not locked yet
    finally:
        os.close(lock)
