"""Carry out an engine's restore, step by step, and take it back when a step fails.

The engine describes, `restore_acts` does, this module keeps the course. Until the point of no return every step done
can be taken back, last first; where that fails too, or an answer is lost, the server is looked at and put right as
after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.stages import Gate
from vya_backup.engines.steps import Ask, PointOfNoReturn, Sql, Step
from vya_backup.errors import BackupError, DumpDisturbed, Interrupted, ServerUnreachable, TimedOut
from vya_backup.jobs.restore_acts import Mended, Outcome, Surroundings, act
from vya_backup.transport.processes import stop

LOST = (DumpDisturbed, ServerUnreachable, TimedOut)
"""After these nobody knows whether the server has carried out what it was sent."""


def carry_out(request: RestoreRequest, around: Surroundings, outcome: Outcome) -> None:
    """Run the engine's steps; `outcome` is filled on the way, so that it also tells of a failure.

    Raises:
        BackupError: a step failed; what could be taken back was.
    """
    undertaking = Undertaking(request, around, outcome)
    while not undertaking.advance():
        pass


class Waits(Exception):
    """A step failed that may succeed once other databases have come further; it is tried again by `advance`."""

    def __init__(self, cause: BackupError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Undertaking:
    """The steps of one restore, which stop at gates so that others can catch up."""

    def __init__(self, request: RestoreRequest, around: Surroundings, outcome: Outcome) -> None:
        self._around, self._outcome = around, outcome
        self._steps = around.engine.restore(request)
        self._done: list[Step] = []
        self._answer: Any = None
        self._held: Step | None = None
        self._stands = False
        """Whether the restored database is the live one, so that no failure makes the restore one that failed."""

    def advance(self, *, patiently: bool = False) -> bool:
        """Run steps up to the next gate, or to the end, which is told by True.

        Raises:
            Waits: with `patiently`, a patient step failed; the next call tries it again.
            BackupError: a step failed; what could be taken back was.
        """
        step: Step | Gate | None = None
        try:
            while True:
                step, self._held = self._held or self._steps.send(self._answer), None
                self._answer = None
                if isinstance(step, Gate):
                    return False
                self._run(step, patiently=patiently)
        except StopIteration:
            _demand_comparison(self._outcome)
            return True
        except Waits:
            raise
        except BackupError as error:
            if self._stands and step is not None:
                self._steps.close()  # what comes behind may rely on what could not be done or asked
                _leave(step, error, self._outcome)
                return True
            self._give_up(error, step)
            raise
        except BaseException as error:
            self._give_up(error, step)
            raise

    def _give_up(self, error: BaseException, step: Step | Gate | None) -> None:
        """Take back what was done; after a lost answer look at what there is, since nobody knows what was done."""
        mend = self._around.put_right
        if not (mend and isinstance(error, LOST) and isinstance(step, Sql)):
            self.take_back()
            return
        self._steps.close()
        with stop.shielded():
            _put_right(mend, [*self._done, step], self._outcome)
        self._done = []

    def take_back(self) -> None:
        """Take back what was done since the last point of no return, last first."""
        self._steps.close()
        with stop.shielded():
            _take_back(self._done, self._around, self._outcome)
        self._done = []

    def _run(self, step: Step, *, patiently: bool) -> None:
        if isinstance(step, PointOfNoReturn):
            self._done.clear()
            self._stands = True
            return
        if not self._stands:
            stop.check()
        if getattr(step, "told", not isinstance(step, Ask | Gate)):
            self._around.say(step.purpose)
        if not _is_atomic(step) and step not in self._done[-1:]:
            self._done.append(step)  # it may fail half way
        try:
            self._answer = _tolerated(step, self._around, self._outcome)
        except BackupError as error:
            if not (patiently and getattr(step, "patient", False)) or isinstance(error, Interrupted):
                raise
            self._held = step
            raise Waits(error) from error
        if _is_atomic(step):
            self._done.append(step)


def _is_atomic(step: Step) -> bool:
    """Say whether a step happens as a whole or not at all, so that a failure leaves nothing to take back."""
    return isinstance(step, Sql) and (step.transaction or len(step.statements) == 1)


def _demand_comparison(outcome: Outcome) -> None:
    """No engine may end a restore without having compared anything."""
    if not outcome.compared and not outcome.warnings:
        raise RuntimeError("the engine's restore ended without a comparison")


def _tolerated(step: Step, around: Surroundings, outcome: Outcome) -> Any:
    try:
        return act(step, around, outcome)
    except BackupError as error:
        if not getattr(step, "may_fail", False):
            raise
        _leave(step, error, outcome)
        return None


def _leave(step: Step | Gate, error: BackupError, outcome: Outcome) -> None:
    """Note what was not cleaned up behind a restored database; a later run tries again."""
    outcome.warnings.append(f"{step.purpose}: {error}")
    outcome.uncleaned.append(step.purpose)


def _take_back(done: list[Step], around: Surroundings, outcome: Outcome) -> None:
    """Run the undos. After one that failed the others go on only where nothing else can put the rest right.

    Those others could remove what is still needed, such as the notes beside tables that could not be swapped back.
    """
    failed: list[str] = []
    for undo in _undos(done):
        around.say(f"taking back: {undo.purpose}")
        try:
            act(undo, around, outcome)
        except BackupError as error:
            if around.put_right:
                return _put_right(around.put_right, done, outcome)
            failed.append(f"{undo.purpose} ({error.message}): {_by_hand(undo)}")
    outcome.left = "\n".join(failed)
    return None


def _put_right(mend: Callable[[], Mended], done: list[Step], outcome: Outcome) -> None:
    try:
        mended = mend()
    except BackupError as error:
        by_hand = "\n".join(f"{undo.purpose}: {_by_hand(undo)}" for undo in _undos(done))
        outcome.left = (
            f"not put right yet ({error.message}), and the next run of anything tries again; else:\n{by_hand}"
        )
    else:
        outcome.mended, outcome.left = mended.done, mended.left


def _undos(done: list[Step]) -> list[Step]:
    return [undo for step in reversed(done) for undo in getattr(step, "undo", ())]


def _by_hand(step: Step) -> str:
    return "; ".join(step.statements) if isinstance(step, Sql) else step.purpose
