"""Keeps account of the schedule: what a timer started is recorded, and so is every expected run that did not happen.

Each run looks, whatever it is for: a timer that is dead cannot tell of itself.
"""

from __future__ import annotations

from vya_backup import clock
from vya_backup.decisions.missed import Machine, Process, expected_now, missed
from vya_backup.decisions.schedule import Timetable, in_blackout, timetables
from vya_backup.history import event as history
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.recorded import Recorded
from vya_backup.history.schedule_events import Missed, Scheduled
from vya_backup.history.timekeeping import JobRow, known_jobs
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Configuration
from vya_backup.transport.liveness import ProcessIdentity, is_gone, same_boot, this_process


def note_missed(workspace: Workspace) -> list[Missed]:
    """Record the expected runs that did not happen, of every job, and return what was recorded now."""
    if not _look(workspace):  # mostly so, and then nobody has to wait for the catalog's write lock
        return []
    return _missed_of(workspace.catalog.append_decided(lambda: _look(workspace)))


def begin(workspace: Workspace, job: str) -> list[Missed]:
    """Record that a timer starts this job, behind what was missed until now; return the latter."""
    return _missed_of(workspace.catalog.append_decided(lambda: [*_look(workspace), _arrival(workspace, job)]))


def note_collision(workspace: Workspace, job: str) -> list[Missed]:
    """Record what is expected of a job now and not started, because a run of it began earlier and is at work.

    Of two that are started in one minute the second may come before the first is recorded: then nothing is missed.
    """
    return _missed_of(workspace.catalog.append_decided(lambda: _look(workspace, colliding=job)))


def overlooked(catalog: Catalog, configuration: Configuration, now: clock.Clock) -> list[Missed]:
    """Return the expected runs that did not happen and that no run has recorded yet; nothing is appended."""
    tables, known = timetables(configuration.scheduling), known_jobs(catalog)
    machine = _machine(now)
    return [
        event
        for name, table in tables.items()
        if name in known
        for event in missed(known[name], table, machine, _process(known[name], configuration.application.host()))
    ]


def _look(workspace: Workspace, colliding: str = "") -> list[Event]:
    found = overlooked(workspace.catalog, workspace.configuration, workspace.clock)
    if not colliding:
        return [*found]
    known = known_jobs(workspace.catalog)
    table = timetables(workspace.configuration.scheduling).get(colliding)
    if table is None or colliding not in known:
        return []
    host = workspace.configuration.application.host()
    machine, process = _machine(workspace.clock), _process(known[colliding], host)
    return [*missed(known[colliding], table, machine, process, beside=True)]


def _arrival(workspace: Workspace, job: str) -> Scheduled:
    """Return the event that a timer came for a job: it is started, unless this is a blackout."""
    now, table = workspace.clock(), timetables(workspace.configuration.scheduling).get(job)
    window = in_blackout(now, table) if table else None
    process = this_process(workspace.configuration.application.host())
    return Scheduled(
        job=job,
        outcome="blackout" if window else "started",
        through=now,
        timetable=str(table or ""),
        expected_at=expected_now(table, now) if table else None,
        blackout=str(window or ""),
        process=history.Process(**vars(process)),
    )


def blackout_now(configuration: Configuration, job: str, now: clock.Clock) -> str:
    """Return the blackout in which nothing may start now, in words; empty outside of all."""
    table: Timetable | None = timetables(configuration.scheduling).get(job)
    window = in_blackout(now(), table) if table else None
    return str(window or "")


def _missed_of(recorded: tuple[Recorded, ...]) -> list[Missed]:
    return [one.event for one in recorded if isinstance(one.event, Missed)]


def _machine(now: clock.Clock) -> Machine:
    at = now()
    return Machine(at, at - clock.since_boot(), clock.suspended())


def _process(job: JobRow, host: str) -> Process:
    if job.process is None:
        return Process(is_gone=True, of_this_boot=True)
    identity = ProcessIdentity(**job.process)
    return Process(is_gone(identity, host), same_boot(identity))
