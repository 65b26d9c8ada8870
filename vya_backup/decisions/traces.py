"""PURE: a run as spans, made of its events alone: one for the run, one for each database, one for each step of it.

A trace is as old as the run: its id is that of the run, so that the catalog leads to the trace and back. Attributes are
facts of events, in which no secret ever was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from vya_backup.clock import parse_rfc3339
from vya_backup.history.event import Event
from vya_backup.history.recorded import Recorded
from vya_backup.history.run_events import RunFinished, RunStarted

Value = str | int | float | bool

BEGINNINGS: Final = {"started": "dump", "drill_started": "drill", "restore_started": "restore"}
ENDS: Final = {
    "dumped": "dump",
    "checksummed": "checksum",
    "verified": "verify",
    "drilled": "drill",
    "drill_abandoned": "drill",
    "restored": "restore",
    "restore_failed": "restore",
    "pruned": "prune",
    "removed": "remove",
    "discovered": "discover",
    "discovery_failed": "discover",
}
"""What step an event ends; `failed` says itself which."""
FACTS: Final = (
    "size_bytes",
    "plain_bytes",
    "freed_bytes",
    "rows",
    "verdict",
    "code",
    "target_instance",
    "target_database",
)


@dataclass
class Span:
    """Something that took time; `key` identifies it, `parent` is the key of what it is a part of, or empty."""

    key: str
    parent: str
    name: str
    start: datetime
    end: datetime
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str = ""


def spans_of(events: Iterable[Recorded]) -> list[Span]:
    """Return the spans of one run, given its events in their order; the run's own is the first, parents come first."""
    found = list(events)
    if not found or found[0].run_id is None:
        return []
    steps = list(_steps(found))
    subjects = list(_subjects(found[0].run_id, steps))
    return [_run(found), *subjects, *(step for _, step in steps)]


def _run(events: list[Recorded]) -> Span:
    first, last = events[0], events[-1]
    run_id = first.run_id or ""
    name = first.event.command if isinstance(first.event, RunStarted) else "run"
    span = Span(run_id, "", name, parse_rfc3339(first.at), parse_rfc3339(last.at), {"vya.run_id": run_id})
    ends = [one.event for one in events if isinstance(one.event, RunFinished)]
    if ends:
        results = {f"vya.results.{name}": number for name, number in ends[-1].results.items()}
        span.attributes |= {"vya.exit_status": ends[-1].exit_status, **results}
        span.error = f"exit status {ends[-1].exit_status}" if ends[-1].exit_status else ""
    return span


def _subjects(run_id: str, steps: list[tuple[str, Span]]) -> Iterator[Span]:
    """Yield a span for each database (or instance) that spans its steps."""
    by_name: dict[str, list[Span]] = {}
    for name, step in steps:
        by_name.setdefault(name, []).append(step)
    for name, parts in by_name.items():
        span = Span(f"{run_id} {name}", run_id, name, min(p.start for p in parts), max(p.end for p in parts))
        for part in parts:
            span.attributes |= {fact: value for fact, value in part.attributes.items() if fact != "vya.step"}
            span.error = part.error or span.error
        yield span


def _steps(events: list[Recorded]) -> Iterator[tuple[str, Span]]:
    """Yield each step with the name of what it is a step of."""
    begun: dict[tuple[str, str], Recorded] = {}
    for one in events:
        event = one.event
        if event.type in BEGINNINGS:
            begun[BEGINNINGS[event.type], _subject(event)] = one
        elif step := getattr(event, "step", "") or ENDS.get(event.type, ""):
            yield _subject(event), _step(step, begun.pop((step, _subject(event)), None), one)


def _step(name: str, begun: Recorded | None, ended: Recorded) -> Span:
    end = parse_rfc3339(ended.at)
    seconds = float(getattr(ended.event, "duration_seconds", 0) or 0)
    start = parse_rfc3339(begun.at) if begun else end - timedelta(seconds=seconds)
    parent = f"{ended.run_id} {_subject(ended.event)}"
    return Span(ended.event_id, parent, name, start, end, _attributes(name, ended.event), _error(ended.event))


def _attributes(step: str, event: Event) -> dict[str, Value]:
    about = {"instance": event.instance, "database": event.database, "backup_id": event.backup_id}
    facts = {name: getattr(event, name, None) for name in FACTS}
    told = {f"vya.{name}": value for name, value in {**about, **facts}.items() if value not in {None, ""}}
    return {"vya.step": step, **told}


def _error(event: Event) -> str:
    """Return why a step is no success; empty when it is one."""
    verdict = getattr(event, "verdict", "pass")
    if verdict != "pass":
        return f"{verdict}: {getattr(event, 'reason', '')}".removesuffix(": ")
    is_failure = event.type in {"failed", "restore_failed", "discovery_failed", "drill_abandoned"}
    return str(getattr(event, "message", "") or getattr(event, "reason", "")) if is_failure else ""


def _subject(event: Event) -> str:
    return "/".join(part for part in (event.instance, event.database) if part) or "catalog"
