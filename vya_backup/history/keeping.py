"""What retention reads: the backups of one database that may have files, its alarms, and prunes that were cut off.

The rule: what is read grows with what is kept, never with history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vya_backup.history.reading import Reads, read
from vya_backup.history.recorded import recorded

if TYPE_CHECKING:
    from vya_backup.history.event import Event


@dataclass(frozen=True)
class RetainedRow:
    """One backup as retention sees it. Sizes in bytes; `path` is relative to `base_path`."""

    backup_id: str
    sequence: int
    instance: str
    database: str
    state: str
    path: str | None
    started_at: datetime
    size_bytes: int | None
    plain_bytes: int | None
    sha256: str | None
    metadata_sha256: str | None
    verified_at: datetime | None
    drilled_at: datetime | None
    held: bool
    restoring: bool
    drills: list[dict[str, Any]]
    """The processes of the drills of it that did not end."""
    good_event: int | None
    """The event that made it good; None while nothing did."""
    before_bytes: int | None
    """Plain size of the newest good backup at that time; None for the first one."""
    inode: int | None
    modified_ns: int | None
    """Of the file as it was read back."""
    removing: bool
    """Pruned, and its files may still be there."""

    @property
    def columns(self) -> dict[str, str]:
        """Return what an event about it carries in its columns."""
        return {"instance": self.instance, "database": self.database, "backup_id": self.backup_id}


@dataclass(frozen=True)
class Alarms:
    """What stops the pruning of a database."""

    trouble: Event | None
    """Why its newest attempt is not good; None when it is, or when someone looked since."""
    looked_event: int
    """The last `released` of the database; 0 when there is none."""


STATES = ("good", "running", "damaged", "missing")
"""The states of backups that have files, or ought to have them."""


def retained(catalog: Reads, instance: str, database: str, origin: str = "") -> list[RetainedRow]:
    """Return the backups of a database that have or ought to have files, newest first."""
    marks = ", ".join("?" * len(STATES))
    condition = f"instance = ? AND database = ? AND origin = ? AND state IN ({marks})"
    tail = f"retained WHERE {condition} ORDER BY sequence DESC"
    return read(catalog, RetainedRow, tail, [instance, database, origin, *STATES])


def to_be_removed(catalog: Reads, host: str) -> list[RetainedRow]:
    """Return the backups that a host has pruned and whose files may still be there, oldest first.

    In a catalog of several hosts another one's tree is not ours to look into, let alone to remove from.
    """
    by_host = "(SELECT host FROM events WHERE id = projected_prunes.sequence) = ?"
    begun = f"SELECT backup_id FROM projected_prunes WHERE {by_host}"
    rows = read(catalog, RetainedRow, f"retained WHERE backup_id IN ({begun})", [host])
    return sorted(rows, key=lambda row: row.sequence)


def beginning_with(catalog: Reads, beginning: str) -> list[RetainedRow]:
    """Return the backups whose ids begin with a text, at most two: more are as ambiguous as two."""
    tail = "retained WHERE backup_id >= ? AND backup_id < ? ORDER BY backup_id LIMIT 2"
    return read(catalog, RetainedRow, tail, [beginning, beginning + "\U0010ffff"])


def one(catalog: Reads, backup_id: str) -> RetainedRow | None:
    """Return one backup."""
    rows = read(catalog, RetainedRow, "retained WHERE backup_id = ?", [backup_id])
    return rows[0] if rows else None


def alarms(catalog: Reads, instance: str, database: str, origin: str = "") -> Alarms:
    """Return what stops the pruning of a database."""
    rows = catalog.rows(
        "SELECT trouble_event, looked_event FROM projected_alarms WHERE instance = ? AND database = ? AND origin = ?",
        (instance, database, origin),
    )
    if not rows:
        return Alarms(None, 0)
    trouble = next(iter(recorded(catalog, "id = ?", (rows[0]["trouble_event"],))), None)
    return Alarms(trouble.event if trouble else None, rows[0]["looked_event"])
