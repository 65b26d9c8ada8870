"""The page of one database: its days, its sizes and times, what is kept of it and why, its newest backups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from vya_backup.clock import parse_rfc3339
from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import local_day
from vya_backup.history.reading import Reads
from vya_backup.history.views import BackupRow, backups
from vya_backup.outlook.site.calendar import month
from vya_backup.outlook.site.days import Day, counted, days_of
from vya_backup.outlook.site.keeping import Keeping, keeping
from vya_backup.outlook.site.lanes import lanes
from vya_backup.outlook.site.lines import Line, lines
from vya_backup.outlook.site.pasts import Name, past_of
from vya_backup.outlook.site.plot import Frame, Point, plot
from vya_backup.outlook.site.surroundings import Surroundings

NEWEST = 20
FAILURES = 8
_MEASURED = """
SELECT started_at, size_bytes, duration_seconds FROM projected_backups
WHERE instance = ? AND database = ? AND origin = ? AND size_bytes IS NOT NULL ORDER BY sequence
"""
_DRILLED = """
SELECT at, json_extract(data, '$.duration_seconds') AS seconds FROM events
WHERE type = 'drilled' AND instance = ? AND database = ? AND ? IN ('', host)
  AND json_extract(data, '$.verdict') = 'pass' ORDER BY id
"""
_FAILED = """
SELECT id, at, backup_id, step, code, message, hint FROM failures
WHERE type = 'failed' AND instance = ? AND database = ? AND ? IN ('', host) ORDER BY id DESC LIMIT ?
"""


@dataclass(frozen=True)
class Year:
    """The calendar of one year: a picture for each month, and the same in words."""

    number: int
    months: tuple[str, ...]
    days: tuple[Day, ...]
    counted: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Failure:
    """One failure for the eye."""

    at: datetime
    backup_id: str | None
    step: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class DatabasePage:
    """Everything that the page shows."""

    around: Surroundings
    line: Line
    key: Key
    schedule: str
    year: Year
    plots: tuple[str, ...]
    keeping: Keeping | None
    lanes: str
    newest: tuple[BackupRow, ...]
    failures: tuple[Failure, ...]

    @property
    def command(self) -> str:
        """Return what restores the newest good backup."""
        return f"doit {quoted(f'restore:{self.key.task}')}"


def database_page(
    reads: Reads, around: Surroundings, key: Key, year: int | None = None, host: str = ""
) -> DatabasePage | None:
    """Return the page, of this year unless another one is asked for; None for a database that nobody knows."""
    line = next(iter(lines(reads, around, key.instance, key.database, host)), None)
    if line is None:
        return None
    name = (key.instance, key.database, line.row.origin)
    schedule, setup = around.schedule(line.host), around.of(line.host)
    kept = keeping(reads, key, line.row.origin, setup, schedule, around.now) if setup else None
    return DatabasePage(
        around,
        line,
        key,
        str(schedule),
        _year(reads, around, line, year or local_day(around.now, schedule.zone).year),
        _plots(reads, around, name),
        kept,
        lanes(kept.kept, around.now, schedule.zone) if kept and kept.kept else "",
        tuple(backups(reads, key.instance, key.database, limit=NEWEST, origin=line.row.origin)),
        tuple(_failure(row) for row in reads.rows(_FAILED, (*name, FAILURES))),
    )


def quoted(text: str) -> str:
    """Return a word as a shell takes it."""
    import shlex

    return shlex.quote(text)


def _year(reads: Reads, around: Surroundings, line: Line, number: int) -> Year:
    schedule = around.schedule(line.host)
    first, last = date(number, 1, 1), date(number, 12, 31)
    since = datetime(number, 1, 1, tzinfo=UTC) - timedelta(days=2)
    past = past_of(reads, (line.row.instance, line.row.database, line.row.origin), since, since + timedelta(days=370))
    days = days_of(past, first, last, schedule, around.now)
    by_date = {day.date: day for day in days}
    begun = local_day(past.since, schedule.zone).year if past.since else number
    today = local_day(around.now, schedule.zone).year
    return Year(
        number,
        tuple(month(number, one, by_date) for one in range(1, 13)),
        tuple(day for day in days if day.state != "outside"),
        counted(days),
        number - 1 if number > begun else None,
        number + 1 if number < today else None,
    )


def _plots(reads: Reads, around: Surroundings, name: Name) -> tuple[str, ...]:
    rows = reads.rows(_MEASURED, name)
    sizes = [(parse_rfc3339(row["started_at"]), float(row["size_bytes"])) for row in rows]
    times = [
        (at, float(row["duration_seconds"])) for (at, _), row in zip(sizes, rows, strict=True) if row[2] is not None
    ]
    drills = [(parse_rfc3339(row["at"]), float(row["seconds"] or 0)) for row in reads.rows(_DRILLED, name)]
    first = min((points[0][0] for points in (sizes, times, drills) if points), default=around.now)
    span = (first, around.now, around.zone)
    shown: Sequence[tuple[Sequence[Point], Frame, bool]] = (
        (sizes, Frame("Stored size", "bytes", *span), False),
        (times, Frame("Duration of the dump", "seconds", *span), False),
        (drills, Frame("Duration of drills that passed", "seconds", *span), True),
    )
    return tuple(plot(points, frame, dots=dots) for points, frame, dots in shown)


def _failure(row: object) -> Failure:
    values = dict(row)  # type: ignore[call-overload]
    at = parse_rfc3339(values["at"])
    return Failure(at, *(values[name] for name in ("backup_id", "step", "code", "message", "hint")))
