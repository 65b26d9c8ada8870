"""What the recover tasks do: the plan on the screen, the question, the job, and what came of each database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from doit.exceptions import TaskFailed

from vya_backup.command_line.asking import demand_name
from vya_backup.command_line.session import Session, current
from vya_backup.decisions.naming import USERS, database_of_task, show
from vya_backup.decisions.recovery import Fate
from vya_backup.errors import BackupError, UsageError
from vya_backup.jobs import recovery_stages
from vya_backup.jobs.recovery import BAD, recover
from vya_backup.jobs.recovery_plan import Considered, RecoveryWish, consider
from vya_backup.jobs.recovery_stages import Telling
from vya_backup.jobs.restore_source import instant
from vya_backup.outlook.figures import human_duration, human_speed
from vya_backup.outlook.recovery_tables import header_lines, plan_lines
from vya_backup.outlook.screen import Result
from vya_backup.transport.processes import stop

SILENT = TaskFailed("told on the screen", report=False)
UNTOUCHED = {str(Fate.DONE): "current", str(Fate.EXCLUDED): "skipped"}


def recover_instance(task: str, instance: str) -> TaskFailed | None:
    """Recover the instance that a task names, or show what that would do."""
    session = current()
    if session is None:
        raise RuntimeError("a task of this project runs only inside `doit run`")
    try:
        return _recover(session, _wish(session, instance, session.options(task)), session.options(task))
    except BackupError as error:
        session.screen.result(Result(instance or task, "failed", str(error)))
        return SILENT


def _recover(session: Session, wish: RecoveryWish, options: Mapping[str, Any]) -> TaskFailed | None:
    screen, workspace = session.screen, session.workspace
    considered = consider(workspace, wish)
    is_dry_run = bool(options.get("dry_run"))
    lines = plan_lines(considered, workspace) if is_dry_run else header_lines(considered, workspace)
    for line in lines:
        screen.line(line)
    if is_dry_run:
        return None
    _ask(considered, options)
    target = considered.target.id
    said = Telling(
        say=screen.line,
        working=screen.working,
        ended=lambda result: screen.result(_result(target, result)),
    )
    ended = recover(workspace, considered, said)
    screen.close()
    words = "stands again" if ended.ok else "is not complete; the same command goes on from here"
    screen.line(f"{considered.source.id} on {target} {words} ({human_duration(ended.seconds)})")
    return None if ended.ok else SILENT


def _wish(session: Session, instance: str, options: Mapping[str, Any]) -> RecoveryWish:
    target = str(options.get("target_instance") or "")
    if not instance:
        raise UsageError("no instance is named", "Say: doit recover:INSTANCE --target-instance NEW")
    if not target:
        raise UsageError(
            "no target is named, so nothing was touched",
            f"Say: doit recover:{instance} --target-instance NEW "
            f"({instance} itself, where its server was set up anew at the same address)",
        )
    when, without = str(options.get("at") or ""), str(options.get("exclude_database") or "")
    workers = int(options.get("workers") or 0)
    return RecoveryWish(
        source=instance,
        target=target,
        at=instant(session.workspace, when) if when else None,
        latest=bool(options.get("latest")),
        force=bool(options.get("force")),
        exclude=tuple(database_of_task(name.strip()) for name in without.split(",") if name.strip()),
        workers=workers if workers > 0 else session.workspace.configuration.backup.parallel,
    )


def _ask(considered: Considered, options: Mapping[str, Any]) -> None:
    """On a terminal, replacing something needs an answer that names the target."""
    replaced = [show(one.database) for one in considered.work if one.fate is Fate.REPLACE]
    if replaced and not options.get("yes"):
        target = considered.target.id
        demand_name(f"replaces {', '.join(replaced)} on {target} ({considered.server})", [target])


def _result(target: str, result: recovery_stages.Result) -> Result:
    label = f"{target}/{show(result.database)}"
    if result.result in BAD:
        is_interrupted = bool(stop.requested) and result.reason == recovery_stages.INTERRUPTED
        words = result.reason if result.result == recovery_stages.FAILED else f"{result.result}: {result.reason}"
        return Result(label, "skipped" if is_interrupted else "failed", words)
    if result.result in UNTOUCHED:
        return Result(label, UNTOUCHED[result.result], f"{result.result}: {result.reason}")
    shown = Result(label, "ok", "", result.size_bytes, result.plain_bytes, result.seconds)
    if result.database == USERS:
        return replace(shown, note=result.reason)
    lines = [f"{result.result} in {human_duration(result.seconds)}, {human_speed(result.plain_bytes, result.seconds)}"]
    lines += [f"       equal to its dump: {result.compared}"] if result.compared else []
    lines += [f"       {result.reason}"] if result.reason else []
    return replace(shown, note="\n".join(lines))
