"""PURE: what an event is; its kinds are small frozen past-tense types whose names are the operator's words.

An event holds facts, never row data and never a secret. `instance`, `database` and `backup_id` are columns of the
catalog; the other fields are its `data`. The kinds stand in `events` (backups), `restore_events` and `run_events`.
"""

from __future__ import annotations

import json
from typing import ClassVar, Final

from vya_backup.history.fact import Exact, Fact

COLUMNS: Final = ("instance", "database", "backup_id")


class Event(Fact):
    """One immutable fact."""

    type: ClassVar[str]

    instance: str | None = None
    database: str | None = None
    backup_id: str | None = None

    def data(self) -> str:
        """Return the fields that are not columns as canonical JSON, every known secret replaced by the mask."""
        return json.dumps(self.scrubbed(*COLUMNS), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class Process(Fact):
    """Who is at work, so that a later run can tell whether it still is."""

    host: Exact
    boot_id: Exact
    pid: int
    started_ticks: int
