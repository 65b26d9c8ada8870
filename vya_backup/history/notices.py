"""What each channel was told and what it did not take, and the runs behind it: all that is known of who knows what.

The rule: every question costs what happened lately, and not the length of history.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from vya_backup.history.reading import Reads, read

TOLD: Final = (
    *("abandoned", "accounts_changed", "checksummed", "damaged", "discovery_failed", "drilled", "dumped", "failed"),
    *("hook_ran", "missed", "missing", "pruned", "recovered", "recovery_failed", "removed", "restored"),
    *("restore_failed", "started", "verified"),
)
"""The types of event that a message may tell of; of hooks those that failed."""
MOST_RUNS: Final = 200
MOST_FAILED: Final = 1_000
MOST_TAKEN: Final = 5_000
"""So many of the newest notices, of all channels, are looked through for what was not taken and never told later."""


@dataclass(frozen=True)
class Notice:
    """What was said, or could not be said, on a channel; `id` is the event's."""

    id: int
    at: datetime
    type: str
    data: dict[str, Any]

    @property
    def is_told(self) -> bool:
        """Say whether the channel took it."""
        return self.type == "notified"

    @property
    def about(self) -> tuple[str, ...]:
        """Return the runs, or the digest, that it was about."""
        return tuple(self.data.get("about", ()))


@dataclass(frozen=True)
class Happening:
    """One event of a run as a message tells it; `sentence` is that of the audit log."""

    id: int
    at: datetime
    type: str
    instance: str | None
    database: str | None
    backup_id: str | None
    sentence: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToldRun:
    """A run as `runs` has it, with the process that it was, where that was recorded."""

    sequence: int
    run_id: str
    command: str
    actor: str
    started_at: datetime
    finished_at: datetime | None
    exit_status: int | None
    results: dict[str, int] | None
    process: dict[str, Any] | None


def newest(reads: Reads, channel: str, type_: str, about: str = "%") -> Notice | None:
    """Return the newest notice of a type on a channel, of those whose first word of `about` is like a pattern."""
    rows = read(
        reads,
        Notice,
        "events WHERE type = ? AND instance IS NULL AND database IS NULL "
        "AND json_extract(data, '$.channel') = ? AND coalesce(json_extract(data, '$.about[0]'), '') LIKE ? "
        "ORDER BY id DESC LIMIT 1",
        [type_, channel, about],
    )
    return rows[0] if rows else None


def exchanged(reads: Reads, channel: str) -> list[Notice]:
    """Return what a channel did not take lately, and what it took since the first of that, oldest first.

    Nothing where it took everything. No failure is given whose later success may lie too far back to be given too.
    """
    bare = "instance IS NULL AND database IS NULL"
    floor = f"SELECT id FROM events WHERE type = 'notified' AND {bare} ORDER BY id DESC LIMIT 1 OFFSET ?"
    newest_failed = (
        f"(SELECT * FROM events WHERE type = 'notification_failed' AND {bare} AND id > coalesce(({floor}), 0) "
        "ORDER BY id DESC LIMIT ?)"
    )
    of_channel = "json_extract(data, '$.channel') = ? ORDER BY id"
    failed = read(reads, Notice, f"{newest_failed} WHERE {of_channel}", [MOST_TAKEN, MOST_FAILED, channel])
    if not failed:
        return []
    taken = read(
        reads, Notice, f"events WHERE type = 'notified' AND {bare} AND id > ? AND {of_channel}", [failed[0].id, channel]
    )
    return sorted([*failed, *taken], key=lambda one: one.id)


def words_about(reads: Reads, about: str, since: int = 0) -> list[Notice]:
    """Return every notice about a run or a digest that was recorded after an event, oldest first."""
    condition = (
        "e.type IN ('notified', 'notification_failed') AND e.instance IS NULL AND e.database IS NULL AND e.id > ?"
    )
    return read(
        reads,
        Notice,
        f"events AS e WHERE {condition} AND EXISTS (SELECT 1 FROM json_each(e.data, '$.about') AS a WHERE a.value = ?) "
        "ORDER BY e.id",
        [since, about],
    )


