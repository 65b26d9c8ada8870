"""The runs, the failures and the audit log as frozen rows: what happened, in the order of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vya_backup.history.reading import Reads, at_most, read


@dataclass(frozen=True)
class RunRow:
    """One invocation that did something; `exit_status` is None while it runs, or when it was killed."""

    run_id: str
    command: str
    version: str
    environment: str
    config_path: str
    host: str
    actor: str
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None
    exit_status: int | None
    results: dict[str, int] | None


@dataclass(frozen=True)
class FailureRow:
    """One failure of a step, a restore or a discovery; `id` is the event's."""

    id: int
    at: datetime
    type: str
    instance: str | None
    database: str | None
    backup_id: str | None
    step: str | None
    code: str
    message: str
    hint: str
    host: str


@dataclass(frozen=True)
class AuditLine:
    """One event as a sentence."""

    id: int
    at: datetime
    type: str
    host: str
    actor: str
    instance: str | None
    database: str | None
    backup_id: str | None
    run_id: str | None
    sentence: str


def runs(catalog: Reads, limit: int | None = None) -> list[RunRow]:
    """Return runs, newest first."""
    return read(catalog, RunRow, "runs ORDER BY sequence DESC LIMIT ?", [at_most(limit)])


def failures(catalog: Reads, limit: int | None = None) -> list[FailureRow]:
    """Return failures, newest first."""
    return read(catalog, FailureRow, "failures ORDER BY id DESC LIMIT ?", [at_most(limit)])


def audit_log(catalog: Reads, limit: int | None = None) -> list[AuditLine]:
    """Return every event as a sentence, newest first."""
    return read(catalog, AuditLine, "audit_log ORDER BY id DESC LIMIT ?", [at_most(limit)])
