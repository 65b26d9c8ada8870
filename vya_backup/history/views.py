"""The SQL views as frozen rows: what everything that looks at backups and databases reads.

The rule, here and in `restores` and `journal`: views decide, Python only carries. Order is the catalog's own sequence,
never a clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vya_backup.history.reading import Reads, at_most, read, where
from vya_backup.history.recorded import recorded
from vya_backup.history.run_events import Discovered


@dataclass(frozen=True)
class BackupRow:
    """One backup. `state` is one of running, good, failed, abandoned, damaged, missing, pruned."""

    backup_id: str
    sequence: int
    """The catalog's own order: the id of the backup's first event."""
    instance: str
    database: str
    engine: str | None
    state: str
    path: str | None
    """Relative to `base_path`; while running, where it is going to be."""
    shape: str | None
    slot_start: datetime | None
    slot_end: datetime | None
    attempt: int | None
    forced: bool | None
    host: str
    process: dict[str, Any] | None
    dumped: bool
    """Published; together with state `running` only the checksum is left to do."""
    size_bytes: int | None
    plain_bytes: int | None
    sha256: str | None
    plain_sha256: str | None
    metadata_sha256: str | None
    compression: str | None
    consistent: bool | None
    gaps: int | None
    rows: int | None
    rows_exact: bool | None
    schema_hash: str | None
    started_at: datetime
    dumped_at: datetime | None
    checksummed_at: datetime | None
    finished_at: datetime | None
    duration_seconds: float | None
    """Of the dump alone."""
    verified_at: datetime | None
    drilled_at: datetime | None
    pruned_at: datetime | None
    held: bool
    restoring: bool
    """Whether a restore that reads it has begun and not ended."""
    code: str | None
    message: str | None
    hint: str | None
    looked_at: datetime | None
    """When it was last verified, whatever came of it; `verified_at` is when that was a pass."""
    verdict: str | None
    verdict_reason: str | None

    @property
    def key(self) -> str:
        """Return `INSTANCE/DATABASE`."""
        return f"{self.instance}/{self.database}"


@dataclass(frozen=True)
class RestorableRow(BackupRow):
    """A good backup; `proved_at` is when a drill has shown it, `future` whether its clock was ahead of now."""

    proved_at: datetime | None
    future: bool


@dataclass(frozen=True)
class DatabaseRow:
    """One known database.

    `present` says whether it is expected: None while no discovery has spoken of it (`@users`, or none yet), False once
    it is gone from the server or its instance from the configuration.
    """

    instance: str
    database: str
    engine: str | None
    present: bool | None
    newest_good: str | None
    newest_good_at: datetime | None
    path: str | None
    size_bytes: int | None
    age_seconds: float | None
    due: bool
    overdue: bool
    last_failure_at: datetime | None
    last_failure_code: str | None
    last_failure_message: str | None
    kept_count: int
    kept_bytes: int


def backups(
    catalog: Reads,
    instance: str | None = None,
    database: str | None = None,
    states: Iterable[str] | None = None,
    limit: int | None = None,
    origin: str | None = None,
) -> list[BackupRow]:
    """Return backups, newest first."""
    condition, parameters = where({"instance": instance, "database": database, "origin": origin}, states)
    return read(
        catalog, BackupRow, f"backups WHERE {condition} ORDER BY sequence DESC LIMIT ?", [*parameters, at_most(limit)]
    )


def backup(catalog: Reads, backup_id: str) -> BackupRow | None:
    """Return one backup."""
    rows = read(catalog, BackupRow, "backups WHERE backup_id = ?", [backup_id])
    return rows[0] if rows else None


def restorable(
    catalog: Reads, instance: str | None = None, database: str | None = None, limit: int | None = None
) -> list[RestorableRow]:
    """Return good backups, newest first; one dated in the future is flagged, and stands where it was recorded."""
    condition, parameters = where({"instance": instance, "database": database})
    tail = f"restorable WHERE {condition} ORDER BY sequence DESC LIMIT ?"
    return read(catalog, RestorableRow, tail, [*parameters, at_most(limit)])


def newest_good(catalog: Reads) -> dict[tuple[str, str], BackupRow]:
    """Return the newest good backup of each database that has one; it costs the number of databases, not of backups."""
    tail = "backups WHERE sequence IN (SELECT good_sequence FROM projected_databases WHERE good_sequence IS NOT NULL)"
    return {(row.instance, row.database): row for row in read(catalog, BackupRow, tail)}


def newest_published(catalog: Reads) -> dict[tuple[str, str], BackupRow]:
    """Return for each database the newest backup that is good, or is dumped and only waits for its checksum."""
    newest = newest_good(catalog)
    for row in unfinished(catalog):
        good = newest.get((row.instance, row.database))
        if row.dumped and (good is None or row.sequence > good.sequence):
            newest[row.instance, row.database] = row
    return newest


def newest_published_of(catalog: Reads, instance: str, database: str) -> BackupRow | None:
    """Return what `newest_published` says of one database, at the cost of two index seeks."""
    newest = "SELECT max(sequence) FROM projected_backups WHERE instance = ?1 AND database = ?2 AND state ="
    good, unread = f"({newest} 'good')", f"({newest} 'running' AND dumped_at IS NOT NULL)"
    rows = read(
        catalog,
        BackupRow,
        f"backups WHERE sequence = max(coalesce({good}, 0), coalesce({unread}, 0))",
        [instance, database],
    )
    return rows[0] if rows else None


def unread_of(catalog: Reads, instance: str, database: str) -> list[BackupRow]:
    """Return the dumps of one database that wait for their read-back, oldest first."""
    waiting = "instance = ? AND database = ? AND state = 'running' AND dumped"
    return read(catalog, BackupRow, f"backups WHERE {waiting} ORDER BY sequence", [instance, database])


def unfinished(catalog: Reads) -> list[BackupRow]:
    """Return backups in the state `running`: at work, orphaned by a crash, or dumped and not yet read back."""
    return read(catalog, BackupRow, "backups WHERE state = 'running' ORDER BY sequence")


def databases(catalog: Reads) -> list[DatabaseRow]:
    """Return every known database by name."""
    return read(catalog, DatabaseRow, "databases ORDER BY instance, database")


def database_names(catalog: Reads) -> list[tuple[str, str]]:
    """Return instance and name of every known database, sorted: all that a list of tasks needs."""
    return [tuple(row) for row in catalog.rows("SELECT instance, database FROM projected_databases ORDER BY 1, 2")]


def known_databases(catalog: Reads) -> dict[str, Discovered]:
    """Return what each instance said last about its databases."""
    condition = "id IN (SELECT discovered_event FROM projected_instances)"
    events = [found.event for found in recorded(catalog, condition)]
    return {event.instance: event for event in events if isinstance(event, Discovered) and event.instance}


def task_states(catalog: Reads) -> dict[str, dict[str, Any]]:
    """Return what doit remembers of each task."""
    return {row["task"]: json.loads(row["state"]) for row in catalog.rows("SELECT task, state FROM projected_tasks")}
