"""PURE: the events in the life of a recovery, which brings a whole instance back; `instance` is where it came from.

Each database of it has the ordinary events of a restore beside these, with the same `recovery_id`.
"""

from __future__ import annotations

from typing import Annotated

from vya_backup.history.event import Event, Process
from vya_backup.history.fact import EXACT, Exact, ExactList, Fact, Instant


class RecoveryStarted(Event):
    """A recovery began, or went on after it had been cut off or had failed in parts (`resumed`)."""

    type = "recovery_started"
    recovery_id: Exact
    target_instance: Exact
    databases: ExactList
    """Those that are to be restored now."""
    requested: str
    at: Instant | None = None
    """The newest backups at or before this are taken; without it the newest of all."""
    resumed: bool = False
    process: Annotated[Process, EXACT]


class RecoveredDatabase(Fact):
    """What came of one database, or of the accounts (`@users`)."""

    database: Exact
    result: Exact
    reason: str = ""


class Recovered(Event):
    """Everything that was wanted stands on the target, restored now or by the attempts before."""

    type = "recovered"
    recovery_id: Exact
    target_instance: Exact
    duration_seconds: float
    results: tuple[RecoveredDatabase, ...] = ()


class RecoveryFailed(Event):
    """A recovery ended with something left to do; the same command goes on from there."""

    type = "recovery_failed"
    recovery_id: Exact
    target_instance: Exact
    duration_seconds: float
    results: tuple[RecoveredDatabase, ...] = ()
