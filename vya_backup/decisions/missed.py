"""PURE: which expected runs did not happen, and why, from what the catalog and the machine know.

Nothing is missed before a timer came for the first time, nor across a change of the timetable: what was expected in
between nobody can say any more. The rule: each expected time is told once, whatever finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

from vya_backup.decisions.manifest import counted
from vya_backup.decisions.schedule import Timetable, expected_between
from vya_backup.history.schedule_events import Cause, Missed
from vya_backup.history.timekeeping import JobRow

LONGEST = timedelta(days=400)
"""What lies further back is not told one by one: a clock that was set wrong would expect a million runs."""
A_WHILE = timedelta(minutes=1)


@dataclass(frozen=True)
class Machine:
    """What this machine knows of its own past."""

    now: datetime
    booted_at: datetime
    slept: timedelta
    """How long it was suspended since then, all together."""


@dataclass(frozen=True)
class Process:
    """What became of the process of a job's last run."""

    is_gone: bool
    of_this_boot: bool


def missed(
    job: JobRow, timetable: Timetable, machine: Machine, process: Process, *, beside: bool = False
) -> list[Missed]:
    """Return an event for each stretch of expected runs that did not happen for one cause, the oldest first.

    `beside` says that a run comes beside another one and ends at once: what that one is too busy for needs no patience.
    """
    return [*_cut_off(job, machine, process, timetable.zone), *_absent(job, timetable, machine, process, beside)]


def expected_now(timetable: Timetable, now: datetime) -> datetime | None:
    """Return the expected time that a run which begins now is for; None where it comes late or by hand."""
    if timetable.every:
        return None
    return next(iter(expected_between(timetable, now - timetable.patience, now)[-1:]), None)


def _cut_off(job: JobRow, machine: Machine, process: Process, zone: ZoneInfo) -> Iterator[Missed]:
    """Yield the run that began and has no end, though its process is gone."""
    if not (job.started_at and job.run_id) or job.finished_at or job.told or not process.is_gone:
        return
    at = job.expected_at or job.started_at
    how = "it was killed, or it crashed"
    if not process.of_this_boot:
        how = f"the machine went down, and booted at {_clock(machine.booted_at, zone)}"
    reason = f"its run began at {_clock(job.started_at, zone)} and has no end: {how}"
    yield Missed(
        job=job.job,
        count=1,
        expected_at=at,
        until=at,
        cause="killed",
        reason=reason,
        killed_run=job.run_id,
    )


def _absent(job: JobRow, timetable: Timetable, machine: Machine, process: Process, beside: bool) -> Iterator[Missed]:
    if job.timetable != str(timetable):
        return
    late = machine.now - timetable.patience
    expected = expected_between(timetable, max(job.through, machine.now - LONGEST), machine.now if beside else late)
    causes = [(_cause(at, job, machine, process), at) for at in expected]
    told = [(cause, at) for cause, at in causes if at <= late or cause == "busy"]
    for cause, times in groupby(told, key=itemgetter(0)):
        yield _event(job, [at for _, at in times], cause, _reason(cause, job, machine, timetable.zone))


def _event(job: JobRow, times: list[datetime], cause: Cause, reason: str) -> Missed:
    return Missed(job=job.job, count=len(times), expected_at=times[0], until=times[-1], cause=cause, reason=reason)


def _cause(at: datetime, job: JobRow, machine: Machine, process: Process) -> Cause:
    if job.started_at and job.started_at <= at:
        if job.finished_at and at < job.finished_at:
            return "busy"
        if not job.finished_at and not process.is_gone:
            return "busy"
    if at <= machine.booted_at:
        return "off"
    return "asleep" if machine.slept > A_WHILE else "nothing"


def _reason(cause: Cause, job: JobRow, machine: Machine, zone: ZoneInfo) -> str:
    return {
        "busy": f"the run that began at {_clock(job.started_at or job.through, zone)} was still at work",
        "off": f"the machine was off: it booted at {_clock(machine.booted_at, zone)}",
        "asleep": f"the machine slept for {_long(machine.slept)} since it booted, or nothing started it",
        "nothing": "nothing started it, though the machine was on",
        "killed": "",
    }[cause]


def words(event: Missed, zone: ZoneInfo) -> str:
    """Return a missed run, or a stretch of them, as one sentence."""
    since = _clock(event.expected_at, zone)
    when = (
        f"at {since}"
        if event.count == 1
        else f"{counted(event.count, 'time')} from {since} to {_clock(event.until, zone)}"
    )
    return f"{event.job} was expected {when} and did not happen: {event.reason}"


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _long(span: timedelta) -> str:
    hours, rest = divmod(int(span.total_seconds()) // 60, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
