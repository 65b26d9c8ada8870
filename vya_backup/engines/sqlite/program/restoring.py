"""Brings a dump back: into a staging file, then under a free name, or into the file that an application has open.

The rule: nothing is overwritten by a rename while SQLite can read it, because an application that has the file open
would go on writing into the unlinked one; its content is replaced through the backup API, under its own locks.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import access  # type: ignore[import-not-found]

CHUNK_BYTES = 1 << 20
PIECE_PAGES = 4096
BUSY = 5  # SQLITE_BUSY


def receive(staging: str) -> None:
    """Write standard input to a new private file, and let SQLite check it."""
    with _removed_on_failure(staging):
        with open(staging, "xb", opener=_private) as file:
            shutil.copyfileobj(sys.stdin.buffer, file, CHUNK_BYTES)
            file.flush()
            os.fsync(file.fileno())
        access.sound(staging).close()


def publish(staging: str, target: str, aside: str, mode: str, owner: str) -> None:
    """Give the staged file its free name, with `mode` (octal) and `owner` (`UID:GID`) where they are known.

    A write-ahead log or journal that a lost database left behind would be replayed into the new one: it goes `aside`.

    Raises:
        access.Failure: the name is taken.
    """
    _take_over(staging, mode, owner)
    if os.path.lexists(target):
        raise access.Failure("taken", f"{target} exists")
    _set_companions_aside(target, aside)
    _link(staging, target)
    _sync_folder(target)


def save(target: str, retired: str, wait_seconds: str) -> None:
    """Keep a copy of the old database; of one that SQLite cannot read, the bytes as they are."""
    with _removed_on_failure(retired):
        os.close(_private(retired, os.O_CREAT | os.O_EXCL))
        try:
            _copy(target, f"mode={access.writable_or_not(target)}", retired, float(wait_seconds))
        except sqlite3.DatabaseError as error:
            _demand_unreadable(error)
            shutil.copyfile(target, retired)


def replace(source: str, target: str, aside: str, wait_seconds: str) -> None:
    """Make `target` hold what `source` holds, keeping the file, its mode, its owner and its journal mode."""
    if not (access.has_magic(source) and access.has_magic(target)):
        _replace_unreadable(source, target, aside)
        return
    try:
        with closing(access.connect(source, "mode=rw")) as staged:
            staged.execute("PRAGMA journal_mode = DELETE")  # so that the target's own journal mode stays
        _fit_page_size(source, target, float(wait_seconds))
        _copy(source, "mode=ro", target, float(wait_seconds))
    except sqlite3.DatabaseError as error:
        _demand_unreadable(error)
        _replace_unreadable(source, target, aside)


def discard(*paths: str) -> None:
    """Remove files of this restore, with what SQLite put beside them."""
    for path in paths:
        for suffix in ("", *access.COMPANIONS):
            with suppress(FileNotFoundError):
                os.unlink(path + suffix)


def prove(target: str, retired: str, wait_seconds: str) -> None:
    """Demand that the target is whole after a crash: sound once its journal was played back, or the old bytes.

    Raises:
        access.Failure: it is neither, or not there; `retired` may be all that is left of the old database.
    """
    if not os.path.exists(target):
        raise access.Failure("missing", f"{target} does not exist; {retired} may hold the old database")
    try:
        with closing(access.connect(target, f"mode={access.writable_or_not(target)}", float(wait_seconds))) as opened:
            faults = access.structural_faults(opened)
    except sqlite3.DatabaseError as error:
        _demand_unreadable(error)
        faults = [str(error)]
    if faults and not filecmp.cmp(target, retired, shallow=False):
        message = f"{target}: {faults[0].splitlines()[-1]}; {retired} may hold the old database, or a part of it"
        raise access.Failure("corrupt", message)


VERBS: dict[str, Callable[..., None]] = {
    "receive": receive,
    "publish": publish,
    "save": save,
    "replace": replace,
    "discard": discard,
    "prove": prove,
}


@contextmanager
def _removed_on_failure(path: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise  # somebody else's
    except BaseException:
        discard(path)
        raise


def _demand_unreadable(error: sqlite3.DatabaseError) -> None:
    """Go on only when SQLite cannot make sense of the file; whatever else it says ends the restore."""
    if access.code_of(error) not in {"not-a-database", "corrupt"}:
        raise error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _copy(source: str, options: str, target: str, wait_seconds: float) -> None:
    with (
        closing(access.connect(source, options, wait_seconds)) as old,
        closing(access.connect(target, "mode=rw", wait_seconds)) as new,
    ):
        old.execute("BEGIN")
        old.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # one snapshot, however long the copy takes
        old.backup(new, pages=PIECE_PAGES, progress=_refuse_busy)


def _refuse_busy(status: int, _remaining: int, _total: int) -> None:
    if status == BUSY:  # SQLite has waited already; Python would ask again for ever
        raise access.Failure("locked", "database is locked")


def _fit_page_size(source: str, target: str, wait_seconds: float) -> None:
    """Leave WAL mode for the copy when the page sizes differ: SQLite refuses such a copy into a WAL database."""
    with (
        closing(access.connect(source, "mode=ro")) as new,
        closing(access.connect(target, "mode=rw", wait_seconds)) as old,
    ):
        sizes = {connection.execute("PRAGMA page_size").fetchone()[0] for connection in (new, old)}
        if len(sizes) > 1:
            old.execute("PRAGMA journal_mode = DELETE")


def _replace_unreadable(source: str, target: str, aside: str) -> None:
    """Swap by rename: no application can have work in a file that SQLite cannot read."""
    fresh = f"{aside}.new"
    old = os.stat(target)
    with _removed_on_failure(fresh):
        shutil.copyfile(source, fresh)
        _take_over(fresh, f"{old.st_mode & 0o7777:o}", f"{old.st_uid}:{old.st_gid}")
        _set_companions_aside(target, aside)
        os.rename(fresh, target)
    _sync_folder(target)


def _take_over(path: str, mode: str, owner: str) -> None:
    if owner:
        uid, gid = (int(part) for part in owner.split(":"))
        try:
            os.chown(path, uid, gid)
        except OSError as error:
            # only root gives files away, and behind a drill's walls that account may not exist (EINVAL,
            # user_namespaces(7)): then it stays ours, as a copy would
            if error.errno not in {errno.EPERM, errno.EINVAL}:
                raise
    if mode:
        os.chmod(path, int(mode, 8))
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _set_companions_aside(target: str, aside: str) -> None:
    for suffix in access.COMPANIONS:
        with suppress(FileNotFoundError):
            os.rename(target + suffix, aside + suffix)


def _link(staging: str, target: str) -> None:
    try:
        os.link(staging, target)
    except FileExistsError:
        raise access.Failure("taken", f"{target} exists") from None
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o600))  # no hard links here: reserve the name, then rename
        os.rename(staging, target)
    else:
        os.unlink(staging)


def _sync_folder(path: str) -> None:
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
