"""PURE: what to keep and what to prune of one database, each with its reasons.

A slot is a period (a day, an ISO week, a month, a year of the configured zone) that has a good backup; the newest N of
each kind are kept, so that a gap never shrinks the set. Only good backups fill slots. Order is the catalog's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from vya_backup.decisions.naming import Key
from vya_backup.decisions.plan import matches
from vya_backup.settings.storage_model import Retention, RetentionRules

Strategy = Literal["gfs", "simple"]


@dataclass(frozen=True)
class Policy:
    """How much to keep of one database; the numbers are periods, backups or days."""

    strategy: Strategy = "gfs"
    daily: int = 7
    weekly: int = 4
    monthly: int = 12
    yearly: int = 0
    last: int = 0
    days: int = 0
    safety_days: int = 7

    @classmethod
    def of(cls, rules: RetentionRules) -> Policy:
        """Return what the configuration says; `simple` counts backups and days alone."""
        is_gfs = rules.strategy == "gfs"
        return cls(
            strategy=rules.strategy,
            daily=rules.daily_keep if is_gfs else 0,
            weekly=rules.weekly_keep if is_gfs else 0,
            monthly=rules.monthly_keep if is_gfs else 0,
            yearly=rules.yearly_keep if is_gfs else 0,
            last=rules.keep_last,
            days=rules.keep_days,
            safety_days=rules.safety_days,
        )

    def __str__(self) -> str:
        slots = [f"{getattr(self, rule)} {rule}" for rule in PERIODS if getattr(self, rule)]
        slots += [f"the last {self.last}"] if self.last else []
        slots += [f"everything of {self.days} days"] if self.days else []
        return f"keep {_listed(slots) or 'the newest one alone'}"

    def rules(self) -> dict[str, int | str]:
        """Return the numbers by name, for the event."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Candidate:
    """A backup that has files, or ought to have them."""

    backup_id: str
    sequence: int
    """The catalog's own order: a higher one is newer, whatever the clocks said."""
    state: str
    started_at: datetime
    verified: bool = False
    held: bool = False
    restoring: bool = False
    drilling: bool = False


