"""PURE: what became of each day of a database: good, partial, failed, damaged, missing; and what was rehearsed on it.

A backup counts for the local day in which its slot begins, so that one at 00:30 belongs to the night it was due in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from vya_backup.decisions.retention import local_day
from vya_backup.decisions.slots import MINUTES_PER_DAY, Schedule, slot_at

KINDS: Final = {
    "good": "good",
    "pruned": "good",  # it was good for as long as the policy kept it
    "damaged": "damaged",
    "missing": "damaged",
    "failed": "failed",
    "abandoned": "failed",
}
IN_WORDS: Final = {
    "good": "good",
    "partial": "some slots without a good backup",
    "covered": "covered by the backup of a longer slot",
    "failed": "failed",
    "damaged": "its backup is damaged or lost",
    "missing": "missing",
    "pending": "still to come",
}
"""The states of a day that are shown; `outside` is before the first attempt, or in the future."""


@dataclass(frozen=True)
class Attempt:
    """A backup as a calendar sees it; instants are aware."""

    backup_id: str
    started_at: datetime
    slot_start: datetime | None
    slot_end: datetime | None
    state: str


@dataclass(frozen=True)
class Rehearsal:
    """A drill that ended."""

    at: datetime
    verdict: str


@dataclass(frozen=True)
class Past:
    """What happened to one database, in any order; `failures` are those that never became a backup."""

    attempts: Sequence[Attempt] = ()
    failures: Sequence[datetime] = ()
    rehearsals: Sequence[Rehearsal] = ()
    since: datetime | None = None
    """When the database was seen first."""


@dataclass(frozen=True)
class Day:
    """One local day. `drilled` is the verdict of its drills, the worst one of several; empty without any."""

    date: date
    state: str
    good: int = 0
    failed: int = 0
    drilled: str = ""

    @property
    def words(self) -> str:
        """Return the day in words, such as `2026-03-01: good, drill passed`."""
        said = [IN_WORDS.get(self.state, "")]
        if self.failed and self.state != "failed":
            said.append(f"{self.failed} failed before" if self.failed > 1 else "after a failure")
        if self.drilled:
            said.append({"pass": "drill passed", "fail": "drill failed"}.get(self.drilled, "drill could not judge"))
        return f"{self.date.isoformat()}: {', '.join(filter(None, said))}"


@dataclass
class _Tally:
    good: set[datetime] = field(default_factory=set)
    damaged: int = 0
    failed: int = 0
    drilled: str = ""


def days_of(past: Past, first: date, last: date, schedule: Schedule, now: datetime) -> list[Day]:
    """Return every day from `first` to `last`, both included."""
    tallies, covered = _tallied(past, schedule)
    since = local_day(past.since, schedule.zone) if past.since else None
    number = (last - first).days + 1
    dates = [first + timedelta(days=offset) for offset in range(number)]
    return [_day(one, tallies.get(one) or _Tally(), one in covered, since, schedule, now) for one in dates]


def counted(days: Iterable[Day]) -> str:
    """Return how many days were what: `28 good, 2 failed, 4 with a drill`."""
    counts = Counter(day.state for day in days)
    said = [f"{counts[state]} {state}" for state in IN_WORDS if counts[state]]
    return ", ".join(said) or "no backups"


def _tallied(past: Past, schedule: Schedule) -> tuple[dict[date, _Tally], set[date]]:
    tallies: dict[date, _Tally] = {}
    covered: set[date] = set()

    def at(instant: datetime) -> _Tally:
        return tallies.setdefault(local_day(instant, schedule.zone), _Tally())

    for one in past.attempts:
        begins = one.slot_start or one.started_at
        kind = KINDS.get(one.state)
        if kind == "good":
            at(begins).good.add(begins)
            covered.update(_days_in(one, schedule))
        elif kind == "damaged":
            at(begins).damaged += 1
        elif kind == "failed":
            at(begins).failed += 1
    for instant in past.failures:
        at(slot_at(instant, schedule).start).failed += 1
    for rehearsal in past.rehearsals:
        tally = at(rehearsal.at)
        tally.drilled = min(filter(None, (tally.drilled, rehearsal.verdict)), key=_WORST_FIRST.index)
    return tallies, covered


_WORST_FIRST = ("fail", "cannot judge", "pass")


def _days_in(one: Attempt, schedule: Schedule) -> Iterable[date]:
    if schedule.interval_minutes <= MINUTES_PER_DAY or not one.slot_start or not one.slot_end:
        return ()
    first, end = local_day(one.slot_start, schedule.zone), local_day(one.slot_end, schedule.zone)
    return (first + timedelta(days=offset) for offset in range((end - first).days))


def _day(day: date, tally: _Tally, is_covered: bool, since: date | None, schedule: Schedule, now: datetime) -> Day:
    state = _state(day, tally, is_covered, since, schedule, now)
    return Day(day, state, len(tally.good), tally.failed, tally.drilled)


def _state(day: date, tally: _Tally, is_covered: bool, since: date | None, schedule: Schedule, now: datetime) -> str:
    today = local_day(now, schedule.zone)
    if since is None or day < since or day > today:
        return "outside"
    if tally.good and len(tally.good) >= _expected(day, today, schedule, now):
        return "good"
    for state, is_so in (("partial", tally.good), ("damaged", tally.damaged), ("covered", is_covered)):
        if is_so:
            return state
    if tally.failed:
        return "failed"
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=schedule.zone)
    return "pending" if slot_at(noon, schedule).end > now or day == today else "missing"


def _expected(day: date, today: date, schedule: Schedule, now: datetime) -> int:
    """Return how many slots of a day ought to have a good backup by now; the one that is running may still get it."""
    if schedule.interval_minutes >= MINUTES_PER_DAY:
        return 1
    if day < today:
        return MINUTES_PER_DAY // schedule.interval_minutes
    local = now.astimezone(schedule.zone)
    return max(1, (local.hour * 60 + local.minute) // schedule.interval_minutes)
