"""Carry out an engine's restore, step by step, and take it back when a step fails.

The engine describes, this module acts. Until the point of no return every step done can be taken back, last first;
where that fails too, or an answer is lost, the server is looked at and put right as after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from vya_backup.decisions.manifest import Manifest, counted, differences
from vya_backup.engines.answers import Server
from vya_backup.engines.contract import (
    Access,
    Ask,
    Command,
    Compare,
    Engine,
    Load,
    PointOfNoReturn,
    RestoreRequest,
    Run,
    Sql,
    Step,
)
from vya_backup.engines.stages import Gate
from vya_backup.errors import (
    BackupError,
    DumpDisturbed,
    Interrupted,
    RestoreFailed,
    ServerUnreachable,
    TimedOut,
)
from vya_backup.jobs.restore_source import Source
from vya_backup.transport import pipeline
from vya_backup.transport.compression import of_path
from vya_backup.transport.connections import connect
from vya_backup.transport.limits import Limits
from vya_backup.transport.processes import stop

Say = Callable[[str], None]


LOST = (DumpDisturbed, ServerUnreachable, TimedOut)
"""After these nobody knows whether the server has carried out what it was sent."""


def as_it_is(command: Command) -> Command:
    """Run a tool as this process would run any other."""
    return command


@dataclass(frozen=True)
class Mended:
    """What was done to put a restore right, and what is left for a person."""

    done: tuple[str, ...]
    left: str


@dataclass(frozen=True)
class Surroundings:
    """What the steps act on."""

    engine: Engine
    access: Access
    server: Server
    source: Source
    manifest: Manifest
    limits: Limits
    progress: pipeline.Progress
    say: Say
    """Is told the purpose of each step as it begins."""
    confine: Callable[[Command], Command] = as_it_is
    """Puts every tool that meets the dump behind the walls of a drill."""
    count: Callable[[str], Manifest] | None = None
    """Counts a restored database in the place of a connection, where this process must not open it itself."""
    put_right: Callable[[], Mended] | None = None
    """Looks at what there is, and goes on from there: for an answer that was lost, or an undo that failed."""


@dataclass
class Outcome:
    """What a restore came to."""

    compared: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    uncleaned: list[str] = field(default_factory=list)
    """Cleaning up that failed after the point of no return; a later run tries again."""
    mended: tuple[str, ...] = ()
    """What was done instead of taking back, since nobody knows whether the last statement was carried out."""
    left: str = ""
    """What could not be taken back after a failure, with the statements to do it by hand; else empty."""


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
            return
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
        return _act(step, around, outcome)
    except BackupError as error:
        if not getattr(step, "may_fail", False):
            raise
        outcome.warnings.append(f"{step.purpose}: {error}")
        outcome.uncleaned.append(step.purpose)
        return None


def _act(step: Step, around: Surroundings, outcome: Outcome) -> Any:
    match step:
        case Sql():
            return execute(step, around.engine, around.access)
        case Load():
            return _load(step, around)
        case Run():
            return pipeline.run(around.confine(step.command), engine=around.engine, limits=around.limits)
        case Ask():
            return ask(step, around.engine, around.access)
        case Compare():
            return _compare(step, around, outcome)
        case PointOfNoReturn() | Gate():
            return None


def execute(step: Sql, engine: Engine, access: Access) -> None:
    """Run the statements of a step on a connection of its own; one that was sent is not left alone at a stop."""
    with stop.shielded(), connect(engine, access, step.database) as connection:
        statements = ("BEGIN", *step.statements, "COMMIT") if step.transaction else step.statements
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def ask(step: Ask, engine: Engine, access: Access) -> Any:
    """Return the answer to a step's question."""
    with connect(engine, access, step.database) as connection:
        return step.question(connection)


def _load(step: Load, around: Surroundings) -> None:
    spans = tuple(span for span in around.manifest.parts if span.name in step.parts)
    if step.parts and not spans:
        return
    pipeline.load(
        around.source.store.path(around.source.path),
        of_path(around.source.path),
        around.confine(step.command),
        spans=spans,
        edit=step.edit,
        engine=around.engine,
        limits=around.limits,
        progress=around.progress,
    )


def _compare(step: Compare, around: Surroundings, outcome: Outcome) -> None:
    if around.source.manifest is None:
        outcome.warnings.append(f"{step.purpose}: not done, since no sidecar tells what the dump held")
        return
    found = _counted(step.database, around)
    expected = around.manifest
    if step.kinds:
        expected, found = _only(expected, step.kinds), _only(found, step.kinds)
    if not step.rows:
        expected = replace(expected, rows={}, sequences={})
    outcome.differences = differences(expected, found)
    if outcome.differences:
        first = "; ".join(outcome.differences[:3])
        more = f"; and {len(outcome.differences) - 3} more" if len(outcome.differences) > 3 else ""
        raise RestoreFailed(f"the restored database differs from its dump: {first}{more}")
    objects = sum(len(names) for names in expected.objects.values())
    rows, tables = expected.total_rows(), len(expected.rows)
    told = f"{counted(objects, 'object')} and {counted(rows, 'row')} in {counted(tables, 'table')}"
    outcome.compared.append(told if expected.rows_exact else f"{told} (row counts are approximate and were not judged)")


def _counted(database: str, around: Surroundings) -> Manifest:
    if around.count is not None:
        return around.count(database)
    with connect(around.engine, around.access, database) as connection:
        return around.engine.count(connection, around.server, database)


def _only(manifest: Manifest, kinds: tuple[str, ...]) -> Manifest:
    return replace(manifest, objects={kind: names for kind, names in manifest.objects.items() if kind in kinds})


def _take_back(done: list[Step], around: Surroundings, outcome: Outcome) -> None:
    """Run the undos. After one that failed the others go on only where nothing else can put the rest right.

    Those others could remove what is still needed, such as the notes beside tables that could not be swapped back.
    """
    failed: list[str] = []
    for undo in _undos(done):
        around.say(f"taking back: {undo.purpose}")
        try:
            _act(undo, around, outcome)
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
