"""What `doit schedule show` and `doit status` say of the schedule: lines for people, values for machines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

from vya_backup.clock import rfc3339
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.schedule import Timetable, digest_timetable, next_runs, timetables
from vya_backup.history.timekeeping import JobRow
from vya_backup.outlook.tables import table
from vya_backup.settings.scheduling_model import Scheduling

RECENT = timedelta(days=7)
"""So long a missed run is told at every glance."""


def schedule_lines(said: Scheduling, known: Mapping[str, JobRow], now: datetime, count: int) -> list[str]:
    """Return a row for each job: when it comes next, on the clock of the zone, and what came of it last."""
    tables = _all_tables(said)
    if not tables:
        return ["nothing is expected at any time: scheduling.enabled is false"]
    rows: list[tuple[str, ...]] = []
    for job, one in tables.items():
        coming = [f"{at.astimezone(one.zone):%a %Y-%m-%d %H:%M}" for at in _coming(one, known.get(job), now, count)]
        last = _last(known.get(job), one) if job != "digest" else []
        rows += zip_longest([job], coming or ["never"], last, fillvalue="")
    columns = (("job", "left"), ("next", "left"), ("last time", "left"))
    notes = [f"method {said.method}, times in {said.timezone}, up to {said.randomized_delay_minutes} minutes later"]
    notes += [f"blackout {window}: nothing is started" for window in said.blackout]
    if said.prunes_after_backup:
        notes.append("prune: behind each backup, in the same run")
    return [*table(columns, rows), *notes]


def schedule_values(said: Scheduling, known: Mapping[str, JobRow], now: datetime, count: int) -> dict[str, Any]:
    """Return the same for machines: times as RFC 3339."""
    return {
        "method": said.method,
        "timezone": said.timezone,
        "blackout": [window.model_dump() for window in said.blackout],
        "jobs": {
            job: {
                "timetable": str(one),
                "next": [rfc3339(at) for at in _coming(one, known.get(job), now, count)],
                "last": _last_values(known.get(job)),
            }
            for job, one in _all_tables(said).items()
        },
    }


def missed_lines(known: Mapping[str, JobRow], now: datetime, zone: ZoneInfo) -> list[str]:
    """Return a sentence for each job of which a run was missed lately."""
    return [
        f"{row.job}: {counted(row.missed_count or 0, 'expected run')} missed since "
        f"{row.missed_from.astimezone(zone):%Y-%m-%d %H:%M}: {row.missed_reason} (doit schedule show)"
        for row in known.values()
        if row.missed_from and row.missed_at and now - row.missed_at <= RECENT
    ]


def _all_tables(said: Scheduling) -> dict[str, Timetable]:
    digest = digest_timetable(said)
    return timetables(said) | ({"digest": digest} if digest else {})


def _coming(one: Timetable, row: JobRow | None, now: datetime, count: int) -> list[datetime]:
    if one.every and row and row.started_at:
        return [at for at in next_runs(one, row.started_at, count) if at > now] or [now]
    return next_runs(one, now, count)


def _last(row: JobRow | None, one: Timetable) -> list[str]:
    if row is None or row.started_at is None:
        return ["no timer ever started it"]
    began = f"{row.started_at.astimezone(one.zone):%a %Y-%m-%d %H:%M}"
    end = "at work, or killed" if row.finished_at is None else "failed" if row.exit_status else "done"
    lines = [f"{began}: {end}"]
    if row.missed_from:
        lines.append(f"missed: {row.missed_count:,} since {row.missed_from.astimezone(one.zone):%Y-%m-%d %H:%M}")
    return lines


def _last_values(row: JobRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "started_at": row.started_at and rfc3339(row.started_at),
        "expected_at": row.expected_at and rfc3339(row.expected_at),
        "finished_at": row.finished_at and rfc3339(row.finished_at),
        "exit_status": row.exit_status,
        "missed_from": row.missed_from and rfc3339(row.missed_from),
        "missed_count": row.missed_count,
        "missed_reason": row.missed_reason,
    }
