"""Rehearse a restore: gather the backup, take a ground, restore and compare there, ask, and append what it proves.

The steps are those of a real restore. A pass is appended only when the database was compared with its manifest and
every configured assertion held; what says nothing about the backup is "cannot judge", with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vya_backup import log
from vya_backup.clock import monotonic
from vya_backup.decisions.drills import Verdict, agrees, blame, concerns, over_limit
from vya_backup.decisions.naming import Key
from vya_backup.engines import engine_for
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import RestoreRequest
from vya_backup.errors import BackupError, Interrupted, RestoreFailed, RestoreRefused, TimedOut
from vya_backup.history.event import Event
from vya_backup.history.events import DrillAbandoned, Drilled, DrillStarted
from vya_backup.history.views import BackupRow, backup
from vya_backup.jobs.checking import columns
from vya_backup.jobs.drill_ground import Ground, ground_for, shared_instance
from vya_backup.jobs.facts import process_of
from vya_backup.jobs.restore_acts import Outcome, Say, Surroundings
from vya_backup.jobs.restore_plan import RestoreTarget, loader, request_of
from vya_backup.jobs.restore_source import Source, Wish, choose, examine
from vya_backup.jobs.restore_steps import carry_out
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Assertion
from vya_backup.transport import pipeline
from vya_backup.transport.connections import connect
from vya_backup.transport.limits import Limits
from vya_backup.transport.locks import hold
from vya_backup.transport.stopping import stop

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class DrillOutcome:
    """What a drill came to. Sizes in bytes; `reason` is empty for a pass."""

    key: str
    backup_id: str
    verdict: Verdict
    reason: str
    seconds: float
    rows: int
    plain_bytes: int
    objects: int
    assertions: int
    server: str
    sandbox: str
    differences: tuple[str, ...]


@dataclass
class _Drill:
    """What is known so far, also when it ends early."""

    source: Source | None = None
    ground: Ground | None = None
    begun: bool = False
    """Whether `drill_started` is in the catalog."""
    fed: bool = False
    """Whether a tool has begun to read the dump."""
    asked: int = 0
    outcome: Outcome = field(default_factory=Outcome)


def drill_database(
    workspace: Workspace, row: BackupRow, progress: pipeline.Progress, say: Say = lambda purpose: None
) -> DrillOutcome:
    """Rehearse the restore of one good backup and append `drilled`.

    Raises:
        AlreadyRunning: the same database is being drilled.
        Interrupted: it was stopped, which proves nothing.
    """
    key = Key(row.instance, row.database)
    with log.about(**columns(row)), hold(workspace.state / "locks", f"drill of {key}", f"drill of {key}"):
        began, drill = monotonic(), _Drill()
        try:
            verdict, reason = _tried(workspace, row, drill, progress, say)
        except Interrupted:
            if drill.begun:
                workspace.catalog.append(DrillAbandoned(reason="interrupted", **columns(row)))
            raise
        done = _outcome(row, drill, verdict, reason, monotonic() - began)
        workspace.catalog.append(_event(row, drill, done))
    return done


def _tried(
    workspace: Workspace, row: BackupRow, drill: _Drill, progress: pipeline.Progress, say: Say
) -> tuple[Verdict, str]:
    try:
        _rehearse(workspace, row, drill, progress, say)
    except Interrupted:
        raise
    except BackupError as error:
        stop.check()  # told to stop, the private server ends first, and the question to it fails
        workspace.keep_words(f"drill-{row.backup_id}", error.stderr)
        lost = drill.ground.lost() if drill.ground else ""
        over = over_limit(str(error))
        verdict = blame(error, fed=drill.fed, ground_lost=bool(lost or over))
        return verdict, lost or f"{error}{over}"
    return "pass", ""


def _rehearse(workspace: Workspace, row: BackupRow, drill: _Drill, progress: pipeline.Progress, say: Say) -> None:
    limits = Limits.of_seconds(workspace.configuration.backup.timeout_minutes * SECONDS_PER_MINUTE)
    _begin(workspace, row, drill)
    drill.source = source = examine(workspace, choose(workspace, Wish(backup=row.backup_id)), progress)
    if source.manifest is None:
        raise RestoreRefused("without its sidecar nothing tells what the backup held", "Dump again: doit backup")
    with ground_for(workspace, source, limits) as ground:
        drill.ground = ground
        request = _request(workspace, source, ground)
        carry_out(request, _surroundings(drill, source, ground, limits, progress, say), drill.outcome)
        if not drill.outcome.compared:
            raise RestoreRefused("; ".join(drill.outcome.warnings))
        assertions = [one for one in workspace.configuration.drill.assertions if concerns(one.database, row.key)]
        _ask_all(source, ground, request, assertions, drill)
        if ground.lost():
            raise RestoreRefused(ground.lost())


def _begin(workspace: Workspace, row: BackupRow, drill: _Drill) -> None:
    """Append what keeps the backup from being pruned, decided under the catalog's write lock.

    Raises:
        RestoreRefused: the backup was pruned meanwhile.
    """
    shared = shared_instance(workspace, engine_for(row.engine or ""), row.database)

    def events() -> list[Event]:
        now = backup(workspace.catalog, row.backup_id)
        if now is None or now.state == "pruned":
            raise RestoreRefused(f"backup {row.backup_id} was pruned meanwhile", "Choose another.")
        place = shared.id if shared else ""
        return [DrillStarted(process=process_of(workspace), target_instance=place, **columns(row))]

    workspace.catalog.append_decided(events)
    drill.begun = True


def _request(workspace: Workspace, source: Source, ground: Ground) -> RestoreRequest:
    """Make what is taken for given, on a server of our own, and look at the target as a real restore would.

    Raises:
        RestoreRefused: something stands against it, every finding named.
    """
    engine = source.engine
    client = loader(workspace, engine, ground.server, source)
    # tried before it gets the dump, so that walls that keep the tool itself out are not taken for a fault of the backup
    pipeline.output(ground.confine(Command((str(client.path), "--version"))), engine=engine)
    request = request_of(source, RestoreTarget(ground.access, ground.database, ground.server), client, frozenset())
    with connect(engine, ground.access) as connection:
        for statement in engine.stubs(connection, request) if ground.is_private else ():
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        findings = engine.check_target(connection, request)
    blockers = [finding.message for finding in findings if finding.blocks]
    if blockers:
        raise RestoreRefused("; ".join(blockers))
    return request


def _surroundings(
    drill: _Drill, source: Source, ground: Ground, limits: Limits, progress: pipeline.Progress, say: Say
) -> Surroundings:
    def confine(command: Command) -> Command:
        drill.fed = True
        return ground.confine(command)

    assert source.manifest is not None  # noqa: S101  the caller has looked
    return Surroundings(
        engine=source.engine,
        access=ground.access,
        server=ground.server,
        source=source,
        manifest=source.manifest,
        limits=limits,
        progress=progress,
        say=say,
        confine=confine,
        count=ground.count,
    )


def _ask_all(
    source: Source, ground: Ground, request: RestoreRequest, assertions: Sequence[Assertion], drill: _Drill
) -> None:
    """Ask every question; all wrong answers are told together.

    Raises:
        RestoreFailed: an answer is not the expected one, or a question cannot be asked.
    """
    wrong = []
    for assertion in assertions:
        try:
            answer = _answer(source, ground, request.database, assertion.sql)
        except (Interrupted, TimedOut):
            raise
        except BackupError as error:
            wrong.append(f"{assertion.sql!r} cannot be asked: {error.message}")
            continue
        if agrees(answer, assertion.expect):
            drill.asked += 1
        else:
            wrong.append(f"{assertion.sql!r} gives {answer!r} instead of {assertion.expect!r}")
    if wrong:
        raise RestoreFailed(f"the restored copy is not what drill.assertions say: {'; '.join(wrong)}")


def _answer(source: Source, ground: Ground, database: str, sql: str) -> Any:
    if ground.answer is not None:
        return json.loads(ground.answer(sql))
    with connect(source.engine, ground.access, database) as connection:
        for statement in source.engine.before_assertions():
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        return connection.exec_driver_sql(sql, execution_options={"no_parameters": True}).scalar()


def _outcome(row: BackupRow, drill: _Drill, verdict: Verdict, reason: str, seconds: float) -> DrillOutcome:
    manifest = drill.source.manifest if drill.source else None
    return DrillOutcome(
        key=row.key,
        backup_id=row.backup_id,
        verdict=verdict,
        reason=reason,
        seconds=seconds,
        rows=manifest.total_rows() if manifest else 0,
        plain_bytes=drill.source.plain_bytes if drill.source else 0,
        objects=sum(len(names) for names in manifest.objects.values()) if manifest else 0,
        assertions=drill.asked,
        server=drill.ground.server.banner if drill.ground else "",
        sandbox=drill.ground.walls if drill.ground else "",
        differences=tuple(drill.outcome.differences),
    )


def _event(row: BackupRow, drill: _Drill, done: DrillOutcome) -> Drilled:
    ground = drill.ground
    return Drilled(
        instance=row.instance,
        database=row.database,
        backup_id=row.backup_id,
        verdict=done.verdict,
        reason=done.reason,
        duration_seconds=done.seconds,
        target_instance=ground.access.instance.id if ground else "",
        target_database=ground.database if ground else "",
        rows=done.rows,
        size_bytes=row.size_bytes or 0,
        plain_bytes=done.plain_bytes,
        objects=done.objects,
        assertions=done.assertions,
        differences=done.differences,
        compared=tuple(drill.outcome.compared),
        server=done.server,
        sandbox=done.sandbox,
    )
