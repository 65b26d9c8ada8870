"""What the catalog remembers of recoveries, and how fast databases came back: the plan of the next one is made of it.

The rule is that of `views`: the SQL decides, this only carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vya_backup.history.reading import Reads, read


@dataclass(frozen=True)
class RecoveryRow:
    """One recovery. `state` is running (or cut off), recovered or failed, as its newest attempt ended."""

    recovery_id: str
    instance: str
    target_instance: str
    state: str
    at: datetime | None
    attempts: int
    started_at: datetime
    finished_at: datetime | None

    @property
    def is_finished(self) -> bool:
        """Say whether everything stood at its end."""
        return self.state == "recovered"


@dataclass(frozen=True)
class RestoredRow:
    """The newest restore that put something under a name of an instance."""

    target_database: str
    instance: str | None
    database: str | None
    backup_id: str | None
    stage: str
    recovery_id: str


@dataclass(frozen=True)
class PaceRow:
    """How long the newest restore or drill of a database took, with the bytes of its dump."""

    engine: str
    instance: str
    database: str
    plain_bytes: int
    duration_seconds: float


def recoveries(catalog: Reads, instance: str, target_instance: str) -> list[RecoveryRow]:
    """Return the recoveries from one instance to another, newest first."""
    condition = "recoveries WHERE instance = ? AND target_instance = ? ORDER BY sequence DESC"
    return read(catalog, RecoveryRow, condition, [instance, target_instance])


def newest_restored(catalog: Reads, target_instance: str) -> dict[str, RestoredRow]:
    """Return for each database of an instance the newest restore that stands there, as far as the catalog knows."""
    newest = f"({_RESTORED}) WHERE target_instance = ? ORDER BY id"
    return {row.target_database: row for row in read(catalog, RestoredRow, newest, [target_instance])}


def paces(catalog: Reads) -> list[PaceRow]:
    """Return how fast each database came back the last time, in a restore or in a drill that passed."""
    return read(catalog, PaceRow, f"({_PACES})")


_RESTORED = """SELECT id, instance, database, backup_id,
    json_extract(data, '$.target_instance') AS target_instance,
    json_extract(data, '$.target_database') AS target_database,
    coalesce(json_extract(data, '$.stage'), '') AS stage,
    coalesce(json_extract(data, '$.recovery_id'), '') AS recovery_id
    FROM events WHERE type = 'restored'"""
_PACES = """SELECT b.engine, e.instance, e.database,
    json_extract(e.data, '$.plain_bytes') AS plain_bytes,
    json_extract(e.data, '$.duration_seconds') AS duration_seconds
    FROM events AS e JOIN projected_backups AS b ON b.backup_id = e.backup_id
    WHERE e.id IN (
      SELECT max(id) FROM events
      WHERE type IN ('restored', 'drilled') AND coalesce(json_extract(data, '$.verdict'), 'pass') = 'pass'
        AND coalesce(json_extract(data, '$.stage'), '') <> 'programs'
        AND json_extract(data, '$.plain_bytes') > 0 AND json_extract(data, '$.duration_seconds') > 0
      GROUP BY instance, database)"""