@dataclass(frozen=True)
class Fate:
    """What becomes of one backup, and why."""

    candidate: Candidate
    keep: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Return the reasons as one text."""
        return ", ".join(self.reasons)


@dataclass(frozen=True)
class Filled:
    """One line of the slot table: which backup stands for a period."""

    rule: str
    period: str
    backup_id: str


@dataclass(frozen=True)
class Decision:
    """The decision about one database: a fate for each backup, newest first, and the slot table."""

    policy: Policy
    fates: tuple[Fate, ...]
    slots: tuple[Filled, ...]
    barred: str
    """Why nothing at all is pruned; empty when nothing stands against it."""

    @property
    def survivors(self) -> tuple[Fate, ...]:
        """Return what stays, newest first."""
        return tuple(fate for fate in self.fates if fate.keep)

    @property
    def victims(self) -> tuple[Fate, ...]:
        """Return what goes, newest first."""
        return tuple(fate for fate in self.fates if not fate.keep)


PERIODS = ("daily", "weekly", "monthly", "yearly")
"""The rules that count periods, in the order in which `periods_of` names them."""
NOT_GOOD = {
    "running": "not good yet",
    "damaged": "damaged: its file is left as it is",
    "missing": "missing: there is no file to remove",
}


def rules_for(retention: Retention, key: Key) -> RetentionRules:
    """Return the rules of one database: the first override that names it decides what differs."""
    name = f"{key.instance}/{key.database}"
    named = (one for one in retention.overrides if any(matches(name, pattern) for pattern in one.databases))
    return retention.overridden(next(named, None))


def decide(
    candidates: Sequence[Candidate], policy: Policy, now: datetime, zone: ZoneInfo, barred: str = ""
) -> Decision:
    """Decide for one database; `now` is aware, `barred` says why nothing may go whatever the policy says.

    More of anything (a higher number, a hold, a reason against it) only ever keeps more.
    """
    ordered = sorted(candidates, key=lambda one: one.sequence, reverse=True)
    good = [one for one in ordered if one.state == "good"]
    # a backup of a clock that ran ahead would take the slot of a real one until its date has come
    dated = [one for one in good if one.started_at <= now]
    slots = tuple(_slots(dated, policy, zone))
    named: dict[str, list[str]] = {}
    for slot in slots:
        named.setdefault(slot.backup_id, []).append(f"{slot.rule} {slot.period}")
    moment = _Moment(policy, now, good[0] if good else None, _first_day(dated, policy, now, zone), zone)
    return Decision(policy, tuple(_fate(one, named, moment, barred) for one in ordered), slots, barred)


@dataclass(frozen=True)
class _Moment:
    policy: Policy
    now: datetime
    newest: Candidate | None
    first_day: date | None
    zone: ZoneInfo


def _slots(dated: Sequence[Candidate], policy: Policy, zone: ZoneInfo) -> Iterator[Filled]:
    days = [periods_of(local_day(one.started_at, zone)) for one in dated]
    for number, rule in enumerate(PERIODS):
        wanted = getattr(policy, rule)
        if not wanted:
            continue
        best: dict[str, Candidate] = {}
        for one, names in zip(dated, days, strict=True):
            known = best.get(names[number])
            if known is None or (one.verified and not known.verified):  # newest first, so the first of equals stays
                best[names[number]] = one
        for period in sorted(best, reverse=True)[:wanted]:
            yield Filled(rule, period, best[period].backup_id)
    for place, one in enumerate(dated[: policy.last], start=1):
        yield Filled("last", str(place), one.backup_id)


def _first_day(dated: Sequence[Candidate], policy: Policy, now: datetime, zone: ZoneInfo) -> date | None:
    """Return the first day that `days` keeps: counted back from the newest backup, so that a gap takes nothing."""
    if not policy.days or not dated:
        return None
    newest = max(local_day(one.started_at, zone) for one in dated)
    return _days_before(newest, policy.days - 1)


def _fate(one: Candidate, named: dict[str, list[str]], moment: _Moment, barred: str) -> Fate:
    reasons = [*_promises(one, moment), *named.get(one.backup_id, ())]
    if moment.first_day and one.state == "good" and local_day(one.started_at, moment.zone) >= moment.first_day:
        reasons.append(f"of the last {moment.policy.days} days")
    if reasons:
        return Fate(one, keep=True, reasons=tuple(reasons))
    if barred:
        return Fate(one, keep=True, reasons=("not now",))
    return Fate(one, keep=False, reasons=(f"fills no slot: {moment.policy}",))


def _promises(one: Candidate, moment: _Moment) -> Iterator[str]:
    """Yield what keeps a backup whatever the policy says."""
    if one.state in NOT_GOOD:
        yield NOT_GOOD[one.state]
    if one is moment.newest:
        yield "newest good"
    if one.held:
        yield "held"
    if one.restoring:
        yield "being restored"
    if one.drilling:
        yield "being drilled"
    if one.started_at > moment.now:
        yield "dated in the future"
    elif moment.now - one.started_at < timedelta(days=moment.policy.safety_days):
        yield f"younger than {moment.policy.safety_days} days"


@lru_cache(maxsize=1 << 16)
def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day of an aware instant in a zone."""
    return instant.astimezone(zone).date()


@lru_cache(maxsize=1 << 14)
def periods_of(day: date) -> tuple[str, str, str, str]:
    """Return the names of a day's periods, in the order of `PERIODS`; names sort as the periods follow each other."""
    year, week, _ = day.isocalendar()
    return (day.isoformat(), f"{year:04}-W{week:02}", f"{day.year:04}-{day.month:02}", f"{day.year:04}")


def _days_before(day: date, number: int) -> date:
    return date.fromordinal(max(1, day.toordinal() - number))


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
