"""PURE: what became of each database in a run; of several words about it the last one counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vya_backup.decisions.naming import Key
from vya_backup.decisions.tidings import Concern, Line, plain
from vya_backup.history.notices import Happening, ToldRun

Where = tuple[str, str]
"""Instance and database; the latter is empty for what concerns the instance alone."""


@dataclass(frozen=True)
class Before:
    """The good backup before: stored bytes, seconds of its dump; `was_failing` when something failed after it."""

    size_bytes: int | None = None
    seconds: float | None = None
    was_failing: bool = False


@dataclass(frozen=True)
class Run:
    """A run and what happened in it, as the catalog has it. `broken` is what ended it before its end."""

    run: ToldRun
    happened: Sequence[Happening] = ()
    before: Mapping[Where, Before] = field(default_factory=dict)
    bare: frozenset[Where] = frozenset()
    """Databases that have no good backup at all."""
    killed: bool = False
    in_flight: tuple[Where, ...] = ()
    """Databases whose dump was going on when it was killed."""
    broken: str = ""
    standing: tuple[Concern, ...] = ()
    """What the state of everything demands, whatever this run did."""


@dataclass
class Fate:
    """What became of one database; the last word counts."""

    result: str = ""
    note: str = ""
    hint: str = ""
    code: str = ""
    size_bytes: int | None = None
    seconds: float | None = None
    failed_before: bool = False


def fates_of(run: Run) -> dict[Where, Fate]:
    """Return what became of each database that the run was about."""
    fates: dict[Where, Fate] = {}
    for event in run.happened:
        if event.instance and event.type in _FATES:
            fate = fates.setdefault((event.instance, event.database or ""), Fate())
            _FATES[event.type](fate, event.data)
    for where in run.in_flight:
        fate = fates.setdefault(where, Fate())
        fate.result, fate.code, fate.note = "abandoned", "abandoned", "its dump was going on when the run was killed"
        fate.hint = "Run: doit backup, which puts it right and makes it again."
    return {where: fate for where, fate in fates.items() if fate.result}


def _dumped(fate: Fate, data: Mapping[str, Any]) -> None:
    fate.size_bytes, fate.seconds = data.get("size_bytes"), data.get("duration_seconds")


def _checksummed(fate: Fate, data: Mapping[str, Any]) -> None:
    fate.failed_before |= fate.result not in {"", "good"}
    fate.result, fate.note, fate.hint, fate.code = "good", "", "", ""
    fate.size_bytes = data.get("size_bytes", fate.size_bytes)


def _failed(fate: Fate, data: Mapping[str, Any]) -> None:
    code = str(data.get("code", ""))
    fate.result, fate.code = "failed", code
    fate.note, fate.hint = plain(data.get("message", "")), plain(data.get("hint", ""))


def _lost(result: str, hint: str) -> Any:
    def lose(fate: Fate, data: Mapping[str, Any]) -> None:
        fate.result = fate.code = result
        fate.note = plain(data.get("reason") or data.get("path") or "")
        fate.hint = hint

    return lose


def _restored(fate: Fate, data: Mapping[str, Any]) -> None:
    fate.result = "restored"
    fate.note = plain(f"to {data.get('target_instance')}/{data.get('target_database')}")
    fate.seconds = data.get("duration_seconds")


_FATES: Final[Mapping[str, Any]] = {
    "dumped": _dumped,
    "checksummed": _checksummed,
    "failed": _failed,
    "discovery_failed": _failed,
    "restore_failed": _failed,
    "restored": _restored,
    "abandoned": _lost("abandoned", "Run: doit backup, with --force where an older good one is still fresh."),
    "damaged": _lost("damaged", "Bring the file back and run: doit verify; or make a new one: doit backup --force"),
    "missing": _lost("missing", "Bring the file back and run: doit verify; or make a new one: doit backup --force"),
}


def line_of(where: Where, fate: Fate, run: Run) -> Line:
    """Return its row."""
    before = run.before.get(where, Before())
    note = "good again after a failure" if is_mended(where, fate, run) else fate.note
    is_backup = fate.result == "good"
    return Line(
        name=name_of(*where),
        result=fate.result,
        note=note,
        hint=fate.hint,
        size_bytes=fate.size_bytes if is_backup else None,
        before_bytes=before.size_bytes,
        seconds=fate.seconds if fate.result in {"good", "restored"} else None,
        before_seconds=before.seconds,
    )


def is_mended(where: Where, fate: Fate, run: Run) -> bool:
    """Say whether it is good again after a failure."""
    return fate.result == "good" and (fate.failed_before or run.before.get(where, Before()).was_failing)


def name_of(instance: str | None, database: str | None) -> str:
    """Return `INSTANCE/DATABASE` as it is shown, or the instance alone."""
    return plain(Key(instance or "", database)) if database else plain(instance or "")
