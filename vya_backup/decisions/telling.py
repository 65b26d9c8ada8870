"""PURE: from what happened in a run to what is told of it: gather is elsewhere, this decides.

| level | when |
| --- | --- |
| SUCCESS | all that was to be done is done |
| WARNING | a run was missed, a database is overdue, shrank or mended, verification is late, a drill could not judge |
| ERROR | a database, an instance, a restore, a drill or a hook failed, or a run was killed |
| CRITICAL | damage, a database without any good backup, a catalog that was not copied, a broken chain |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vya_backup.decisions.fates import Fate, Run, Where, fates_of, is_mended, line_of, name_of
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.metadata import human_size
from vya_backup.decisions.tidings import LEVELS, Concern, Line, highest, plain
from vya_backup.errors import UsageError
from vya_backup.history.watching import CHAIN_FAULTS
from vya_backup.settings.notifications_model import Level

COPY_STEP: Final = "copy of the catalog"
REASONS: Final[Mapping[str, str]] = {
    "space": "disk full",
    "unreachable": "unreachable",
    "login": "login refused",
    "privilege": "privilege missing",
    "tool": "tool missing",
    "timeout": "timed out",
    "interrupted": "interrupted",
    "locked": "already running",
    "damaged": "damaged",
    "missing": "file missing",
    "abandoned": "killed",
    "credentials": "no account",
    "incomplete": "incomplete dump",
    "storage": "cannot be stored",
}
IN_SUBJECT: Final = 3
MISSPELT_STATUS: Final = UsageError.exit_status
"""How a run ends whose command line asks for what there is not; whoever wrote it was told so."""
TOLD_BY_FAILED: Final = frozenset({"before_run", "before_backup"})
"""Moments whose hooks leave an event `failed` too, which has the row of the database, or a concern of its own."""
MAKES: Final = frozenset({"checksummed", "restored", "recovered"})


@dataclass(frozen=True)
class Told:
    """What one run amounts to."""

    level: Level
    headline: str
    what: str
    lines: tuple[Line, ...]
    """Failures first."""
    concerns: tuple[Concern, ...]
    notes: tuple[str, ...]
    current: int
    is_quiet: bool


def told(run: Run) -> Told:
    """Return what a run amounts to."""
    fates = fates_of(run)
    lines = tuple(sorted((line_of(where, fate, run) for where, fate in fates.items()), key=lambda one: not one.is_bad))
    concerns = (*_fatal(run), *_of_fates(fates, run), *_of_events(run), *run.standing)
    cut_off = sum(
        fate.result == "abandoned" for fate in fates.values()
    )  # by an earlier run; fresh all the same, or due
    current = max(0, (run.run.results or {}).get("current", 0) - cut_off)
    level = highest(one.level for one in concerns)
    bad = [(where, fate) for where, fate in fates.items() if fate.result not in {"good", "restored"}]
    whole = len(fates) + current
    is_quiet = not any(one.type in MAKES for one in run.happened)
    return Told(
        level=level,
        headline=_headline(run, fates, bad, concerns, whole),
        what=f"{counted(len(fates), 'database')}, {len(bad):,} failed, {counted(len(concerns), 'concern')}",
        lines=lines,
        concerns=tuple(one for one in concerns if one.what),
        notes=tuple(_notes(run)),
        current=current,
        is_quiet=is_quiet,
    )


def cut_short(broken: str) -> Told:
    """Return what is told of a run that nothing is recorded of: `broken` is what ended it."""
    what = plain(f"the run ended early: {broken}")
    concern = Concern("ERROR", what, "Run it by hand: doit backup. Then: doit health")
    return Told(
        level="ERROR",
        headline=what,
        what="ended before it recorded anything",
        lines=(),
        concerns=(concern,),
        notes=(),
        current=0,
        is_quiet=True,
    )


# ------------------------------------------------------------------ concerns


def _fatal(run: Run) -> Iterable[Concern]:
    """Yield what became of the run itself."""
    if run.killed:
        doing = f" while dumping {_some([name_of(*where) for where in run.in_flight])}" if run.in_flight else ""
        yield Concern("ERROR", f"the run was killed{doing}", "See why: journalctl and dmesg. Then run: doit backup")
    elif run.broken:
        yield Concern("ERROR", plain(f"the run ended early: {run.broken}"), "Run it by hand: doit backup")
    elif run.run.exit_status == 2:
        yield Concern("ERROR", "the run ended with a bug (exit status 2)", "Its traceback is in the log; report it.")
    elif run.run.exit_status in {130, 143}:
        yield Concern("ERROR", f"the run was stopped (exit status {run.run.exit_status})", "Run it again: doit backup")
    elif run.run.exit_status not in {None, 0, MISSPELT_STATUS}:
        yield Concern("ERROR", "")  # what failed is said by itself


def _of_fates(fates: Mapping[Where, Fate], run: Run) -> Iterable[Concern]:
    for where, fate in fates.items():
        name = name_of(*where)
        if fate.result in {"damaged", "missing"}:
            yield Concern("CRITICAL", f"a backup of {name} is {fate.result}: {fate.note}", fate.hint)
        elif fate.result in {"failed", "abandoned"}:
            yield Concern("ERROR", "")  # its row says it
            if where in run.bare:
                yield Concern("CRITICAL", f"{name} has no good backup at all", fate.hint or "Run: doit backup")
        elif is_mended(where, fate, run):
            yield Concern("WARNING", f"{name} is good again after a failure")


def _of_events(run: Run) -> Iterable[Concern]:
    lost = {event.backup_id for event in run.happened if event.type in {"damaged", "missing"}}
    for event in run.happened:
        data, name = event.data, name_of(event.instance, event.database)
        if event.type == "missed":
            yield Concern("WARNING", plain(event.sentence or "a run was missed"), "See: doit status")
        elif event.type == "failed" and not event.instance:
            yield _of_the_run(data)
        elif event.type == "verified" and data.get("verdict") != "pass" and event.backup_id not in lost:
            what = f"verification of {name}: {data.get('verdict')}: {data.get('reason', '')}"
            yield Concern("WARNING", plain(what), f"See: doit verify:{name}")
        elif event.type == "drilled" and data.get("verdict") != "pass":
            level: Level = "ERROR" if data.get("verdict") == "fail" else "WARNING"
            yield Concern(level, plain(f"drill of {name}: {data.get('verdict')}: {data.get('reason', '')}"))
        elif event.type == "hook_ran" and data.get("problem") and data.get("moment") not in TOLD_BY_FAILED:
            yield _of_a_hook(data, name if event.instance else "")
        elif event.type == "recovery_failed":
            yield Concern("ERROR", f"the recovery of {name} is not complete", "Say the same command again.")


def _of_a_hook(data: Mapping[str, Any], name: str) -> Concern:
    what = f"hook {data.get('hook')} ({data.get('moment')}){f' for {name}' if name else ''}: {data['problem']}"
    remedy = f"Run {data.get('program')} by hand, or see its output in the event hook_ran."
    return Concern("ERROR", plain(what), plain(remedy))


def _of_the_run(data: Mapping[str, Any]) -> Concern:
    """Return what a failure of no database means: the copy of the catalog is what brings history back."""
    step, code = str(data.get("step", "")), str(data.get("code", ""))
    message, hint = plain(data.get("message", "")), plain(data.get("hint", ""))
    if step == COPY_STEP or code in CHAIN_FAULTS:
        what = "the hash chain is broken" if code in CHAIN_FAULTS else "the catalog was not copied"
        return Concern("CRITICAL", f"{what}: {message}", hint or "Run: doit audit")
    return Concern("ERROR" if step == "hook" else "WARNING", plain(f"{step} failed: {message}"), hint)


def _notes(run: Run) -> Iterable[str]:
    for event in run.happened:
        if event.type == "accounts_changed":
            words = event.data.get("problem") or ", ".join(event.data.get("words", ()))
            yield plain(f"accounts of {event.instance} changed: {words}")


# ------------------------------------------------------------------ the one line


def _headline(
    run: Run, fates: Mapping[Where, Fate], bad: Sequence[tuple[Where, Fate]], concerns: Sequence[Concern], whole: int
) -> str:
    if run.killed:
        return (
            f"run killed while dumping {_some([name_of(*where) for where in run.in_flight])}"
            if run.in_flight
            else "run killed"
        )
    said = [one for one in concerns if one.what]
    if bad:
        bare = sum(where in run.bare for where, _ in bad)
        named = [f"{_short(where)} ({_reason(fate)})" for where, fate in bad]
        text = f"{len(bad):,} of {counted(max(whole, len(bad)), 'database')} failed: {_some(named)}"
        worse = [one.what for one in _of_events(run) if one.level == "CRITICAL"]
        return "; ".join([text, *([f"{bare:,} without any good backup"] if bare else []), *worse[:1]])
    if said:
        worst = max(said, key=lambda one: LEVELS.index(one.level))
        more = f" and {len(said) - 1:,} more" if len(said) > 1 else ""
        made = f"{counted(len(fates), 'database')} done; " if fates else ""
        return f"{made}{worst.what}{more}"
    if run.run.exit_status:
        return f"the run failed with exit status {run.run.exit_status}"
    return _success(fates, run)


def _success(fates: Mapping[Where, Fate], run: Run) -> str:
    restored = [_short(where) for where, fate in fates.items() if fate.result == "restored"]
    if restored:
        return f"{_some(restored)} restored"
    size = sum(fate.size_bytes or 0 for fate in fates.values())
    current = (run.run.results or {}).get("current", 0)
    rest = f", {current:,} were fresh" if current else ""
    if fates:
        return f"{counted(len(fates), 'database')} backed up, {human_size(size)}{rest}"
    looked = sum(event.type in {"verified", "drilled"} for event in run.happened)
    return f"{counted(looked, 'backup')} verified" if looked else "all is well"


def _reason(fate: Fate) -> str:
    return REASONS.get(fate.code, fate.code.replace("_", " ") or fate.result)


def _short(where: Where) -> str:
    return plain(where[1] or where[0], 40)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name, 60) for name in names[:IN_SUBJECT])
    return shown + (f" and {len(names) - IN_SUBJECT:,} more" if len(names) > IN_SUBJECT else "")
