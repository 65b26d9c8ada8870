"""What a run shows while it works: live lines on a terminal, one plain line per result elsewhere.

Workers report from their own threads; everything that prints goes through one lock or through rich's own.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from vya_backup.clock import monotonic
from vya_backup.log.heard import while_heard
from vya_backup.outlook.figures import human_duration, human_size, human_speed, progress, shortened
from vya_backup.outlook.fitting import fitted
from vya_backup.redaction import scrub

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

Progress = Callable[[int, int], None]
MARKS = {"ok": "ok  ", "failed": "FAIL", "unjudged": "??  ", "current": "--  ", "skipped": "skip", "later": "--  "}
TOLD = frozenset({"ok", "failed", "unjudged"})
LABEL = 30  # columns of a live line's name; the figures beside it need the rest of eighty
CURRENT_SHOWN = 20  # so many up-to-date databases are listed; more are counted


@dataclass(frozen=True)
class Result:
    """What came of one database."""

    label: str
    verdict: str
    """`ok`, `failed`, `unjudged`, `current`, `skipped`, or `later`, which is only counted."""
    note: str = ""
    size_bytes: int = 0
    plain_bytes: int = 0
    seconds: float = 0.0


@dataclass
class Screen:
    """The terminal or log of one run."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    results: list[Result] = field(default_factory=list)
    quiet: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._labels: set[str] = set()
        self._verdicts: Counter[str] = Counter()
        self._bars: Bars | None = None
        self.is_terminal = self.out.isatty()

    def line(self, text: str) -> None:
        """Print one line, above the live ones; once nobody can read it any more, the work goes on without words."""
        with self._lock, while_heard(self.out):
            if self.is_terminal:
                self._console.print(fitted(scrub(text), self.out), markup=False, highlight=False, soft_wrap=True)
            else:
                self.out.write(f"{scrub(text)}\n")
                self.out.flush()

    def result(self, result: Result) -> None:
        """Note what came of a database; up-to-date ones are only counted at the end when they are many."""
        with self._lock:
            self.results.append(result)
            self._labels.add(result.label)
            self._verdicts[result.verdict] += 1
            is_one_of_many = self._verdicts["current"] > CURRENT_SHOWN
        is_counted_only = result.verdict == "current" and (self.quiet or is_one_of_many)
        if is_counted_only or result.verdict == "later":
            return
        note = result.note.removeprefix(f"{result.label} ").removeprefix(f"{result.label}: ")
        self.line(f"{MARKS[result.verdict]} {result.label}  {note}".rstrip())

    def has_told_of(self, label: str) -> bool:
        """Say whether there is a result of this name already."""
        with self._lock:
            return label in self._labels

    @contextmanager
    def working(self, label: str, estimate: int) -> Iterator[Progress]:
        """Show one live line with bytes, speed and time to go while the block runs; `estimate` is in plain bytes."""
        if not self.is_terminal:
            yield _unseen
            return
        bars = self._live()
        task = bars.add_task(shortened(label, LABEL), total=estimate or None, told="")
        began = monotonic()

        def seen(plain: int, stored: int) -> None:
            bars.update(task, completed=plain, told=progress(plain, estimate, monotonic() - began))

        try:
            yield seen
        finally:
            bars.remove_task(task)

    def close(self) -> None:
        """Take the live lines away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def summary(self) -> None:
        """Print the final table of what was done, and one line of counts."""
        self.close()
        done = [r for r in self.results if r.verdict in TOLD]
        if len(done) > 1 and any(r.size_bytes for r in done):
            with self._lock, while_heard(self.out):
                self._console.print(_table(done))
        if self.results:
            self.line(_counts(self._verdicts))

    @property
    def _console(self) -> Console:
        return self._bars.console if self._bars is not None else _console(self.out)

    def _live(self) -> Bars:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as Bars

        with self._lock:
            if self._bars is None:
                name, told = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[told]}")
                columns = (SpinnerColumn(), name, BarColumn(bar_width=8), told)
                self._bars = Bars(*columns, console=_console(self.out), transient=True)
                self._bars.start()
            return self._bars


def _unseen(plain_bytes: int, stored_bytes: int) -> None:
    """Nobody looks at a bar in a log."""


def _console(out: TextIO) -> Console:
    from rich.console import Console

    return Console(file=out, emoji=False)


def _table(results: list[Result]) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name, justify in (("database", "left"), ("result", "left"), ("size", "right"), ("time", "right")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    table.add_column("speed", justify="right")
    for r in results:
        speed = human_speed(r.plain_bytes, r.seconds) if r.plain_bytes else "-"
        size = human_size(r.size_bytes) if r.size_bytes else "-"
        table.add_row(r.label, r.verdict, size, human_duration(r.seconds), speed)
    return table


def _counts(verdicts: Counter[str]) -> str:
    words = {"ok": "done", "failed": "failed", "unjudged": "not judged", "current": "up to date"}
    words |= {"skipped": "not started", "later": "left for the next time"}
    return ", ".join(f"{verdicts[verdict]:,} {word}" for verdict, word in words.items() if verdicts[verdict])
