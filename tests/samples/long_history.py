"""A catalog with a long past, made fast and always the same: for pages, metrics, evidence and measurements.

Everything goes through `Catalog.append` with a clock set by hand, one transaction for each run. Rare things happen on
certain days of the history, so that 40 days have each of them: nights without a run, a server out of reach, dumps that
fail, a run that is cut off, damaged and missing files, drills that fail or cannot judge, holds, restores, a recovery.
"""

from __future__ import annotations

import random
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.samples.past import SERVERS, Past, Place, Stored, Timed, about, identifier, in_turn
from vya_backup.decisions.retention import Policy
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.events import Abandoned, Held, Released
from vya_backup.history.recovery_events import Recovered, RecoveredDatabase, RecoveryStarted
from vya_backup.history.restore_events import Restored, RestoreFailed, RestoreStarted
from vya_backup.history.run_events import (
    Configured,
    ConfiguredInstance,
    Discovered,
    DiscoveryFailed,
    Exclusion,
    Room,
    RunFinished,
    RunStarted,
)

UNTIL = datetime(2026, 1, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
INSTANCES = {"prod-pg-01": "postgresql", "prod-mysql-01": "mysql", "app-files": "sqlite"}
NAMES = ("shop", "billing", "crm", "wiki", "stock", "payroll", "forum", "mail", "assets", "reports", "audit", "search")
STANDBY = "standby-mysql-01"
ENDS = frozenset({"checksummed", "verified", "drilled", "pruned", "held", "released", "restored"})
DISK_BYTES = 4_000_000_000_000


def long_history(
    path: Path,
    *,
    years: float = 3,
    databases: int = 50,
    seed: int = 1,
    until: datetime = UNTIL,
    host: str = "backup-01",
) -> Path:
    """Make a catalog file, in the form in which one is published, whose last night is that of `until`; return it.

    `databases` are spread over three instances; two of these have accounts beside them. The same arguments give the
    same events, ids and hashes.
    """
    days = round(years * 365)
    chance = random.Random(f"{seed} {host}")
    clock = Times(until - (days - 1) * DAY - timedelta(hours=1))
    with _seeded(clock, chance):
        catalog = Catalog.open(path, host=host, now=clock)
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "cache_size = -300000"):
            catalog._connection().execute(f"PRAGMA {pragma}")  # nobody minds a power cut here
        history = _History(catalog, clock, Past(host, chance), _places(host, databases, days, chance))
        for day in range(days):
            history.live(day, (until - (days - 1 - day) * DAY).replace(hour=5, minute=0, second=0, microsecond=0))
        catalog.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


