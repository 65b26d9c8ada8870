"""What a random walk knows of its world besides the product: the rows that each backup ought to hold, and its files.

The rule: everything is told from the databases, the events and the files; the product is asked nothing.
"""

from __future__ import annotations

import copy
import gzip
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults import nursery, promises
from tests.faults.nursery import Fault, Ran
from tests.project import Project, new_project

CONFIGURATION = """\
application: {hostname: testhost}
instances:
  - {id: local, type: sqlite, path: data/*.db}
storage:
  base_path: backups
  retention: {daily_keep: 2, weekly_keep: 2, monthly_keep: 2, yearly_keep: 1, safety_days: 1}
scheduling: {timezone: America/Sao_Paulo}
"""
BEGINNING = datetime(2026, 1, 9, 15, tzinfo=UTC)
A_STEP = timedelta(minutes=1)
A_RUN = timedelta(seconds=30)
"""Longer than the clock goes on while a command runs."""
FILLER = "INSERT INTO t SELECT 2, hex(zeroblob(900)) FROM (VALUES (1), (2), (3), (4), (5), (6))"
"""Without it, a dump is less than half as large."""
TASKS = ("backup", "verify", "prune", "restore")
STORED = ("good", "damaged", "missing")
Rows = list[tuple[Any, ...]]
Event = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """What the catalog says at one moment: all events in order, and the view `backups` by id, oldest first."""

    events: list[Event] = field(default_factory=list)
    raw: list[tuple[Any, ...]] = field(default_factory=list)
    """The same as they are stored."""
    backups: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, state: str) -> list[dict[str, Any]]:
        """Return the backups of a state, oldest first."""
        return [row for row in self.backups.values() if row["state"] == state]

    def count(self, kind: str) -> int:
        """Return how many events of a type there are."""
        return sum(event["type"] == kind for event in self.events)


@dataclass
class World:
    """A project whose every database, backup and file is known."""

    project: Project
    now: datetime = BEGINNING
    live: dict[str, Rows] = field(default_factory=dict)
    """What each database holds."""
    dumped: dict[str, Rows] = field(default_factory=dict)
    """By backup, what the database held when it was dumped."""
    published: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By backup and path, the files as they were published; the first is the dump."""
    harm: dict[str, dict[str, bytes | None]] = field(default_factory=dict)
    """By backup and path, what was done to its files."""
    shrunk: set[str] = field(default_factory=set)
    """Backups that were less than half of the good one before them, when they became good."""
    seen: Seen = field(default_factory=Seen)
    before: Seen = field(default_factory=Seen)

    @classmethod
    def make(cls, folder: Path) -> World:
        """Make a project with two small databases and no backup."""
        world = cls(new_project(folder, CONFIGURATION))
        for name in ("shop", "other"):
            world.change(name, "CREATE TABLE t (v int, w text)", "INSERT INTO t VALUES (1, 'one')", FILLER)
        return world

    def copied_from(self, template: Path) -> World:
        """Return this world as it was when its folder was kept in `template`, which is put back in its place.

        A database that moved would be another one, and due again; so all walks are made in one folder.
        """
        shutil.rmtree(self.project.folder, ignore_errors=True)
        shutil.copytree(template, self.project.folder, symlinks=True)
        known = ("live", "dumped", "published", "harm", "shrunk")
        return replace(self, **{name: copy.deepcopy(getattr(self, name)) for name in known})

    def change(self, name: str, *statements: str) -> None:
        """Change a database as its owner would."""
        self.project.execute(name, *statements)
        self.live[name] = rows_of(self.project.database(name))

    def run(self, *words: str, fault: Fault | None = None) -> Ran:
        """Run a command at the world's time, let its processes end, and look at what the catalog then says."""
        self.now += A_STEP
        ran = nursery.run(self.project.folder, self.now, spelled(words), fault)
        if fault is not None:
            left = list(promises.of_processes(self.project))
            assert not left, left
        self.before = self.seen
        if (self.project.folder / "catalog/catalog.db").exists():  # else it is lost, and still to be made again
            self.seen = look(self.project, self.before)
        for backup_id, row in self.seen.backups.items():
            self.dumped.setdefault(backup_id, self.live.get(row["database"], []))
        return ran

    def rehearse(self, *words: str) -> int:
        """Return how many effects a command would have now; then everything is as it was, each file the very same."""
        folder = self.project.folder
        aside = folder.with_name(f"{folder.name}-aside")
        folder.rename(aside)
        try:
            shutil.copytree(aside, folder, symlinks=True)
            return nursery.run(folder, self.now + A_STEP, spelled(words)).effects
        finally:
            shutil.rmtree(folder)
            aside.rename(folder)

    def files_of(self, backup_id: str) -> dict[str, bytes | None]:
        """Return the three files of a backup as they are now; None where one is gone."""
        return {path: self.read(path) for path in self.published.get(backup_id, {})}

    def read(self, path: str) -> bytes | None:
        """Return a file of the tree of backups, or None."""
        file = self.project.folder / "backups" / path
        return file.read_bytes() if file.is_file() else None

    def hurt(self, backup_id: str, path: str, content: bytes | None) -> None:
        """Change a file of a backup, or remove it; with what was published it is mended."""
        self.harm.setdefault(backup_id, {})[path] = content
        file = self.project.folder / "backups" / path
        if content is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(content)

    def is_dump_harmed(self, backup_id: str) -> bool:
        """Say whether the dump is not what was published, or never was."""
        if backup_id not in self.published:
            return True
        dump, content = next(iter(self.published[backup_id].items()))
        return self.read(dump) != content

    def is_harmed(self, backup_id: str) -> bool:
        """Say whether any of a backup's files is not what was published."""
        return self.files_of(backup_id) != self.published.get(backup_id, {})

    def publish(self) -> Iterator[str]:
        """Keep the files of each new backup as they were published; yield where its name stands for less than all."""
        for backup_id, row in self.seen.backups.items():
            dump = row["path"]
            if backup_id in self.published or row["state"] not in ("running", *STORED) or self.read(dump) is None:
                continue
            paths = (dump, *map(str, promises._beside(Path(dump))))
            contents = {path: self.read(path) for path in paths}
            self.published[backup_id] = {path: content or b"" for path, content in contents.items()}
            yield from (f"{dump} stands without {path}" for path, content in contents.items() if content is None)
            if (found := rows_in(contents[dump] or b"")) != self.dumped[backup_id]:
                yield f"{dump} holds {len(found)} rows, and {len(self.dumped[backup_id])} were in the database"


