"""PURE: the events of the schedule: what a timer started, and what nothing started although it was expected."""

from __future__ import annotations

from typing import Annotated, Literal

from vya_backup.history.event import Event, Process
from vya_backup.history.fact import EXACT, Exact, Instant

Cause = Literal["off", "asleep", "busy", "killed", "nothing"]
"""Why a run is missing: the machine was off or slept, the run before was still at work, it was killed, nobody knows."""


class Scheduled(Event):
    """A timer started a job, or came in a blackout, where nothing is started.

    `expected_at` is the time that it was expected at, null where it came late or by hand. All expected times up to
    `through` are accounted for with this event. `timetable` says in words when the job was expected then.
    """

    type = "scheduled"
    job: Exact
    outcome: Literal["started", "blackout"]
    through: Instant
    timetable: Exact
    expected_at: Instant | None = None
    blackout: Exact = ""
    process: Annotated[Process | None, EXACT] = None


class Missed(Event):
    """Expected runs of a job that did not happen: `count` of them, for one cause, from `expected_at` to `until`.

    `killed_run` is the run that had started and has no end.
    """

    type = "missed"
    job: Exact
    count: int
    expected_at: Instant
    until: Instant
    cause: Cause
    reason: str
    killed_run: Exact = ""