class Times:
    """A clock that gives out the times that were planned, then a millisecond more each."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.planned: deque[datetime] = deque()

    def __call__(self) -> datetime:
        self.at = self.planned.popleft() if self.planned else self.at + timedelta(milliseconds=1)
        return self.at


@contextmanager
def _seeded(clock: Times, chance: random.Random) -> Iterator[None]:
    """Take what a catalog takes from the machine (chance, the account) from the seed instead.

    What costs a third of an append and serves nobody here is left out: reading each event back for a listener, and
    making foreign texts storable.
    """

    def new_id(*_: object) -> str:
        return identifier(clock.at, chance)

    history = "vya_backup.history"
    with (
        patch(f"{history}.catalog.new_id", new_id),
        patch(f"{history}.migrations.new_id", new_id),
        patch(f"{history}.catalog.actor", lambda: "vya (unit: vya-backup.service)"),
        patch(f"{history}.catalog.recorded_from", lambda values: values),
        patch(f"{history}.fact._storable", lambda value: value),
    ):
        yield


def _places(host: str, databases: int, days: int, chance: random.Random) -> list[Place]:
    instances = list(INSTANCES.items())
    places = []
    for number in range(databases):
        instance, engine = instances[number % len(instances)]
        round_, name = divmod(number // len(instances), len(NAMES))
        size = int(10 ** chance.uniform(7, 10.3))
        database = NAMES[name] + (f"_{round_ + 1}" if round_ else "")
        places.append(Place(host, instance, database, engine, size, chance.uniform(0, 0.002)))
    if databases > 2:
        places[-1].since, places[-2].until = days * 3 // 10, days * 8 // 10
    return [*places, *(Place(host, name, "@users", engine, 40_000, 0) for name, engine in instances[:2])]


@dataclass
class _History:
    catalog: Catalog
    clock: Times
    past: Past
    places: list[Place]
    policy: Policy = field(default_factory=Policy)
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    orphan: Timed | None = None
    held: tuple[Place, Stored] | None = None

    def live(self, day: int, night: datetime) -> None:
        """Record one day: the night's backups, then what else falls on it. `night` is when its first run starts."""
        if day % 37 in {11, 12}:
            return
        self.there = [place for place in self.places if place.is_there(day)]
        at = self._backups(day, night)
        if day % 97 == 20:
            return
        looks = self._looks(day, at + timedelta(minutes=5))
        self._run("verify --rolling", at + timedelta(minutes=5), looks)
        at = max(self.clock.at + timedelta(minutes=5), night + timedelta(hours=6))
        if day % 7 in {1, 5}:
            drills = [drill for place in in_turn(self.there, 8, day) for drill in self.past.drill(place, at)]
            self._run("verify --drill", at, _in_line(drills))
        pruned = [p for place in self.there for p in self.past.prune(place, self.policy, at)] if day % 7 == 6 else []
        self._run("prune", at, pruned)
        self._by_hand(day, self.clock.at + timedelta(minutes=10))

    def _backups(self, day: int, at: datetime) -> datetime:
        lost = list(INSTANCES)[day // 19 % len(INSTANCES)] if day % 19 == 7 else ""
        unlucky = self.past.chance.randrange(len(self.there)) if day % 13 == 5 else -1
        events, failed, moment = self._discoveries(day, at, lost), 0, at + timedelta(seconds=3)
        for number, place in enumerate(self.there):
            if place.instance == lost:
                continue
            if day % 97 == 20 and number == len(self.there) // 2:  # the machine goes down
                begun, backup_id = self.past.begun_backup(place, day, moment)
                reason = "its process is gone"
                subject = {"instance": place.instance, "database": place.database, "backup_id": backup_id}
                self.orphan = (moment, Abandoned(reason=reason, process=self.past.process, **subject))
                self._run("backup", at, [*events, begun], ended=False)
                return moment
            is_bad = number == unlucky or self.past.chance.random() < 0.003
            act = self.past.failed_backup if is_bad else self.past.backup
            done, moment = act(place, day, moment)
            events += done
            failed += is_bad
        self._run("backup", at, events, failed=failed + bool(lost))
        return moment

    def _discoveries(self, day: int, at: datetime, lost: str) -> list[Timed]:
        events: list[Timed] = []
        if day % 365 in {0, 33}:
            self.policy = Policy() if day % 365 else Policy(daily=10)
            events.append((at, _configured(self.policy)))
        if self.orphan:
            events.append((at, self.orphan[1]))
            self.orphan = None
        for instance, engine in INSTANCES.items():
            found = tuple(p.database for p in self.there if p.instance == instance and p.database != "@users")
            if instance == lost:
                trouble = DiscoveryFailed(instance=instance, code="unreachable", message="no connection in 10 s")
                events.append((at, trouble))
            elif self.found.get(instance) != found:
                self.found[instance] = found
                left = (Exclusion(name="scratch", reason="exclude_databases has scratch*"),)
                server = SERVERS[engine]
                events.append((at, Discovered(instance=instance, server=server, found=found, excluded=left)))
        return events

    def _looks(self, day: int, at: datetime) -> list[Timed]:
        fault = "damaged" if day % 29 == 15 else "missing" if day % 41 == 25 else ""
        events: list[Timed] = []
        for place in self.there:
            waiting = [s for s in place.stored if s.state == "good" and (s.looked or s.at) < at - 30 * DAY]
            old = place.stored[:1] if fault and len(place.stored) > 3 and place.stored[0].state == "good" else []
            for stored in old or waiting[:3]:
                events += self.past.look(place, stored, at + len(events) * timedelta(seconds=4), fault if old else "")
                fault = "" if old else fault
        return events

    def _by_hand(self, day: int, at: datetime) -> None:
        """Record what people did on this day."""
        place = self.there[day % len(self.there)]
        if day % 31 == 10 and place.newest:
            self.held, place.newest.is_held = (place, place.newest), True
            self._run("hold", at, [(at, Held(reason="year-end closing", **about(place, place.newest)))])
        if day % 31 == 30 and self.held:
            (of, stored), self.held = self.held, None
            stored.is_held = False
            self._run("release", at, [(at, Released(reason="the closing is done", **about(of, stored)))])
        if day % 15 == 9 and place.newest:
            self._run(f"restore:{place.instance}/{place.database}", at, self._restore(place, at, day % 45 == 24))
        if day % 200 == 30:
            self._run("recover:prod-mysql-01", at, self._recovery(at))

    def _restore(self, place: Place, at: datetime, fails: bool, **more: Any) -> list[Timed]:
        stored = place.newest
        if stored is None:
            return []
        where = {"target_instance": place.instance, "target_database": f"{place.database}_copy", **more}
        told = {"restore_id": identifier(at, self.past.chance), **where, **about(place, stored)}
        begun = RestoreStarted(source_path=stored.path, requested="newest good", process=self.past.process, **told)
        seconds = round(4 + stored.plain / 30e6, 3)
        ended: Event = (
            RestoreFailed(code="restore_failed", message="psql ended with status 3", hint="See the log.", **told)
            if fails
            else Restored(duration_seconds=seconds, rows=stored.plain // 120, plain_bytes=stored.plain, **told)
        )
        return [(at, begun), (at + timedelta(seconds=seconds), ended)]

    def _recovery(self, at: datetime) -> list[Timed]:
        places = [place for place in self.there if place.instance == "prod-mysql-01"]
        told: dict[str, Any] = {"recovery_id": identifier(at, self.past.chance)} | {"target_instance": STANDBY}
        names = tuple(place.database for place in places)
        begun = RecoveryStarted(
            instance="prod-mysql-01", databases=names, requested="newest", process=self.past.process, **told
        )
        events: list[Timed] = [(at, begun)]
        for place in places:
            events += self._restore(place, events[-1][0], False, target_database=place.database, **told)
        seconds = round((events[-1][0] - at).total_seconds(), 3)
        results = tuple(RecoveredDatabase(database=name, result="restored") for name in names)
        ended = Recovered(instance="prod-mysql-01", duration_seconds=seconds, results=results, **told)
        return [*events, (events[-1][0], ended)]

    def _run(self, command: str, at: datetime, events: list[Timed], *, failed: int = 0, ended: bool = True) -> None:
        if not events:
            return
        last = max(moment for moment, _ in events) + timedelta(seconds=1)
        self.clock.planned = deque([at, *(moment for moment, _ in events), last])
        facts = [event for _, event in events]
        if ended:
            results = {"ok": sum(event.type in ENDS for event in facts), "failed": failed}
            facts.append(RunFinished(exit_status=1 if failed else 0, results=results, room=self._room()))
        started = RunStarted(
            command=command, version="2.0.0", environment="production", config_path="/etc/vya_backupdb"
        )
        with self.catalog.run(started):
            self.catalog.append(*facts)
        self.clock.planned.clear()

    def _room(self) -> Room:
        used = sum(stored.size for place in self.places for stored in place.stored)
        return Room(total_bytes=DISK_BYTES, free_bytes=max(0, DISK_BYTES * 6 // 10 - used))


def _in_line(events: list[Timed]) -> list[Timed]:
    """Return acts that all began at once, one behind the other."""
    shift, previous, moved = timedelta(), None, []
    for at, event in events:
        if previous is not None and at < previous:
            shift += previous - at
        moved.append((at + shift, event))
        previous = at
    return moved


def _configured(policy: Policy) -> Configured:
    retention = {f"{rule}_keep": getattr(policy, rule) for rule in ("daily", "weekly", "monthly", "yearly")}
    rest = {"strategy": "gfs", "keep_last": 0, "keep_days": 0, "safety_days": 7, "shrink_alarm_percent": 50}
    return Configured(
        environment="production",
        timezone="America/Sao_Paulo",
        interval_minutes=1440,
        instances=tuple(
            ConfiguredInstance(id=name, type=engine, enabled=True, databases=("*",), exclude_databases=("scratch*",))
            for name, engine in INSTANCES.items()
        ),
        retention={**rest, **retention, "cleanup_enabled": True},
        verify_every_days=30,
        drill_max_age_days=90,
        min_free_percent=5,
    )
