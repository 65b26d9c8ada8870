"""Is there room, is the clock right, does something start the runs, and is somebody told of them?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from vya_backup import clock
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.metadata import human_size
from vya_backup.decisions.missed import words
from vya_backup.engines.commands import Command
from vya_backup.errors import BackupError, CatalogMissing
from vya_backup.history import watching
from vya_backup.history.timekeeping import known_jobs
from vya_backup.history.views import newest_good
from vya_backup.jobs.health.finding import Finding, failure, ok, some, warning
from vya_backup.jobs.health.subject import Subject
from vya_backup.jobs.timekeeping import overlooked
from vya_backup.transport import service_manager
from vya_backup.transport.disk import explained
from vya_backup.transport.processes import capture

RUNS_AHEAD = 7
ASK_SECONDS = 10.0
OURS = re.compile(r"vya[-_]backup|\bdoit\b.*\bbackup\b")
OTHER_JOBS = re.compile(
    r"vya-backupdb-(verify|drill|prune|digest|site)\b|schedule run (verify|drill|prune)|notify digest"
)
"""These would stay when the timer of the backups is gone."""
JUST_AFTER = timedelta(days=7)
TIMERS = (
    ("systemctl", "list-timers", "--all", "--no-pager"),
    ("systemctl", "--user", "list-timers", "--all", "--no-pager"),
    ("crontab", "-l"),
)


def space(subject: Subject) -> Finding:
    """The disk is there, the next run fits on it, and some more after that."""
    rows = newest_good(subject.catalog).values()
    for path in {row.path.partition("/")[0]: row.path for row in rows if row.path}.values():
        subject.store.demand_tree(path)  # else it is the room of another disk that is measured
    need = sum(row.size_bytes or 0 for row in rows)
    room = subject.store.room()
    reserve = int(room.total * subject.configuration.storage.min_free_percent / 100)
    left = room.free - reserve
    what = (
        f"{human_size(room.free)} free, {human_size(reserve)} of it kept, the next run needs about {human_size(need)}"
    )
    remedy = f"Free some space in {subject.store.base_path}, run: doit prune, or enlarge the disk."
    if need > left:
        return failure(what, remedy)
    return warning(what, remedy) if need * RUNS_AHEAD > left else ok(what)


def time(subject: Subject) -> Finding:
    """No event and no backup comes from the future, and something keeps the clock in step."""
    with suppress(CatalogMissing):
        newest = watching.newest_event_at(subject.catalog)
        if newest and newest > subject.at + timedelta(minutes=1):
            return failure(f"the newest event is of {newest:%Y-%m-%d %H:%M} UTC, ahead of this clock", "Set the clock.")
        ahead = [row.key for row in newest_good(subject.catalog).values() if row.started_at > subject.at]
        if ahead:
            return warning(f"the newest good backup is dated in the future: {some(ahead)}", "Run: doit backup --force")
    if not clock.is_in_step():
        return warning(
            "nothing keeps the clock in step, says the kernel", "Install and start chrony or systemd-timesyncd."
        )
    return ok("in step, and behind no event")


def timer(subject: Subject) -> Finding:
    """Something starts the backups."""
    for place, text in _schedules(subject.cron_tables):
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        if any(OURS.search(line) and not OTHER_JOBS.search(line) for line in lines):
            return ok(f"found in {place}")
    return warning("neither a timer of systemd nor a line of cron starts backups", "Install one: doit schedule install")


def missed(subject: Subject) -> Finding:
    """Every run that was expected happened; what no run has recorded yet is a failure, because nothing runs."""
    zone = subject.configuration.scheduling.zone
    found = overlooked(subject.catalog, subject.configuration, subject.clock)
    if found:
        what = some([words(event, zone) for event in found])
        return failure(what, "See whether its timer runs: doit schedule show; systemctl list-timers. Then: doit backup")
    rows = known_jobs(subject.catalog)
    recent = [row for row in rows.values() if row.missed_at and subject.at - row.missed_at <= JUST_AFTER]
    if recent:
        what = some([f"{row.job} since {row.missed_from:%Y-%m-%d %H:%M} UTC: {row.missed_reason}" for row in recent])
        return warning(f"expected runs were missed: {what}", "Mend the cause; that one came again: doit schedule show")
    if not rows:
        return ok("no timer came yet, so that nothing was promised")
    return ok(f"{counted(len(rows), 'job')} of the schedule came as expected")


def metrics(subject: Subject) -> Finding:
    """The textfile tells of the newest run, and others can read it."""
    settings = subject.configuration.monitoring.prometheus
    if not settings.is_wanted:
        return warning("no metrics are written, so nobody hears of an absence", "Set monitoring.prometheus.textfile.")
    if settings.textfile is None:
        return ok("pushed after each run")
    with explained("look at", settings.textfile):
        if not settings.textfile.is_file():
            return failure(f"{settings.textfile} does not exist", "Write it and see why not: doit metrics")
        found = settings.textfile.stat()
    if not found.st_mode & 0o004:
        return failure(f"{settings.textfile} cannot be read by others", f"Run: chmod 0644 {settings.textfile}")
    written = datetime.fromtimestamp(found.st_mtime, subject.at.tzinfo)
    run = watching.last_run(subject.catalog)
    age = subject.at - written
    is_behind = run is not None and run.finished_at is not None and written < run.finished_at - timedelta(seconds=2)
    if is_behind or age > 1.5 * timedelta(minutes=subject.configuration.scheduling.interval_minutes):
        return failure(f"{settings.textfile} is of {written:%Y-%m-%d %H:%M} UTC: stale", "Write it now: doit metrics")
    return ok(f"{settings.textfile} is {counted(int(age.total_seconds() // 60), 'minute')} old")


def _said_by(argv: tuple[str, ...]) -> str:
    if argv[0] == "systemctl":
        done = service_manager.ask(argv, os.environ, ASK_SECONDS)
    else:
        done = capture(Command(argv), timeout_seconds=ASK_SECONDS)
    return done.stdout.decode(errors="replace")


def _schedules(cron_tables: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    """Yield what could start the runs, with the place it was found in; what cannot be asked holds nothing."""
    for argv in TIMERS:
        try:
            yield " ".join(argv), _said_by(argv)
        except BackupError:
            continue
    for table in cron_tables:
        with suppress(OSError):  # hardened machines show them to root alone
            for path in sorted(table.iterdir()) if table.is_dir() else [table]:
                yield from _table(path)


def _table(path: Path) -> Iterator[tuple[str, str]]:
    with suppress(OSError):
        yield str(path), path.read_text(errors="replace")
