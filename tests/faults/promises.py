"""What must hold after any fault, looked at from outside: with the catalog's views, the files and the processes.

The rule: nothing here asks the product; a broken promise is a sentence, so that a sweep can count them all.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.project import Project

PATIENCE_SECONDS = 30
Rows = Callable[[Path], Any]


def good_backups(project: Project) -> dict[str, dict[str, Any]]:
    """Return what the catalog calls good, by id."""
    return {row["backup_id"]: row for row in _view(project, "restorable")}


def held_backups(project: Project) -> list[str]:
    """Return the ids of what is held, oldest first."""
    return sorted(row["backup_id"] for row in _view(project, "backups") if row["held"])


def given_up(project: Project) -> set[str]:
    """Return the ids of what a prune gave up on purpose."""
    return {event["backup_id"] for event in project.events("type = 'pruned'")}


def of_good_backups(
    project: Project, before: dict[str, dict[str, Any]], spared: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield what is wrong with the good backups: one that was good `before` is lost, or one does not unpack.

    `spared` are those that may be gone.
    """
    now = good_backups(project)
    yield from (f"good backup {lost} is lost" for lost in before.keys() - now.keys() - spared)
    for row in now.values():
        path = project.folder / "backups" / row["path"]
        try:
            stored = path.read_bytes()
            plain = gzip.decompress(stored)
        except (OSError, EOFError) as error:
            yield f"good backup {row['path']} cannot be unpacked: {error}"
            continue
        if hashlib.sha256(stored).hexdigest() != row["sha256"]:
            yield f"good backup {row['path']} is not what was read back"
        if hashlib.sha256(plain).hexdigest() != row["plain_sha256"]:
            yield f"good backup {row['path']} unpacks to other bytes than were streamed"


def of_leftovers(project: Project) -> Iterator[str]:
    """Yield what a crash left that the next run should have seen to."""
    for state in ("backups", "restores"):
        running = [row for row in _view(project, state) if row["state"] == "running"]
        yield from (f"still running in {state}: {row}" for row in running)
    known = {Path(row["path"]) for row in good_backups(project).values()}
    base = project.folder / "backups"
    for path in project.files():
        relative = path.relative_to(base)
        if relative not in known and not any(_belongs(relative, dump) for dump in known):
            yield f"a file that no good backup has: {relative}"
    for dump in known:
        yield from (f"{dump} lacks {beside}" for beside in _beside(dump) if not (base / beside).is_file())
    for place in ("data/.*", "catalog/.*", "catalog/state/catalog-snapshot*", "backups/**/@catalog/**/.*"):
        yield from (f"a file is left: {path.relative_to(project.folder)}" for path in project.folder.glob(place))
    yield from (f"a drill's folder is left: {path.name}" for path in (project.folder / "tmp").glob("vya-drill-*"))
    yield from (f"a lock is held: {path.name}" for path in project.folder.rglob("*.lock") if _is_held(path))


def of_copies(project: Project) -> Iterator[str]:
    """Yield what the copies of the catalog lack although a run says that it is done."""
    with closing(sqlite3.connect(project.catalog)) as connection:
        own, head = connection.execute("SELECT catalog_id, position FROM events ORDER BY id DESC LIMIT 1").fetchone()
    segments = (project.folder / "backups").glob(f"*/@catalog/{own}/*/*.jsonl")
    copied = max((int(path.stem.rpartition("-")[2]) for path in segments), default=0)
    if copied != head:
        yield f"the copies of the catalog end at {copied} of {head}"


def of_scratch(project: Project) -> Iterator[str]:
    """Yield the copies of tools that could not remove their own; the next dump does, so there must have been one."""
    yield from (f"a scratch copy is left: {path.name}" for path in (project.folder / "tmp").glob(".*"))


def of_processes(project: Project) -> Iterator[str]:
    """Yield the processes that work in the project's folder and do not end."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (alive := _at_work(project)) and time.monotonic() < until:
        time.sleep(0.01)
    yield from (f"a process is left: {words}" for words in alive)


def _at_work(project: Project) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid() and os.fsencode(project.folder) in (folder / "cmdline").read_bytes():
                found.append((folder / "cmdline").read_text(errors="replace").replace("\0", " "))
    return found


def _view(project: Project, name: str) -> list[dict[str, Any]]:
    """Return a view's rows; of `restorable` with what only the projection knows."""
    with closing(sqlite3.connect(project.catalog)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]


def _beside(dump: Path) -> tuple[Path, Path]:
    stem = dump.name.removesuffix(".gz").rpartition(".")[0]
    return dump.with_name(f"{dump.name}.sha256"), dump.with_name(f"{stem}.metadata.json")


def _belongs(path: Path, dump: Path) -> bool:
    return path in _beside(dump)


def _is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