def spelled(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a run with one thread: the n-th effect is then the same one each time."""
    return ("run", "-n", "0", *words) if words[0].partition(":")[0] in TASKS else words


def look(project: Project, before: Seen) -> Seen:
    """Read the catalog as anybody could; what is stored as it was `before` is not decoded again."""
    with closing(sqlite3.connect(project.folder / "catalog/catalog.db")) as connection:
        found = connection.execute("SELECT * FROM events ORDER BY id")
        columns, raw = [column[0] for column in found.description], found.fetchall()
    known = before.events if raw[: len(before.raw)] == before.raw else []
    more = [dict(zip(columns, row, strict=True)) for row in raw[len(known) :]]
    events = [*known, *(event | {"data": json.loads(event["data"])} for event in more)]
    rows = {row["backup_id"]: row for row in sorted(promises._view(project, "backups"), key=lambda r: r["sequence"])}
    return Seen(events, raw, rows)


def rows_of(database: Path) -> Rows:
    """Return what a database file holds, looked at in a copy: its journal is left for the product to find."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-journal", "-wal"):
            if (file := Path(f"{database}{suffix}")).exists():
                shutil.copy(file, Path(folder) / f"copy.db{suffix}")
        with closing(sqlite3.connect(Path(folder) / "copy.db")) as connection:
            return connection.execute("SELECT v, w FROM t ORDER BY v, w").fetchall()


def rows_in(stored: bytes) -> Rows:
    """Return what a dump unpacks to."""
    connection = sqlite3.connect(":memory:")
    with closing(connection):
        connection.deserialize(gzip.decompress(stored))
        return connection.execute("SELECT v, w FROM t ORDER BY v, w").fetchall()


def copied(project: Project) -> dict[str, int]:
    """Return by chain the position up to which its events lie in the tree, told by the names of segments."""
    ends: dict[str, int] = {}
    for path in (project.folder / "backups").rglob("@catalog/*/*/*.jsonl"):
        chain = path.parts[-3]
        ends[chain] = max(ends.get(chain, 0), int(path.stem.rpartition("-")[2]))
    return ends


def instant(text: str) -> datetime:
    """Read an instant of the catalog."""
    return datetime.fromisoformat(text)
