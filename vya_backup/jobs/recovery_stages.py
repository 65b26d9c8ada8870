"""Bring the databases of a recovery back side by side: tables of all first, then what is built on them, in rounds.

The rule: what failed in one database stops no other, and what stands is in the catalog before anything else is begun.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from vya_backup.decisions.naming import show
from vya_backup.decisions.recovery import Fate, Planned
from vya_backup.engines.stages import Stage
from vya_backup.errors import BackupError, CatalogError, Interrupted, RestoreFailed
from vya_backup.jobs.recovery_plan import Considered
from vya_backup.jobs.restore_plan import Prepared, prepare, second_half
from vya_backup.jobs.restore_steps import Waits
from vya_backup.jobs.restoring import Finished, Restoring, restore
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline
from vya_backup.transport.processes import stop
from vya_backup.transport.threads import side_by_side

_One = TypeVar("_One")
_Made = TypeVar("_Made")
DONE = {Fate.RESTORE: "restored", Fate.FINISH: "restored", Fate.REPLACE: "replaced"}
FAILED, INTERRUPTED = "failed", "interrupted before it stood"


@dataclass(frozen=True)
class Result:
    """What came of one database."""

    database: str
    result: str
    """`restored`, `replaced`, `failed`, or a fate that meant no work."""
    reason: str = ""
    size_bytes: int = 0
    plain_bytes: int = 0
    seconds: float = 0.0
    compared: str = ""


@dataclass(frozen=True)
class Telling:
    """How a recovery tells what it does; it is called from several threads."""

    say: Callable[[str], None]
    working: Callable[[str, int], AbstractContextManager[pipeline.Progress]]
    """Shows one piece of work with the bytes that it is about."""
    ended: Callable[[Result], None]


@dataclass
class _Half:
    """The second stage of one database under way."""

    planned: Planned
    restoring: Restoring
    gates: int = 0
    ended: bool = False
    cause: BackupError | None = None


@dataclass
class Databases:
    """The databases of one recovery on their way."""

    workspace: Workspace
    considered: Considered
    telling: Telling
    results: dict[str, Result] = field(default_factory=dict)
    _prepared: dict[str, Prepared] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bring(self) -> None:
        """Bring back whatever is planned; `results` has every database afterwards.

        Raises:
            CatalogError: nothing could be recorded any more.
        """
        work = self.considered.work
        fresh = [one for one in work if one.fate is Fate.RESTORE]
        self._each(self._first, fresh)
        stand = [one for one in fresh if one.in_stages and one.database not in self.results]
        self._second_halves([one for one in work if one.fate is Fate.FINISH] + stand)
        self._replace([one for one in work if one.fate is Fate.REPLACE])

    # ------------------------------------------------------------------ the first stage, or all at once

    def _first(self, planned: Planned) -> None:
        self._guarded(planned, lambda: self._restore(planned, Stage.TABLES if planned.in_stages else Stage.WHOLE))

    def _restore(self, planned: Planned, stage: Stage) -> None:
        stop.check()
        label = self._label(planned)
        with self.telling.working(label, planned.candidate.plain_bytes) as progress:
            prepared = prepare(self.workspace, self.considered.restoring(planned, stage), progress)
            finished = restore(self.workspace, prepared, lambda purpose: None, progress)
        if stage is Stage.WHOLE:
            self._ok(planned, finished)
            return
        with self._lock:
            self._prepared[planned.database], self._seconds[planned.database] = prepared, finished.seconds
        self.telling.say(f"  ..   {label}: its tables stand, views and routines follow when those of all do")

    # ------------------------------------------------------------------ the second stage, in rounds

    def _second_halves(self, planned: Sequence[Planned]) -> None:
        with ExitStack() as locks:
            halves = [half for half in self._each(self._begun, planned) if half is not None]
            for half in halves:
                locks.push(half.restoring.__exit__)
            self._in_rounds(halves)

    def _begun(self, planned: Planned) -> _Half | None:
        return self._guarded(planned, lambda: self._begin(planned))

    def _begin(self, planned: Planned) -> _Half:
        stop.check()
        first = self._prepared.get(planned.database)
        if first is not None:
            prepared = second_half(first)
        else:
            wish = self.considered.restoring(planned, Stage.PROGRAMS)
            with self.telling.working(self._label(planned), planned.candidate.plain_bytes) as progress:
                prepared = prepare(self.workspace, wish, progress)
        restoring = Restoring(self.workspace, prepared, lambda purpose: None, pipeline.silent)
        return _Half(planned, restoring.__enter__())

    def _in_rounds(self, halves: list[_Half]) -> None:
        """Let those that are behind come to their next gate, again and again, until nothing moves any more."""
        workers = self.considered.wish.workers
        while halves and not stop.requested:
            turn = [half for half in halves if half.gates == min(one.gates for one in halves)]
            if any(self._each(self._advance, turn, workers)):
                workers = self.considered.wish.workers
            elif workers > 1:
                workers = 1  # views that were made at the same time may have missed each other
            else:
                self._each(self._give_up, turn)
            halves = [half for half in halves if not half.ended]
        self._each(self._give_up, halves)

    def _advance(self, half: _Half) -> bool:
        """Go on with one; say whether it moved."""
        try:
            finished = half.restoring.advance(patiently=True)
        except Waits as waiting:
            half.cause = waiting.cause
            return False
        except CatalogError:
            raise
        except BackupError as error:
            half.ended = True
            self._failed(half.planned, error)
            return True
        half.gates += 1
        if finished is not None:
            half.ended = True
            self._ok(half.planned, finished)
        return True

    def _give_up(self, half: _Half) -> None:
        half.ended = True
        cause = Interrupted(INTERRUPTED) if stop.requested else half.cause or RestoreFailed(INTERRUPTED)
        self._failed(half.planned, half.restoring.give_up(cause))

    # ------------------------------------------------------------------ what is there already

    def _replace(self, planned: Sequence[Planned]) -> None:
        """Replace databases by ordinary restores; what failed is tried again as long as others came through."""
        waiting = list(planned)
        while waiting:
            failed = [one for one in self._each(self._replaced, waiting) if one is not None]
            is_over = len(failed) == len(waiting) or stop.requested
            waiting = [] if is_over else [one for one, _error in failed]
            if is_over:
                for one, error in failed:
                    self._failed(one, error)

    def _replaced(self, planned: Planned) -> tuple[Planned, BackupError] | None:
        try:
            self._restore(planned, Stage.WHOLE)
        except CatalogError:
            raise
        except BackupError as error:
            return planned, error
        return None

    # ------------------------------------------------------------------ what all of them do

    def _each(self, work: Callable[[_One], _Made], items: Iterable[_One], workers: int | None = None) -> list[_Made]:
        return side_by_side(work, items, workers or self.considered.wish.workers)

    def _guarded(self, planned: Planned, work: Callable[[], _Made]) -> _Made | None:
        try:
            return work()
        except CatalogError:
            raise
        except BackupError as error:
            self._failed(planned, error)
            return None

    def _ok(self, planned: Planned, finished: Finished) -> None:
        seconds = finished.seconds + self._seconds.get(planned.database, 0.0)
        candidate, compared = planned.candidate, "; ".join(finished.compared[-1:])
        reason = "; ".join(f"warning: {one}" for one in finished.warnings)
        size, plain = candidate.size_bytes, candidate.plain_bytes
        self._end(Result(planned.database, DONE[planned.fate], reason, size, plain, seconds, compared))

    def _failed(self, planned: Planned, error: BackupError) -> None:
        self._end(Result(planned.database, FAILED, str(error)))

    def _end(self, result: Result) -> None:
        with self._lock:
            self.results[result.database] = result
        self.telling.ended(result)

    def _label(self, planned: Planned) -> str:
        return f"{self.considered.target.id}/{show(planned.database)}"
