"""kill -9 at random moments over the main commands: nothing good is lost, nothing is left after the next run."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.trouble import family, wait_for
from tests.faults import promises
from tests.faults.deeds import DEEDS, ROWS, Deed, prepared
from tests.faults.tracing import environment
from tests.project import Project

SHORT, LONG = 4, 1000
EARLIER = 0.9
OF_A_TOOL = 0.25
"""So often a tool is killed instead of the run, where one is at work."""
WORDS = frozenset({"dump", "receive", "publish", "save", "replace", "discard", "count", "ask"})


@dataclass
class Span:
    """The seconds that a command works after it has opened its first file; kills near the end, or behind, move it."""

    seconds: float = 0.6

    def learn(self, after: float, *, too_late: bool) -> None:
        """Shrink when a kill came too late, and grow when one near the end did not."""
        if too_late:
            self.seconds *= EARLIER
        elif after > EARLIER * self.seconds:
            self.seconds /= EARLIER


@dataclass
class Tally:
    """What a number of kills came to."""

    kills: int = 0
    too_late: int = 0
    by_command: Counter[str] = field(default_factory=Counter)
    by_moment: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        def told(counts: Counter[str]) -> str:
            return ", ".join(f"{name} {number}" for name, number in counts.most_common())

        return (
            f"{self.kills} kills ({told(self.by_command)}; {self.too_late} more came too late); while there ran:"
            f" {told(self.by_moment)}; {len(self.broken)} broken promises"
            + "".join(f"\n  {line}" for line in self.broken)
        )


def test_no_kill_loses_or_falsely_claims_anything(
    tmp_path: Path, kills: int, seed: int, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is followed by a clean run; then what the catalog calls good unpacks, is whole, and nothing is left."""
    project, chance, tally = prepared(tmp_path), random.Random(seed), Tally()
    spans = {deed: Span() for deed in DEEDS}
    wanted = kills or (LONG if long else SHORT)

    while tally.kills < wanted:
        for deed in DEEDS[: wanted - tally.kills]:
            _trial(project, deed, chance, spans[deed], tally)

    tally.broken += _unrestorable(project)
    with capsys.disabled():
        print(f"\nseed {seed}: {tally}")
    assert tally.broken == []


def _trial(project: Project, deed: Deed, chance: random.Random, span: Span, tally: Tally) -> None:
    """Kill a command at a random moment, let the next run come by, and judge; until then nothing looks at the files."""
    deed.prepare(project)
    before, head = promises.good_backups(project), len(project.types())
    words = deed.said(project)
    if deed.is_without_catalog:
        project.lose_catalog()
    after = chance.uniform(0, span.seconds)
    tool, said = _kill(project, words, after, is_tool=chance.random() < OF_A_TOOL)
    found = [*promises.of_processes(project), *_next_run(project, deed)]
    moment = f"{tool} after {_reached(project, head)}"
    found += [*_judged(project, deed, before), *(["a bug's traceback"] if "Traceback" in (said or "") else [])]
    tally.broken += [f"{deed} after {after:.3f} s, at {moment}: {one}" for one in found]
    span.learn(after, too_late=said is None)
    if said is None:
        tally.too_late += 1
        return
    tally.kills += 1
    tally.by_command[str(deed)] += 1
    tally.by_moment[moment] += 1


def _kill(project: Project, words: tuple[str, ...], after: float, *, is_tool: bool) -> tuple[str, str | None]:
    """Kill a run, or a tool of it; return the tool that was at work, and what was said, None when it had ended."""
    process = project.start(*words, **environment(project))
    wait_for(lambda: process.poll() is not None or _is_at_work(project, process.pid))
    time.sleep(after)  # the moment is the point: there is nothing to wait for
    tools = family(process.pid)[1:]
    tool = _name(tools[-1]) if tools else "no tool"
    came = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.kill(tools[-1] if tools and is_tool else process.pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    return tool, said if came else None


def _is_at_work(project: Project, pid: int) -> bool:
    """Say whether a run has more than imported modules: it holds a lock, or has opened the catalog."""
    with contextlib.suppress(OSError):
        opened = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
        return any(path.startswith(f"{project.folder}/catalog") for path in opened)
    return False


def _name(pid: int) -> str:
    """Return what a tool is at: the small program's word, else the program."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        return next((word for word in words if word in WORDS), Path(words[0]).name)
    return "no tool"


def _next_run(project: Project, deed: Deed) -> Iterator[str]:
    """Let the nightly run come by, after a rebuild where the catalog is still lost."""
    runs = [("backup",)]
    if deed.is_without_catalog and not project.catalog.exists():
        runs.insert(0, deed.words)
    for words in runs:
        done = project.run(*words, **environment(project))
        if done.status:
            yield f"{' '.join(words)}, run next, ends with {done.status}: {done.said}"


def _reached(project: Project, head: int) -> str:
    """Return the last event of the run that was killed; the next run's begin with its own `run_started`."""
    events = project.events()[head:]
    own = [event["type"] for event in events if event["run_id"] == events[0]["run_id"]]
    return own[-1] if own and own[-1] != "run_finished" else "its end" if own else "nothing"


def _judged(project: Project, deed: Deed, before: dict[str, dict[str, Any]]) -> Iterator[str]:
    spared = frozenset(promises.given_up(project)) if deed.words[0] == "prune" else frozenset()
    yield from promises.of_good_backups(project, before, spared)
    yield from promises.of_leftovers(project)
    for path in (project.folder / "data").glob("*.db"):
        yield from (f"{path.name} {fault}" for fault in _faults(path))


def _unrestorable(project: Project) -> Iterator[str]:
    """Open each good backup as the database that it is."""
    scratch = project.folder / "restored.db"
    for row in promises.good_backups(project).values():
        scratch.write_bytes(gzip.decompress((project.folder / "backups" / row["path"]).read_bytes()))
        yield from (f"{row['path']} {fault}" for fault in _faults(scratch))


def _faults(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            yield "is damaged"
        elif connection.execute("SELECT count(*) FROM t").fetchall() != [(ROWS,)]:
            yield "lacks rows"
