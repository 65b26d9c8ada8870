"""What one step of a restore does: statements, loads, tools, questions and comparisons, on given surroundings.

When and in what order they happen, and what is taken back, is the business of `restore_steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from vya_backup.decisions.manifest import Manifest, counted, differences
from vya_backup.engines.answers import Server
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access, Engine
from vya_backup.engines.stages import Gate
from vya_backup.engines.steps import Ask, Compare, Load, PointOfNoReturn, Run, Sql, Step
from vya_backup.errors import RestoreFailed
from vya_backup.jobs.restore_source import Source
from vya_backup.transport import pipeline
from vya_backup.transport.compression import of_path
from vya_backup.transport.connections import connect
from vya_backup.transport.limits import Limits
from vya_backup.transport.processes import stop

Say = Callable[[str], None]


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


def act(step: Step, around: Surroundings, outcome: Outcome) -> Any:
    """Do what a step says, and return the answer of one that asks.

    Raises:
        BackupError: it failed.
    """
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
