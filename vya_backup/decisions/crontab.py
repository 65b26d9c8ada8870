"""PURE: the schedule as a table of cron, and what cron cannot do.

In a command of crontab(5) `%` is a line break, so that it is escaped.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from vya_backup.decisions.schedule import Timetable, after_blackouts, digest_timetable, timetables
from vya_backup.decisions.units import Installation, marked
from vya_backup.settings.scheduling_model import DAYS, Scheduling

FILE = "vya-backupdb"
"""In /etc/cron.d; a name with a dot would be passed over."""
_CANNOT = (
    "What cron cannot do: catch up on what a machine that was off or asleep left out (that is recorded as missed, and",
    "the next run makes the backup), hold a run to memory, and in Debian's cron read CRON_TZ: times are then those of",
    "the machine's own zone, so that it has to be the one of scheduling.timezone.",
)


def cron_table(scheduling: Scheduling, place: Installation) -> str:
    """Return the file for /etc/cron.d, or without an account the lines for a person's own `crontab -e`."""
    tables = timetables(scheduling)
    if digest := digest_timetable(scheduling):
        tables["digest"] = digest
    lines = [f"# {sentence}" for sentence in _CANNOT]
    lines += ["SHELL=/bin/sh", f"CRON_TZ={scheduling.timezone}"]
    for job, table in tables.items():
        lines += [f"{times} {_command(job, place)}" for times in _times(table)]
        if job == "backup" and (made_up := list(_made_up(table, scheduling.interval_minutes))):
            lines.append("# what a blackout refused comes at its end; where nothing is due, nothing is done")
            lines += [f"{times} {_command(job, place)}" for times in made_up]
    return marked("\n".join(lines) + "\n")


def _times(table: Timetable) -> Iterator[str]:
    groups: dict[tuple[frozenset[int], int], list[int]] = {}
    for time in table.times:
        days = frozenset(d for d in table.weekdays if not any(w.covers(d, time) for w in table.blackout))
        if days:
            groups.setdefault((days, time % 60), []).append(time // 60)
    for (days, minute), hours in groups.items():
        yield _at(days, hours, minute)


def _made_up(table: Timetable, interval_minutes: int) -> Iterator[str]:
    for minute, days in sorted(after_blackouts(table, interval_minutes).items()):
        yield _at(days, [minute // 60], minute % 60)


def _at(days: frozenset[int], hours: list[int], minute: int) -> str:
    named = "*" if len(days) == len(DAYS) else ",".join(DAYS[day] for day in sorted(days))
    return f"{minute} {','.join(map(str, hours))} * * {named}"


def _command(job: str, place: Installation) -> str:
    words = ["notify", "digest"] if job == "digest" else ["schedule", "run", job]
    command = " ".join([f"VYA_CONFIG={shlex.quote(str(place.config))}", shlex.quote(place.program), *words])
    return f"{place.account}{' ' if place.account else ''}{command}".replace("%", r"\%")
