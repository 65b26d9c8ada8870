"""What the auditors' questions must answer, worked out from the bare events by other means than SQL."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vya_backup.clock import parse_rfc3339

BAD = frozenset({"failed", "abandoned", "discovery_failed", "missing", "damaged", "restore_failed", "recovery_failed"})


@dataclass(frozen=True)
class Happened:
    """One event as it lies in the file."""

    id: int
    at: str
    type: str
    host: str
    actor: str
    instance: str | None
    database: str | None
    backup_id: str | None
    run_id: str | None
    data: dict[str, Any]

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what tells databases apart."""
        return self.host, self.instance, self.database


def happened(path: Path) -> list[Happened]:
    """Return every event, in order."""
    sql = "SELECT id, at, type, host, actor, instance, database, backup_id, run_id, data FROM events ORDER BY id"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [Happened(*row[:-1], json.loads(row[-1])) for row in connection.execute(sql)]


def restorable_at(events: list[Happened], moment: str) -> dict[tuple[Any, ...], str | None]:
    """Return of each database that was ever dumped by then the newest backup that was good then."""
    life: dict[str, _Life] = {}
    for event in events:
        if event.at <= moment and event.backup_id and event.instance:
            if event.type == "started":
                life.setdefault(event.backup_id, _Life(event.key, event.id))
            elif event.backup_id in life:
                life[event.backup_id].live(event)
    newest: dict[tuple[Any, ...], tuple[int, str]] = {}
    for backup_id, one in life.items():
        if one.state == "good" and one.number > newest.get(one.key, (0, ""))[0]:
            newest[one.key] = (one.number, backup_id)
    return {one.key: newest.get(one.key, (0, None))[1] for one in life.values()}


@dataclass
class _Life:
    key: tuple[Any, ...]
    number: int
    state: str = "running"
    sha256: str = ""
    was_good: bool = False

    def live(self, event: Happened) -> None:
        """Go from one state to the next, or stay."""
        match event.type:
            case "dumped" if self.state in {"running", "abandoned", "failed"}:
                self.state, self.sha256 = "running", event.data["sha256"]
            case "checksummed" if self.sha256 == event.data["sha256"] and self.state != "pruned":
                self.state, self.was_good = "good", True
            case "failed" | "abandoned" if self.state == "running":
                self.state = event.type
            case "missing" | "damaged" if self.state in {"good", "missing", "damaged"} or self.sha256:
                self.state = "pruned" if self.state == "pruned" else event.type
            case "verified" if event.data["verdict"] == "pass" and self.was_good and self.state != "pruned":
                self.state = "good"
            case "pruned":
                self.state = "pruned"


def failures(events: list[Happened]) -> list[tuple[Happened, Happened | None]]:
    """Return everything that went wrong with what mended it, newest first."""
    followers: dict[tuple[Any, ...], list[Happened]] = defaultdict(list)
    for event in events:
        for sign in _signs(event):
            followers[sign].append(event)
    harmed = {(e.run_id, e.backup_id) for e in events if e.type in {"missing", "damaged"}}
    wrong = [
        e
        for e in events
        if e.type in BAD
        or (e.data.get("verdict") == "fail" and (e.type == "drilled" or (e.run_id, e.backup_id) not in harmed))
    ]
    return [(one, _first(followers, one)) for one in reversed(wrong)]


def _signs(event: Happened) -> Iterator[tuple[Any, ...]]:
    """Name what an event shows to work again."""
    passed = event.data.get("verdict") == "pass"
    if event.type == "checksummed":
        yield ("dump", *event.key)
    if event.type == "verified" and passed:
        yield ("file", event.backup_id)
    if event.type == "pruned" or (event.type == "verified" and passed):
        yield ("sidecar", event.backup_id)
    if event.type == "drilled" and passed:
        yield ("drill", *event.key)
    if event.type == "started":
        yield ("instance", event.host, event.instance)
    if event.type == "run_finished":
        yield ("run", event.host)
    if event.type == "restored":
        yield ("restore", event.host, event.data["target_instance"], event.data["target_database"])
    if event.type == "recovered":
        yield ("recovery", event.host, event.instance)


def _first(followers: dict[tuple[Any, ...], list[Happened]], one: Happened) -> Happened | None:
    wanted: list[tuple[Any, ...]]
    match one.type:
        case "missing" | "damaged":
            wanted = [("dump", *one.key), ("file", one.backup_id)]
        case "failed" | "abandoned" if one.database:
            wanted = [("dump", *one.key)]
        case "verified":
            wanted = [("sidecar", one.backup_id)]
        case "drilled":
            wanted = [("drill", *one.key)]
        case "restore_failed":
            wanted = [("restore", one.host, one.data["target_instance"], one.data["target_database"])]
        case "recovery_failed":
            wanted = [("recovery", one.host, one.instance)]
        case _:
            wanted = [("instance", one.host, one.instance)]
    if one.type == "failed" and one.instance is None:
        wanted = [("run", one.host)]
    after = [event for sign in wanted for event in followers[sign] if event.id > one.id]
    return min(after, key=lambda event: event.id, default=None)


def seconds(later: str, earlier: str) -> float:
    """Return the seconds between two times."""
    return (_time(later) - _time(earlier)).total_seconds()


def _time(text: str) -> datetime:
    return parse_rfc3339(text)
