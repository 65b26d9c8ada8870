"""The restores of the past as frozen rows, and which of them a later run has to put right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vya_backup.history.reading import Reads, at_most, read


@dataclass(frozen=True)
class RestoreRow:
    """One restore. `state` is running, restored or failed; instance and database are where the artifact came from."""

    restore_id: str
    sequence: int
    """The catalog's own order: the id of the restore's first event."""
    state: str
    backup_id: str | None
    instance: str | None
    database: str | None
    target_instance: str
    target_database: str
    staging: str | None
    retired: str | None
    source_path: str | None
    requested: str | None
    process: dict[str, Any] | None
    host: str
    actor: str
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None
    rows: int | None
    plain_bytes: int | None
    code: str | None
    message: str | None
    hint: str | None
    left_behind: str | None


def restores(catalog: Reads, limit: int | None = None) -> list[RestoreRow]:
    """Return restores, newest first."""
    return read(catalog, RestoreRow, "restores ORDER BY sequence DESC LIMIT ?", [at_most(limit)])


def unfinished_restores(catalog: Reads) -> list[RestoreRow]:
    """Return restores that began and did not end, at work or orphaned by a crash."""
    return read(catalog, RestoreRow, "restores WHERE state = 'running' ORDER BY sequence")


def untidy_restores(catalog: Reads) -> list[RestoreRow]:
    """Return restores that ended and left something behind that a later run may be able to remove."""
    return read(catalog, RestoreRow, "restores WHERE state <> 'running' AND left_behind <> '' ORDER BY sequence")
