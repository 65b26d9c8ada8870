"""What monitoring asks of history, as frozen rows: databases, numbers, the newest run, the end of the chain.

The rule: every question here costs the number of databases and not the length of history, because each run asks it.
Each is about one origin: empty in a host's own catalog, the host's name in one that was merged from several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vya_backup.clock import parse_rfc3339
from vya_backup.history.reading import Reads, read
from vya_backup.history.recorded import recorded
from vya_backup.history.run_events import Configured, ConfiguredInstance, Room

DAILY_MINUTES = 1440
CHAIN_FAULTS = ("catalog", "damaged")
"""Codes of a failed copy of the catalog that say: what is here is not what was copied."""


@dataclass(frozen=True)
class WatchedRow:
    """One database that is expected to have backups."""

    instance: str
    database: str
    engine: str | None
    newest_good_at: datetime | None
    size_bytes: int | None
    """Of the newest good backup, as it is stored."""
    plain_bytes: int | None
    verified_at: datetime | None
    """When a backup of it was last read again and passed."""
    proved_at: datetime | None
    """When a drill of it last passed."""
    drilled_at: datetime | None
    drill_verdict: str | None
    """How its newest drill ended, whatever came of it."""
    drill_reason: str | None
    failing: bool
    """Whether its newest attempt is no good backup."""
    shrunk_percent: float
    """What its newest backup lost against one before a loss that nobody has looked at; 0 without one."""
    last_failure_at: datetime | None
    last_failure_message: str | None


@dataclass(frozen=True)
class LastRun:
    """The newest invocation that did something; without an end it is at work, or was killed."""

    started_at: datetime
    finished_at: datetime | None
    exit_status: int | None
    version: str


@dataclass(frozen=True)
class ChainEnd:
    """How far one catalog's chain goes."""

    catalog_id: str
    position: int


@dataclass(frozen=True)
class Demands:
    """What the configuration demanded when a run last said so."""

    interval_minutes: int = DAILY_MINUTES
    longest_gap_minutes: int = 0
    drill_max_age_days: float = 0
    verify_every_days: int = 0
    min_free_percent: int = 0
    instances: tuple[ConfiguredInstance, ...] = ()
    retention: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Mapping[str, Any], ...] = ()

    @property
    def overdue_after(self) -> timedelta:
        """Return the age from which a newest good backup is too old: half an interval behind the next expected one."""
        return timedelta(minutes=self.expected_minutes + self.interval_minutes / 2)

    @property
    def expected_minutes(self) -> int:
        """Return how far apart two good backups may be: an interval, or a weekend on which none is expected."""
        return max(self.interval_minutes, self.longest_gap_minutes)

    @property
    def expected(self) -> dict[str, str]:
        """Return the type of each instance that is to be backed up, by id."""
        return {one.id: one.type for one in self.instances if one.enabled and one.databases}


def origins(reads: Reads) -> list[str]:
    """Return the hosts of a merged catalog; in any other the one origin that has no name."""
    return [row[0] for row in reads.rows("SELECT DISTINCT host FROM origins ORDER BY host")] or [""]


def watched(reads: Reads, origin: str = "") -> list[WatchedRow]:
    """Return the databases that are expected to have backups, by name."""
    return read(reads, WatchedRow, "watched WHERE origin = ? ORDER BY instance, database", [origin])


def tallies(reads: Reads, origin: str = "") -> dict[tuple[str, str, str], float]:
    """Return every number by its name, instance and label; the last two are empty where they say nothing."""
    rows = reads.rows(
        "SELECT name, instance, label, number FROM projected_tallies WHERE origin = ? ORDER BY name, instance, label",
        (origin,),
    )
    return {(row["name"], row["instance"], row["label"]): row["number"] for row in rows}


def demands(reads: Reads, origin: str = "") -> Demands:
    """Return what the configuration demanded last; without such an event what its defaults demand."""
    said = next((one.event for one in recorded(reads, f"id = {_newest('configured')}", [origin])), None)
    if not isinstance(said, Configured):
        return Demands()
    return Demands(**{name: getattr(said, name) for name in Demands.__dataclass_fields__})


