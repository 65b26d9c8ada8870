"""The `scheduling` section: how often databases are due, when the timers start what, and when nothing may start.

Times of day are `HH:MM` on the clock of `timezone`, and `24:00` is only an end; weekdays are `mon` to `sun`, none of
them means every day.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, create_model, field_validator

from vya_backup.settings.section import Section

MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 1440
END_OF_DAY = "24:00"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_BACKUP = 90
"""01:30, from which the times of backups are counted where no calendar names them."""
_HH_MM = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _time_of_day(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and MINUTES_PER_HOUR <= value < MINUTES_PER_DAY:
        # YAML reads 18:00 without quotes as a number to the base of 60, which are its minutes; 0:45 it leaves alone,
        # so that a smaller number is an hour that somebody meant
        return spelled(value)
    if isinstance(value, str) and _HH_MM.fullmatch(value):
        return value.rjust(len("00:00"), "0")
    raise ValueError('must be a time of day such as "01:30", from "00:00" to "23:59"')


def _end_of_window(value: Any) -> Any:
    return END_OF_DAY if value in (END_OF_DAY, MINUTES_PER_DAY) else _time_of_day(value)


def _weekday(value: Any) -> Any:
    day = value.strip().lower()[:3] if isinstance(value, str) else value
    if day in DAYS:
        return day
    raise ValueError(f"must be a weekday: {', '.join(DAYS)}")


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str | int) else value


TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
EndOfWindow = Annotated[str, BeforeValidator(_end_of_window)]
Times = Annotated[tuple[TimeOfDay, ...], BeforeValidator(_as_list)]
Weekdays = Annotated[tuple[Annotated[str, BeforeValidator(_weekday)], ...], BeforeValidator(_as_list)]


def spelled(minute: int) -> str:
    """Return minutes since midnight as `HH:MM`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minutes(time_of_day: str) -> int:
    """Return the minutes since midnight of `HH:MM`; `24:00` is the end of the day."""
    hours, _, rest = time_of_day.partition(":")
    return int(hours) * 60 + int(rest)


def numbers(weekdays: tuple[str, ...]) -> frozenset[int]:
    """Return weekdays as numbers, Monday is 0; none named are all."""
    return frozenset(DAYS.index(day) for day in weekdays) or frozenset(range(len(DAYS)))


# `from` is a word of Python's, so that no class body can name it
_Bounds = create_model("_Bounds", __base__=Section, **{"from": (TimeOfDay, ...), "to": (EndOfWindow, ...)})  # type: ignore[call-overload]


class Blackout(_Bounds):  # type: ignore[misc, valid-type]
    """A window of the day in which no timer starts anything; one whose end lies before its begin ends the next day.

    `weekdays` are the days on which it begins.
    """

    weekdays: Weekdays = ()

    def covers(self, weekday: int, minute: int) -> bool:
        """Say whether a wall clock's time lies in it: its end does not."""
        begin, end, days = minutes(getattr(self, "from")), minutes(self.to), numbers(self.weekdays)
        if begin < end:
            return weekday in days and begin <= minute < end
        return (weekday in days and minute >= begin) or ((weekday - 1) % len(DAYS) in days and minute < end)

    def __str__(self) -> str:
        days = f" {', '.join(self.weekdays)}" if self.weekdays else ""
        return f"{getattr(self, 'from')} to {self.to}{days}"


class Turn(Section):
    """When a job beside the backups is started."""

    enabled: bool = True
    calendar: Times = ()
    weekdays: Weekdays = ()


class PruneTurn(Turn):
    """Retention: without a calendar of its own behind each backup, in the same run."""


class VerifyTurn(Turn):
    """The nightly share of `verify --rolling`."""

    calendar: Times = ("04:00",)
    max_minutes: int = Field(default=120, ge=0)


class DrillTurn(Turn):
    """Rehearsed restores."""

    calendar: Times = ("05:00",)
    weekdays: Weekdays = ("sun",)


class DigestTurn(Turn):
    """The message that all is well."""

    calendar: Times = ("08:00",)
    weekdays: Weekdays = ("mon",)


class UnitLimits(Section):
    """What a run may take of this machine, as systemd's units enforce it."""

    memory_mb: int = Field(default=4096, ge=256)
    cpu_percent: int = Field(default=0, ge=0)
    """Of one processor; 0 is no limit."""


class Scheduling(Section):
    """How often a database is due, counted from local midnight in `timezone`, and what starts the runs."""

    enabled: bool = True
    method: Literal["systemd", "cron", "interval"] = "systemd"
    interval_minutes: int = Field(default=MINUTES_PER_DAY, ge=1)
    timezone: str = "UTC"
    calendar: Times = ()
    weekdays: Weekdays = ()
    blackout: tuple[Blackout, ...] = ()
    tolerance_minutes: int = Field(default=30, ge=1)
    randomized_delay_minutes: int = Field(default=5, ge=0)
    prune: PruneTurn = PruneTurn()
    verify: VerifyTurn = VerifyTurn()
    drill: DrillTurn = DrillTurn()
    digest: DigestTurn = DigestTurn()
    limits: UnitLimits = UnitLimits()

    @field_validator("interval_minutes")
    @classmethod
    def _divides_the_day(cls, minutes: int) -> int:
        if MINUTES_PER_DAY % minutes and minutes % MINUTES_PER_DAY:
            raise ValueError("must divide 1440 (a day) or be whole days, for example 60, 360, 1440 or 10080")
        return minutes

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
            raise ValueError("is no known time zone; use a name such as America/Sao_Paulo or UTC") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that slots, file names and times of day are counted in."""
        return ZoneInfo(self.timezone)

    @property
    def times(self) -> tuple[int, ...]:
        """Return when backups start, in minutes since midnight: the calendar, else one for each interval of a day."""
        if self.calendar:
            return tuple(sorted({minutes(time) for time in self.calendar}))
        step = min(self.interval_minutes, MINUTES_PER_DAY)
        return tuple(sorted((FIRST_BACKUP + n * step) % MINUTES_PER_DAY for n in range(MINUTES_PER_DAY // step)))

    @property
    def prunes_after_backup(self) -> bool:
        """Say whether the run of the backups applies retention too."""
        return self.prune.enabled and not self.prune.calendar
