"""`doit schedule …`: what the timers call, what they will do next, and the files that make them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from vya_backup import clock
from vya_backup.command_line import timers
from vya_backup.command_line.commands import JSON, show
from vya_backup.command_line.leaving import print_error
from vya_backup.command_line.options import option
from vya_backup.command_line.session import configured, demand_configuration, looking, opened, run_started
from vya_backup.command_line.timing import STARTED_BY_TIMER
from vya_backup.command_line.two_words import TwoWord, Word
from vya_backup.decisions.missed import words
from vya_backup.decisions.schedule import JOBS
from vya_backup.errors import AlreadyRunning, CatalogMissing, UsageError
from vya_backup.history.schedule_events import Missed
from vya_backup.history.timekeeping import known_jobs
from vya_backup.jobs.circumstances import told_to
from vya_backup.jobs.timekeeping import begin, blackout_now, note_collision
from vya_backup.log.heard import say
from vya_backup.outlook.fitting import fitted
from vya_backup.outlook.schedule_tables import schedule_lines, schedule_values
from vya_backup.settings.loading import Loaded, state_folder
from vya_backup.settings.scheduling_model import Scheduling
from vya_backup.transport.locks import hold


def run_job(options: Mapping[str, Any]) -> int:
    """Start a job of the schedule, as a timer does.

    In a blackout, and beside another run of the same job, nothing is started: it is said, recorded, no failure.
    """
    job = _job(list(options["names"]))
    loaded = demand_configuration(configured())
    if window := blackout_now(loaded.configuration, job, clock.now):
        return _in_blackout(loaded, job, window)
    with ExitStack() as stack:
        try:
            lock = hold(state_folder(loaded.configuration) / "locks", f"@schedule/{job}", f"doit schedule run {job}")
            stack.enter_context(lock)
        except AlreadyRunning as error:
            return _beside(loaded, job, error)
        return _start(job, tasks_of(job, loaded.configuration.scheduling))


def tasks_of(job: str, scheduling: Scheduling) -> list[str]:
    """Return the command line of a job."""
    minutes = scheduling.verify.max_minutes
    return {
        "backup": ["backup", "prune"] if scheduling.prunes_after_backup else ["backup"],
        "prune": ["prune"],
        "verify": ["verify", "--rolling", *([f"--max-minutes={minutes}"] if minutes else [])],
        "drill": ["drill"],
    }[job]


def _job(names: list[str]) -> str:
    if len(names) != 1 or names[0] not in JOBS:
        what = f"knows no job {' '.join(names)!r}" if names else "needs the name of a job"
        raise UsageError(f"schedule run {what}", f"Say one of: {', '.join(JOBS)}.")
    return names[0]


def _start(job: str, tasks: list[str]) -> int:
    from vya_backup.command_line.main import main  # the whole command line, of which this is a part

    STARTED_BY_TIMER.append(job)
    try:
        return main(tasks)
    finally:
        STARTED_BY_TIMER.pop()


def _in_blackout(loaded: Loaded, job: str, window: str) -> int:
    with opened(loaded, read_only=False) as workspace:
        started = run_started(loaded, [], f"doit schedule run {job}")
        with workspace.catalog.run(started, told_to(loaded.configuration)) as run:
            _tell(begin(workspace, job), loaded)
            run.finish(0, {})
    print(fitted(f"{job} is not started: it is the time of scheduling.blackout {window}", sys.stdout))
    return 0


def _beside(loaded: Loaded, job: str, error: AlreadyRunning) -> int:
    with opened(loaded, read_only=False) as workspace:
        _tell(note_collision(workspace, job), loaded)
    say(fitted(f"note: {job} is not started a second time: {error.message}", sys.stderr), sys.stderr)
    return 0


def _tell(found: list[Missed], loaded: Loaded) -> None:
    for event in found:
        told = f"warning: {words(event, loaded.configuration.scheduling.zone)}"
        say(fitted(told, sys.stderr), sys.stderr)


def show_schedule(options: Mapping[str, Any]) -> int:
    """Print when each job comes next, and what came of it last time."""
    loaded = demand_configuration(configured())
    known = {}
    try:
        with looking() as workspace:
            known = known_jobs(workspace.catalog)
    except CatalogMissing as error:
        print_error(error)
    said, count, now = loaded.configuration.scheduling, _count(str(options["count"])), clock.now()
    return show(
        options,
        lambda: schedule_values(said, known, now, count),
        lambda: schedule_lines(said, known, now, count),
    )


def _count(said: str) -> int:
    if not said.isdecimal() or not 0 < int(said) <= 1000:
        raise UsageError(f"schedule show: --count {said!r} is no number of runs", "Say a number from 1 to 1000.")
    return int(said)


class ScheduleCommand(TwoWord):
    """The schedule."""

    name = "schedule"
    doc_purpose = "install timers from the configuration, show the next runs, run a job as they do"
    words = {  # noqa: RUF012 - a constant, read only
        "install": Word("Write units of systemd, or a table of cron.", timers.install, timers.INSTALL),
        "remove": Word("Remove what `install` wrote.", timers.remove, timers.REMOVE),
        "run": Word(f"Run a job as its timer does: {', '.join(JOBS)}.", run_job, names="JOB"),
        "show": Word(
            "Print when each job comes next, and what came of it last time.",
            show_schedule,
            (JSON, option("count", "so many runs of each job", default="3")),
            only_looks=True,
        ),
    }