def known_types(reads: Reads, origin: str = "") -> dict[str, str]:
    """Return the engine of each instance that ever had a database, as its backups tell."""
    newest = (
        "SELECT engine FROM projected_backups AS b WHERE b.instance = i.instance AND b.origin = i.origin "
        "AND engine IS NOT NULL ORDER BY sequence DESC LIMIT 1"
    )
    instances = "SELECT DISTINCT instance, origin FROM projected_databases WHERE origin = ?"
    rows = reads.rows(f"SELECT instance, ({newest}) AS engine FROM ({instances}) AS i", (origin,))
    return {row["instance"]: row["engine"] for row in rows if row["engine"]}


def discovered(reads: Reads, origin: str = "") -> frozenset[str]:
    """Return the instances that ever told which databases they hold."""
    rows = reads.rows("SELECT instance FROM projected_instances WHERE origin = ?", (origin,))
    return frozenset(row[0] for row in rows)


def last_run(reads: Reads, origin: str = "") -> LastRun | None:
    """Return the newest run."""
    rows = read(reads, LastRun, "projected_runs WHERE origin = ? ORDER BY sequence DESC LIMIT 1", [origin])
    return rows[0] if rows else None


def chain_ends(reads: Reads, origin: str = "") -> list[ChainEnd]:
    """Return the end of each chain; `catalog_created` begins every one."""
    chains = f"SELECT DISTINCT catalog_id FROM events AS e WHERE {_of_type('catalog_created')}"
    end = "SELECT max(position) FROM events AS e WHERE e.catalog_id = c.catalog_id"
    rows = reads.rows(f"SELECT catalog_id, ({end}) AS position FROM ({chains}) AS c ORDER BY catalog_id", (origin,))
    return [ChainEnd(row["catalog_id"], row["position"]) for row in rows]


def copies_agree(reads: Reads, origin: str = "") -> bool:
    """Say whether the newest run found in the catalog what it had copied out of it before."""
    marks = ", ".join("?" * len(CHAIN_FAULTS))
    faults = reads.rows(
        f"SELECT 1 FROM events AS e WHERE {_of_type('failed')} AND id > coalesce({_newest('run_started')}, 0) "
        "AND json_extract(data, '$.step') = 'copy of the catalog' "
        f"AND json_extract(data, '$.code') IN ({marks}) LIMIT 1",
        (origin, origin, *CHAIN_FAULTS),
    )
    return not faults


def room(reads: Reads, origin: str = "") -> Room | None:
    """Return what the file system of the backups had left at the end of the newest run."""
    rows = reads.rows(
        "SELECT json_extract(data, '$.room.total_bytes') AS total, json_extract(data, '$.room.free_bytes') AS free "
        f"FROM events WHERE id = {_newest('run_finished')}",
        (origin,),
    )
    if not rows or rows[0]["total"] is None:
        return None
    return Room(total_bytes=rows[0]["total"], free_bytes=rows[0]["free"])


def kept_bytes(reads: Reads, origin: str = "") -> int:
    """Return what all good backups take."""
    rows = reads.rows("SELECT coalesce(sum(kept_bytes), 0) FROM projected_databases WHERE origin = ?", (origin,))
    return int(rows[0][0])


def _of_type(type_: str) -> str:
    """Return the condition of the events of a type that are about no instance, of one origin: its parameter."""
    hosts = "coalesce((SELECT o.host FROM origins AS o WHERE o.catalog_id = e.catalog_id), '')"
    return f"e.type = '{type_}' AND e.instance IS NULL AND e.database IS NULL AND {hosts} = ?"


def _newest(type_: str) -> str:
    """Return what finds the id of the newest of them, which is one seek into the index: it ends with the id."""
    return f"(SELECT e.id FROM events AS e WHERE {_of_type(type_)} ORDER BY e.id DESC LIMIT 1)"


def newest_event_at(reads: Reads) -> datetime | None:
    """Return when the newest event was recorded."""
    rows = reads.rows("SELECT at FROM events ORDER BY id DESC LIMIT 1")
    return parse_rfc3339(rows[0][0]) if rows else None