def named_since(reads: Reads, since: int) -> set[str]:
    """Return all that the notices of any channel to people are about which were recorded after an event."""
    rows = read(
        reads,
        Notice,
        "events WHERE type IN ('notified', 'notification_failed') AND instance IS NULL AND database IS NULL "
        "AND id > ? AND json_extract(data, '$.channel') <> 'ping'",
        [since],
    )
    return {name for row in rows for name in row.about}


def runs_of(reads: Reads, run_ids: Iterable[str]) -> list[ToldRun]:
    """Return these runs, oldest first."""
    return _runs(reads, "r.run_id IN (SELECT value FROM json_each(?)) ORDER BY r.sequence", [json.dumps(list(run_ids))])


def runs_since(reads: Reads, sequence: int, limit: int = MOST_RUNS) -> list[ToldRun]:
    """Return the newest runs that began after an event, oldest first."""
    return _runs(reads, "r.sequence > ? AND r.origin = '' ORDER BY r.sequence DESC LIMIT ?", [sequence, limit])[::-1]


def happenings(reads: Reads, run_ids: Iterable[str], types: Sequence[str] = TOLD) -> dict[str, list[Happening]]:
    """Return by run what happened in it that may be told, in order."""
    found: dict[str, list[Happening]] = {}
    for run_id in run_ids:
        found[run_id] = read(
            reads,
            Happening,
            "(SELECT e.id, e.at, e.type, e.instance, e.database, e.backup_id, e.data, "
            "iif(e.type = 'missed', (SELECT sentence FROM audit_log AS l WHERE l.id = e.id), '') AS sentence "
            "FROM events AS e WHERE e.run_id = ? AND e.type IN (SELECT value FROM json_each(?)) "
            "AND (e.type <> 'hook_ran' OR json_extract(e.data, '$.problem') <> '') ORDER BY e.id)",
            [run_id, json.dumps(list(types))],
        )
    return found


def _runs(reads: Reads, tail: str, parameters: list[Any]) -> list[ToldRun]:
    started = "SELECT e.data FROM events AS e WHERE e.id = r.sequence"
    return read(
        reads,
        ToldRun,
        "(SELECT r.sequence, r.run_id, r.command, r.actor, r.started_at, r.finished_at, r.exit_status, r.results, "
        f"json_extract(({started}), '$.process') AS process FROM projected_runs AS r WHERE {tail})",
        parameters,
    )


@dataclass(frozen=True)
class BeforeRow:
    """What was there before a backup: the good one before it, and whether something failed between the two."""

    instance: str
    database: str
    size_bytes: int | None
    duration_seconds: float | None
    was_failing: bool


def before(reads: Reads, backup_ids: Iterable[str]) -> list[BeforeRow]:
    """Return for each backup what was there before it."""
    same = "instance = n.instance AND database = n.database AND origin = n.origin AND sequence < n.sequence"
    good = f"SELECT max(sequence) FROM projected_backups WHERE {same} AND state IN ('good', 'pruned')"
    failed = (
        f"EXISTS (SELECT 1 FROM projected_backups WHERE {same} AND state IN ('failed', 'abandoned') "
        "AND sequence > coalesce(p.sequence, 0))"
    )
    unstarted = "coalesce(d.last_failure_at > coalesce(p.started_at, '') AND d.last_failure_at < n.started_at, 0)"
    return read(
        reads,
        BeforeRow,
        f"(SELECT n.instance, n.database, p.size_bytes, p.duration_seconds, {failed} OR {unstarted} AS was_failing "
        f"FROM projected_backups AS n LEFT JOIN projected_backups AS p ON p.sequence = ({good}) "
        "LEFT JOIN projected_databases AS d "
        "ON d.instance = n.instance AND d.database = n.database AND d.origin = n.origin "
        "WHERE n.backup_id IN (SELECT value FROM json_each(?)))",
        [json.dumps(list(backup_ids))],
    )
