"""Simulate years of nightly backups under a retention policy and draw what is kept, as a calendar in text.

The clock is simulated and nothing is written; the decisions are those of `doit prune`. After each night the promise is
checked: each of the newest N days, weeks, months and years that ever had a good backup still has one.

    .venv/bin/python scripts/retention_calendar.py --databases 100 --years 3 --policy daily=7,weekly=4,monthly=12
"""

from __future__ import annotations

import argparse
import calendar
import random
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from vya_backup.decisions.retention import PERIODS, Candidate, Decision, Policy, decide, local_day, periods_of

FIRST = date(2024, 1, 1)
MARKS = {"daily": "D", "weekly": "W", "monthly": "M", "yearly": "Y"}


@dataclass
class Database:
    """One simulated database: what it has now, what it ever had, and how its nights went."""

    number: int
    kept: list[Candidate] = field(default_factory=list)
    ever: list[set[str]] = field(default_factory=lambda: [set() for _ in PERIODS])
    failed: set[date] = field(default_factory=set)
    pruned: int = 0
    broken: int = 0


def simulate(database: Database, policy: Policy, zone: ZoneInfo, days: int, fail_percent: float) -> Decision:
    """Live through the nights, pruning after each one; return the last decision."""
    chance = random.Random(database.number)
    minute = timedelta(minutes=chance.randrange(180))
    decision = decide([], policy, datetime(FIRST.year, 1, 1, tzinfo=UTC), zone)
    for number in range(1, days + 1):
        day = FIRST + timedelta(days=number - 1)
        at = datetime.combine(day, time(1), zone).astimezone(UTC) + minute
        is_failed = chance.random() * 100 < fail_percent
        if is_failed:
            database.failed.add(day)
        else:
            database.kept.append(Candidate(f"{database.number}-{number}", number, "good", at))
            for names, name in zip(database.ever, periods_of(local_day(at, zone)), strict=True):
                names.add(name)
        if database.kept and chance.random() < 0.1:  # a rolling verification comes by
            chosen = chance.randrange(len(database.kept))
            database.kept[chosen] = replace(database.kept[chosen], verified=True)
        barred = "its newest attempt failed" if is_failed else ""
        decision = decide(database.kept, policy, at + timedelta(hours=3), zone, barred)
        database.pruned += len(decision.victims)
        database.kept = [fate.candidate for fate in reversed(decision.survivors)]
        database.broken += _lost(database, policy, zone)
    return decision


def _lost(database: Database, policy: Policy, zone: ZoneInfo) -> int:
    """Return how many promised periods have no backup any more."""
    there = [periods_of(local_day(one.started_at, zone)) for one in database.kept]
    lost = 0
    for number, rule in enumerate(PERIODS):
        promised = sorted(database.ever[number], reverse=True)[: getattr(policy, rule)]
        lost += len(set(promised) - {names[number] for names in there})
        database.ever[number] = set(promised)  # what is no longer promised never will be again
    return lost


def picture(days: int, mark: dict[date, str], other: str) -> list[str]:
    """Draw a row for each month; a day without a mark is `other`."""
    lines = ["         1...5....10...15...20...25...30."]
    last = FIRST + timedelta(days=days - 1)
    year, month = FIRST.year, FIRST.month
    while (year, month) <= (last.year, last.month):
        length = calendar.monthrange(year, month)[1]
        cells = [
            mark.get(date(year, month, n), other if date(year, month, n) <= last else " ") for n in range(1, length + 1)
        ]
        lines.append(f"{year}-{month:02}  {''.join(cells)}".rstrip())
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return lines


def one_database(database: Database, decision: Decision, zone: ZoneInfo) -> dict[date, str]:
    """Mark each day by the longest rule that keeps its backup, and the nights that failed."""
    marks = dict.fromkeys(database.failed, "x")
    for fate in decision.survivors:
        rules = [slot.rule for slot in decision.slots if slot.backup_id == fate.candidate.backup_id]
        marks[local_day(fate.candidate.started_at, zone)] = MARKS[rules[-1]] if rules else "+"
    return marks


def all_databases(databases: list[Database], zone: ZoneInfo) -> dict[date, str]:
    """Mark each day by how many databases still have a backup of it: `#` all, `9` to `1` tenths, `.` fewer."""
    counts = Counter(local_day(one.started_at, zone) for database in databases for one in database.kept)
    tenths = {day: 10 * count // len(databases) for day, count in counts.items()}
    return {day: "#" if tenth == 10 else str(tenth or "-") for day, tenth in tenths.items()}


def main() -> int:
    """Simulate, draw, and fail when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--databases", type=int, default=100)
    parser.add_argument("--years", type=float, default=3)
    parser.add_argument(
        "--policy", default="daily=7,weekly=4,monthly=12,yearly=2", help="numbers by rule, and safety_days"
    )
    parser.add_argument("--zone", default="America/Sao_Paulo")
    parser.add_argument("--failures", type=float, default=3, help="percent of the nights that fail")
    said = parser.parse_args()
    numbers = {name: int(number) for name, _, number in (word.partition("=") for word in said.policy.split(","))}
    nothing = dict.fromkeys((*PERIODS, "last", "days"), 0)
    policy, zone, days = Policy(**(nothing | numbers)), ZoneInfo(said.zone), round(said.years * 365.25)
    databases = [Database(number) for number in range(1, said.databases + 1)]
    decisions = [simulate(database, policy, zone, days, said.failures) for database in databases]
    made = sum(len(one.kept) + one.pruned for one in databases)
    broken = sum(one.broken for one in databases)
    print(f"{policy}; {len(databases)} databases, {days} nights each from {FIRST} ({zone.key})\n")
    print("The first of them. D daily, W weekly, M monthly, Y yearly (the longest that keeps it), + kept for another")
    print("reason, . pruned, x failed\n")
    print("\n".join(picture(days, one_database(databases[0], decisions[0], zone), ".")))
    print("\nAll of them. # every one has a backup of that day, 9 to 1 so many tenths of them, - fewer, . none\n")
    print("\n".join(picture(days, all_databases(databases, zone), ".")))
    print(f"\n{made:,} backups made, {made - sum(one.pruned for one in databases):,} kept, broken promises: {broken}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
