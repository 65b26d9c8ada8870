"""PURE: the periods of the schedule. A backup covers the slot in which its dump started.

Slots are counted in real time from local midnight, so a day has 23 or 25 hours where the zone says so, and the last
slot of a day ends with the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from vya_backup.decisions.schedule import Timetable, next_runs

MINUTES_PER_DAY = 1440
OVERDUE_INTERVALS = 1.5


@dataclass(frozen=True)
class Schedule:
    """How often: a divisor of 1440 minutes or whole days, counted in a zone."""

    interval_minutes: int
    zone: ZoneInfo
    timetable: Timetable | None = None
    """When backups are expected, where something starts them."""

    def __str__(self) -> str:
        if self.interval_minutes % MINUTES_PER_DAY:
            return f"every {self.interval_minutes} minutes ({self.zone.key})"
        days = self.interval_minutes // MINUTES_PER_DAY
        return f"every {days} days ({self.zone.key})" if days > 1 else f"daily ({self.zone.key})"


@dataclass(frozen=True)
class Slot:
    """One period: `start` belongs to it, `end` does not. Both are UTC instants."""

    start: datetime
    end: datetime

    def holds(self, instant: datetime) -> bool:
        """Say whether the instant lies in this slot."""
        return self.start <= instant < self.end


def slot_at(instant: datetime, schedule: Schedule) -> Slot:
    """Return the slot that an aware instant falls into."""
    day = instant.astimezone(schedule.zone).date()
    if schedule.interval_minutes >= MINUTES_PER_DAY:
        return _whole_days(day, schedule)
    midnight, next_midnight = _midnight(day, schedule.zone), _midnight(day + timedelta(days=1), schedule.zone)
    step = timedelta(minutes=schedule.interval_minutes)
    start = midnight + (instant.astimezone(UTC) - midnight) // step * step
    return Slot(start, min(start + step, next_midnight))


def is_overdue(newest_good: datetime | None, now: datetime, schedule: Schedule) -> bool:
    """Say whether the newest good backup is missing, or older than one and a half intervals.

    Where the schedule says when, one for a later slot has to have been expected since, its patience included: on the
    weekend of a schedule of weekdays nothing is late.
    """
    if newest_good is None:
        return True
    if now - newest_good <= OVERDUE_INTERVALS * timedelta(minutes=schedule.interval_minutes):
        return False
    table = schedule.timetable
    if table is None:
        return True
    # what is expected at the begin of the next slot belongs to it
    after = newest_good if table.every else slot_at(newest_good, schedule).end - timedelta(microseconds=1)
    return any(at <= now - table.patience for at in next_runs(table, after, 1))


def _whole_days(day: date, schedule: Schedule) -> Slot:
    # ordinal 1 is a Monday, so that a slot of seven days is an ISO week
    length = schedule.interval_minutes // MINUTES_PER_DAY
    first = date.fromordinal(day.toordinal() - (day.toordinal() - 1) % length)
    return Slot(_midnight(first, schedule.zone), _midnight(first + timedelta(days=length), schedule.zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # fold=0: where midnight comes twice the first one counts; where it is skipped this is the instant of the jump
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
