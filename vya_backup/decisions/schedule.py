"""PURE: when the jobs of the schedule are expected to start, in a zone with its two odd nights.

A time of day that the clock skips comes as long after the gap as it lay behind its begin; one that comes twice counts
the first time. What lies in a blackout is not expected: what it refused is made up at its end. All instants are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from vya_backup.settings.scheduling_model import MINUTES_PER_DAY, Blackout, Scheduling, Turn, minutes, numbers, spelled

JOBS: Final = ("backup", "prune", "verify", "drill")
"""The jobs whose absence is recorded, in the order of a night."""
_SHORT = {0: "Mon", 1: "Tue", 2: "Wed", 3: "Thu", 4: "Fri", 5: "Sat", 6: "Sun"}
_TWO_WEEKS = datetime(2026, 1, 5, tzinfo=UTC)
_DAYS_AHEAD = 3660  # ten years without an expected time: there is none


@dataclass(frozen=True)
class Timetable:
    """When one job is expected: at times of day (minutes since midnight) on weekdays, or so often since the last."""

    times: tuple[int, ...]
    weekdays: frozenset[int]
    zone: ZoneInfo
    blackout: tuple[Blackout, ...] = ()
    tolerance: timedelta = timedelta(minutes=30)
    every: timedelta | None = None
    """Method `interval`: no times of day, but so long after the one before."""

    def __str__(self) -> str:
        if self.every:
            what = f"every {int(self.every.total_seconds()) // 60} minutes since the last"
        else:
            what = ", ".join(spelled(time) for time in self.times)
        days = "" if len(self.weekdays) == len(_SHORT) else " " + ",".join(_SHORT[day] for day in sorted(self.weekdays))
        windows = "".join(f", not {window}" for window in self.blackout)
        return f"{what}{days} ({self.zone.key}){windows}"

    @property
    def patience(self) -> timedelta:
        """Return how late a run may begin: the tolerance, where the next one is not expected before."""
        if self.every:
            return min(self.tolerance, self.every / 2)
        gaps = [later - time for time, later in pairwise((*self.times, self.times[0] + MINUTES_PER_DAY))]
        return min(self.tolerance, timedelta(minutes=min(gaps)) / 2)


def timetables(scheduling: Scheduling) -> dict[str, Timetable]:
    """Return the timetable of each job that a timer is to start; none at all where scheduling is off."""
    if not scheduling.enabled:
        return {}
    found = {"backup": _timetable(scheduling, scheduling.times, scheduling.weekdays)}
    if scheduling.method == "interval":
        every = timedelta(minutes=scheduling.interval_minutes)
        found["backup"] = replace(found["backup"], times=(), weekdays=numbers(()), every=every)
    turns: dict[str, Turn] = {"prune": scheduling.prune, "verify": scheduling.verify, "drill": scheduling.drill}
    for job, turn in turns.items():
        if turn.enabled and turn.calendar:
            found[job] = _timetable(scheduling, tuple(sorted({minutes(t) for t in turn.calendar})), turn.weekdays)
    return found


def digest_timetable(scheduling: Scheduling) -> Timetable | None:
    """Return when the digest is sent, None where it is not; no blackout is about it, because it burdens no server."""
    turn = scheduling.digest
    if not (scheduling.enabled and turn.enabled and turn.calendar):
        return None
    times = tuple(sorted({minutes(time) for time in turn.calendar}))
    return Timetable(times, numbers(turn.weekdays), scheduling.zone, (), _tolerance(scheduling))


def in_blackout(at: datetime, timetable: Timetable) -> Blackout | None:
    """Return the window that an instant lies in, on the wall clock of the zone; None outside of all."""
    local = at.astimezone(timetable.zone)
    minute = local.hour * 60 + local.minute
    return next((window for window in timetable.blackout if window.covers(local.weekday(), minute)), None)


def after_blackouts(timetable: Timetable, interval_minutes: int) -> dict[int, frozenset[int]]:
    """Return at which minutes of the day, and on which weekdays, a blackout ends and what it refused is started.

    Not where a start is expected in what is left of that period anyway: it would come too early.
    """
    step = min(interval_minutes, MINUTES_PER_DAY)
    found: dict[int, frozenset[int]] = {}
    for window in timetable.blackout:
        begin, (overnight, end) = minutes(getattr(window, "from")), divmod(minutes(window.to), MINUTES_PER_DAY)
        for day in numbers(window.weekdays):
            at = (day + (overnight or end < begin)) % len(_SHORT)
            is_light = at in timetable.weekdays and not _is_dark(timetable, at, end)
            period = range(end, (end // step + 1) * step)
            if is_light and not any(time in period and not _is_dark(timetable, at, time) for time in timetable.times):
                found[end] = found.get(end, frozenset()) | {at}
    return found


def next_runs(timetable: Timetable, after: datetime, count: int) -> list[datetime]:
    """Return the next expected starts after an instant, `count` of them or all there are within ten years."""
    return list(islice(_occurrences(timetable, after), count))


def expected_between(timetable: Timetable, start: datetime, end: datetime) -> list[datetime]:
    """Return the expected starts after `start` and up to `end`, which belongs to them."""
    return list(takewhile(lambda at: at <= end, _occurrences(timetable, start)))


def longest_gap(timetable: Timetable) -> timedelta:
    """Return the longest time between two expected starts; none where each day has the same ones."""
    if len(timetable.weekdays) == len(_SHORT) and not timetable.blackout:
        return timedelta(0)
    # any two weeks show it: nothing of a timetable has a longer rhythm, and these have no odd night
    found = expected_between(timetable, _TWO_WEEKS, _TWO_WEEKS + timedelta(days=15))
    return max((later - at for at, later in pairwise(found)), default=timedelta(0))


def skipped(timetable: Timetable, first: date, days: int) -> list[datetime]:
    """Return the starts whose time of day the clock skips, from a day on: systemd leaves such a time out."""
    found = []
    for number in range(days):
        day = first + timedelta(days=number)
        for time in timetable.times if day.weekday() in timetable.weekdays else ():
            wanted = datetime(day.year, day.month, day.day, time // 60, time % 60, tzinfo=timetable.zone)
            at = wanted.astimezone(UTC)
            if at.astimezone(timetable.zone).replace(tzinfo=None) != wanted.replace(tzinfo=None) and not in_blackout(
                at, timetable
            ):
                found.append(at)
    return found


def _timetable(scheduling: Scheduling, times: tuple[int, ...], weekdays: tuple[str, ...]) -> Timetable:
    return Timetable(times, numbers(weekdays), scheduling.zone, scheduling.blackout, _tolerance(scheduling))


def _tolerance(scheduling: Scheduling) -> timedelta:
    return timedelta(minutes=scheduling.tolerance_minutes)


def _is_dark(timetable: Timetable, weekday: int, minute: int) -> bool:
    return any(window.covers(weekday, minute) for window in timetable.blackout)


def _occurrences(timetable: Timetable, after: datetime) -> Iterator[datetime]:
    """Yield expected starts after an instant, in order."""
    after = after.astimezone(UTC)
    found = _since(timetable, timetable.every, after) if timetable.every else _on_the_clock(timetable, after)
    return (at for at in found if at > after and in_blackout(at, timetable) is None)


def _since(timetable: Timetable, every: timedelta, after: datetime) -> Iterator[datetime]:
    at = after
    for _ in range(timedelta(days=_DAYS_AHEAD) // every):
        at = _made_up(timetable, at + every)
        yield at


def _made_up(timetable: Timetable, at: datetime) -> datetime:
    """Return an instant, or the end of the blackout that it lies in; of several that follow each other the last one's.

    In a night in which the clock skips an hour that is an hour late.
    """
    for _ in range(len(_SHORT) * len(timetable.blackout)):
        window = in_blackout(at, timetable)
        if window is None:
            break
        local = at.astimezone(timetable.zone)
        left = (minutes(window.to) - local.hour * 60 - local.minute) % MINUTES_PER_DAY or MINUTES_PER_DAY
        at = at.replace(second=0, microsecond=0) + timedelta(minutes=left)
    return at


def _on_the_clock(timetable: Timetable, after: datetime) -> Iterator[datetime]:
    # the day before as well: a time that was skipped at its midnight lies behind it
    first = after.astimezone(timetable.zone).date() - timedelta(days=1)
    for number in range(_DAYS_AHEAD):
        day = first + timedelta(days=number)
        if day.weekday() in timetable.weekdays:
            yield from sorted({_instant(day, time, timetable.zone) for time in timetable.times})


def _instant(day: date, time: int, zone: ZoneInfo) -> datetime:
    # fold=0: the first of two; in a gap the offset from before it (PEP 495), which leads as far behind its end
    return datetime(day.year, day.month, day.day, time // 60, time % 60, tzinfo=zone).astimezone(UTC)
