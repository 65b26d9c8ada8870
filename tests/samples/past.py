"""The events of a made-up past, one database and one run at a time; `long_history` strings them together."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from vya_backup.decisions.retention import Candidate, Decision, Policy, decide
from vya_backup.decisions.slots import Schedule, slot_at
from vya_backup.history.event import Event, Process
from vya_backup.history.events import (
    AccountsChanged,
    Checksummed,
    Damaged,
    Drilled,
    DrillStarted,
    Dumped,
    Failed,
    FilledSlot,
    Missing,
    Pruned,
    Removed,
    Started,
    Survivor,
    Verdict,
    Verified,
)

Timed = tuple[datetime, Event]
SCHEDULE = Schedule(1440, ZoneInfo("America/Sao_Paulo"))
SERVERS = {"postgresql": "PostgreSQL 16.4", "mysql": "MySQL 8.4.2", "sqlite": "SQLite 3.45.1"}
CLIENTS = {"postgresql": "pg_dump (PostgreSQL) 16.4", "mysql": "mysqldump  Ver 8.4.2", "sqlite": "sqlite3 3.45.1"}
SUFFIXES = {"postgresql": ".sql.gz", "mysql": ".sql.gz", "sqlite": ".db.gz"}
TROUBLES = (
    ("dump", "dump_failed", "pg_dump ended with status 1: connection to server was lost", "See the server's log."),
    ("dump", "unreachable", "no connection within 10 seconds", "Start the server, or mend the network."),
    ("dump", "space_missing", "12 GB are needed and 9 GB are free", "Make room, then run the same command again."),
    ("checksum", "damaged", "what was read back is not what was streamed out", "Look at the kernel's log: dmesg."),
)


@dataclass
class Stored:
    """A backup as the past knows it; sizes in bytes."""

    backup_id: str
    sequence: int
    at: datetime
    path: str
    size: int
    plain: int
    state: str = "good"
    is_verified: bool = False
    is_held: bool = False
    looked: datetime | None = None


@dataclass
class Place:
    """One database: since when, until when, how large, and its backups that are not pruned, oldest first."""

    host: str
    instance: str
    database: str
    engine: str
    size: int
    growth: float
    since: int = 0
    until: int | None = None
    stored: list[Stored] = field(default_factory=list)
    newest: Stored | None = None

    def is_there(self, day: int) -> bool:
        """Say whether it exists on a day of the history."""
        return self.since <= day and (self.until is None or day < self.until)

    def plain_bytes(self, day: int, chance: random.Random) -> int:
        """Return its size on a day."""
        return int(self.size * (1 + self.growth * day) * chance.uniform(0.97, 1.03))


class Past:
    """Makes events of single databases; everything random comes from one seeded source."""

    def __init__(self, host: str, chance: random.Random) -> None:
        self.chance = chance
        self.sequence = 0
        self.drills = 0
        self.process = Process(host=host, boot_id="5f0e", pid=4711, started_ticks=990)

    def backup(self, place: Place, day: int, at: datetime) -> tuple[list[Timed], datetime]:
        """Return a good backup, and when it was done."""
        stored, begun = self._begin(place, day, at)
        seconds = round(2 + stored.plain / 80e6 * self.chance.uniform(0.8, 1.5), 3)
        done = at + timedelta(seconds=seconds)
        read = done + timedelta(seconds=1 + stored.size / 400e6)
        events: list[Timed] = [begun, (done, self._dumped(place, stored, seconds)), (read, _read_back(place, stored))]
        if place.database == "@users" and place.newest and self.chance.random() < 0.04:
            events.append((read, _drift(place, stored)))
        place.stored.append(stored)
        place.newest = stored
        return events, read + timedelta(seconds=1)

    def failed_backup(self, place: Place, day: int, at: datetime) -> tuple[list[Timed], datetime]:
        """Return a backup that fails half way."""
        stored, begun = self._begin(place, day, at)
        step, code, message, hint = self.chance.choice(TROUBLES)
        end = at + timedelta(seconds=self.chance.uniform(1, 90))
        failure = Failed(step=step, code=code, message=message, hint=hint, **about(place, stored))
        return [begun, (end, failure)], end + timedelta(seconds=5)

    def begun_backup(self, place: Place, day: int, at: datetime) -> tuple[Timed, str]:
        """Return a dump that nothing ends, and its id."""
        stored, begun = self._begin(place, day, at)
        return begun, stored.backup_id

    def look(self, place: Place, stored: Stored, at: datetime, fault: str = "") -> list[Timed]:
        """Return a verification; `fault` is empty, `damaged` or `missing`."""
        stored.looked = at
        known = {"path": stored.path, **about(place, stored)}
        if not fault:
            stored.is_verified = True
            known |= {"size_bytes": stored.size, "sha256": _digest(stored.backup_id), "duration_seconds": 3.5}
            return [(at, Verified(verdict="pass", from_disk=True, **known))]
        stored.state = fault
        reason = "its digest is not the one that was recorded" if fault == "damaged" else "the file is not there"
        found = Damaged(reason=reason, check="digest", **known) if fault == "damaged" else Missing(**known)
        return [(at, found), (at, Verified(verdict="fail", reason=reason, checks=("digest",), **known))]

    def drill(self, place: Place, at: datetime) -> list[Timed]:
        """Return a drill of the newest backup; a few fail, fewer cannot judge."""
        stored = place.newest
        if stored is None or stored.state != "good":
            return []
        number, self.drills = self.drills, self.drills + 1
        verdict: Verdict = "fail" if number % 31 == 2 else "cannot judge" if number % 47 == 4 else "pass"
        seconds = round(5 + stored.plain / 40e6, 3)
        ended = Drilled(
            verdict=verdict,
            duration_seconds=seconds,
            reason="" if verdict == "pass" else "table orders: 41 rows less" if verdict == "fail" else "no server",
            differences=("table orders: 41 rows less",) if verdict == "fail" else (),
            rows=stored.plain // 120,
            size_bytes=stored.size,
            plain_bytes=stored.plain,
            objects=42,
            assertions=2,
            compared=("objects", "rows", "assertions"),
            server=SERVERS[place.engine],
            sandbox="bubblewrap",
            **about(place, stored),
        )
        begun = DrillStarted(process=self.process, **about(place, stored))
        return [(at, begun), (at + timedelta(seconds=seconds), ended)]

    def prune(self, place: Place, policy: Policy, at: datetime) -> list[Timed]:
        """Return what the real decision gives up, with its reasons."""
        candidates = [
            Candidate(one.backup_id, one.sequence, one.state, one.at, one.is_verified, one.is_held)
            for one in place.stored
        ]
        decision = decide(candidates, policy, at, SCHEDULE.zone)
        reasons = {fate.candidate.backup_id: fate.reason for fate in decision.victims}
        gone = [one for one in place.stored if one.backup_id in reasons]
        place.stored = [one for one in place.stored if one.backup_id not in reasons]
        events: list[Timed] = []
        for number, one in enumerate(gone):
            told = {
                "policy": str(policy),
                "decision": gone[0].backup_id,
                **(_outcome(decision, at) if not number else {}),
            }
            facts = {"path": one.path, "reason": reasons[one.backup_id], "size_bytes": one.size, **about(place, one)}
            events.append((at, Pruned.model_validate({**told, **facts})))
            paths = (one.path, f"{one.path}.sha256")
            events.append((at, Removed(paths=paths, freed_bytes=one.size, **about(place, one))))
        return events

    def _begin(self, place: Place, day: int, at: datetime) -> tuple[Stored, Timed]:
        self.sequence += 1
        plain = place.plain_bytes(day, self.chance)
        local = at.astimezone(SCHEDULE.zone)
        folder = f"{place.host}/{place.instance}/{place.database}/{local:%Y-%m-%d}"
        path = f"{folder}/{place.database}_{local:%Y%m%d_%H%M%S}_full{SUFFIXES[place.engine]}"
        backup_id = identifier(at, self.chance)
        slot = slot_at(at, SCHEDULE)
        begun = Started(
            engine=place.engine,
            path=path,
            shape="s1",
            slot_start=slot.start,
            slot_end=slot.end,
            reason="no good backup covers the slot",
            process=self.process,
            client=CLIENTS[place.engine],
            server=SERVERS[place.engine],
            instance=place.instance,
            database=place.database,
            backup_id=backup_id,
        )
        return Stored(backup_id, self.sequence, at, path, plain // 5, plain), (at, begun)

    def _dumped(self, place: Place, stored: Stored, seconds: float) -> Dumped:
        return Dumped(
            path=stored.path,
            size_bytes=stored.size,
            plain_bytes=stored.plain,
            sha256=_digest(stored.backup_id),
            plain_sha256=_digest(stored.path),
            compression="gzip",
            duration_seconds=seconds,
            counts={"table": 38, "view": 4},
            rows=stored.plain // 120,
            schema_hash=_digest(place.database),
            metadata_sha256=_digest(f"{stored.path}.metadata.json"),
            client=CLIENTS[place.engine],
            server=SERVERS[place.engine],
            **about(place, stored),
        )


def identifier(at: datetime, chance: random.Random) -> str:
    """Return a UUIDv7 whose random part is seeded."""
    milliseconds, bits = int(at.timestamp() * 1000), chance.getrandbits(74)
    text = f"{milliseconds:012x}7{bits >> 62:03x}{0x8 | (bits >> 60) & 0x3:x}{bits & (2**60 - 1):015x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def about(place: Place, stored: Stored) -> dict[str, Any]:
    """Return what an event about a backup carries in its columns."""
    return {"instance": place.instance, "database": place.database, "backup_id": stored.backup_id}


def _read_back(place: Place, stored: Stored) -> Checksummed:
    seconds = round(1 + stored.size / 400e6, 3)
    return Checksummed(
        path=stored.path,
        size_bytes=stored.size,
        sha256=_digest(stored.backup_id),
        duration_seconds=seconds,
        from_disk=True,
        **about(place, stored),
    )


def _drift(place: Place, stored: Stored) -> AccountsChanged:
    before = place.newest.backup_id if place.newest else ""
    return AccountsChanged(before=before, changed=1, words=("bob became superuser",), **about(place, stored))


def _outcome(decision: Decision, at: datetime) -> dict[str, Any]:
    return {
        "rules": decision.policy.rules(),
        "decided_at": at,
        "zone": SCHEDULE.zone.key,
        "slots": tuple(FilledSlot(rule=s.rule, period=s.period, backup_id=s.backup_id) for s in decision.slots),
        "survivors": tuple(Survivor(backup_id=f.candidate.backup_id, reason=f.reason) for f in decision.survivors),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def in_turn(places: list[Place], share: int, day: int) -> Iterator[Place]:
    """Yield every `share`-th place, another set each time; the first one never has its turn."""
    return (place for number, place in enumerate(places) if number and number % share == day % share)
