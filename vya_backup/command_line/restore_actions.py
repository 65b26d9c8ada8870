"""What the restore tasks do: the wish out of the options, what will happen on the screen, the question, the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from doit.exceptions import TaskFailed

from vya_backup.command_line import account_actions
from vya_backup.command_line.asking import demand_name, question
from vya_backup.command_line.session import Session, current
from vya_backup.decisions.naming import Key, database_of_task
from vya_backup.errors import BackupError, RestoreRefused, UsageError
from vya_backup.history.views import RestorableRow
from vya_backup.jobs.restore_plan import Prepared, describe, prepare
from vya_backup.jobs.restore_source import Wish, instant, restorable_rows
from vya_backup.jobs.restoring import Finished, restore
from vya_backup.outlook.figures import human_duration, human_size, human_speed, local_time
from vya_backup.outlook.screen import Result
from vya_backup.outlook.tables import restorable_lines

WORDS = {"drop_slots": "drop-slots"}
ONE_OF = (("at", "datetime", "backup", "file", "interactive"), ("to", "target_database"))
"""Options of which only one can be meant."""
SILENT = TaskFailed("told on the screen", report=False)


def restore_named(task: str, key: Key | None) -> TaskFailed | None:
    """Restore what a task names, or what the options of the bare group name; without a name list what there is."""
    session = current()
    if session is None:
        raise RuntimeError("a task of this project runs only inside `doit run`")
    options = session.options(task)
    try:
        key = key or _named_by_options(options)
        if options.get("list"):
            _list(session, key, options)
            return None
        if key is None and not options.get("file"):
            _list(session, None, options)
            raise UsageError("no database is named, so nothing was restored", "Say: doit restore:INSTANCE/DATABASE")
        return _restore(session, task, _wish(session, key, options), options)
    except BackupError as error:
        session.screen.result(Result(str(key or options.get("file") or "restore"), "failed", str(error)))
        return SILENT


def _restore(session: Session, task: str, wish: Wish, options: Mapping[str, Any]) -> TaskFailed | None:
    screen, workspace = session.screen, session.workspace
    if options.get("interactive"):
        wish = _picked(session, wish)
    if account_actions.means_accounts(workspace, wish):
        return account_actions.restore(session, wish, options)
    account_actions.demand_no_accounts(options)
    with screen.working(f"{wish.key or wish.file} (checking the backup)", 0) as progress:
        prepared = prepare(workspace, wish, progress)
    screen.close()
    for line in describe(prepared, workspace):
        screen.line(line)
    if options.get("dry_run"):
        screen.line("dry run: every check passed, nothing was touched")
        return None
    _ask(prepared, options)
    with screen.working(prepared.target_key, prepared.source.plain_bytes) as progress:
        finished = restore(workspace, prepared, lambda purpose: screen.line(f"  ..   {purpose}"), progress)
    screen.result(_result(finished))
    return None


def _wish(session: Session, key: Key | None, options: Mapping[str, Any]) -> Wish:
    for alternatives in ONE_OF:
        said = [f"--{name.replace('_', '-')}" for name in alternatives if options.get(name)]
        if said[1:]:
            raise UsageError(
                f"{said[0]} and {said[1]} cannot be combined", "Each of them chooses: say the one you mean."
            )
    when = str(options.get("at") or options.get("datetime") or "")
    return Wish(
        key=key,
        at=instant(session.workspace, when) if when else None,
        latest=bool(options.get("latest")),
        backup=str(options.get("backup") or ""),
        file=Path(str(options["file"])) if options.get("file") else None,
        to=str(options.get("to") or options.get("target_database") or ""),
        target_instance=str(options.get("target_instance") or ""),
        force=bool(options.get("force")),
        words=frozenset(word for name, word in WORDS.items() if options.get(name)),
    )


def _named_by_options(options: Mapping[str, Any]) -> Key | None:
    instance, database = options.get("instance"), options.get("database")
    if database and not instance:
        raise UsageError(f"--database {database} needs --instance", "Or say: doit restore:DATABASE")
    if not (instance and database):
        return None
    return Key(str(instance), database_of_task(str(database)))


def _list(session: Session, key: Key | None, options: Mapping[str, Any]) -> None:
    instance = key.instance if key else str(options.get("instance") or "")
    lines = restorable_lines(
        session.workspace,
        instance or None,
        key.database if key else None,
        day=str(options.get("date") or ""),
        limit=int(options.get("limit") or 0),
    )
    for line in lines:
        session.screen.line(line)


def _picked(session: Session, wish: Wish) -> Wish:
    if wish.key is None:
        raise UsageError("--interactive picks from the backups of one database", "Name it: restore:INSTANCE/DATABASE")
    rows = restorable_rows(session.workspace, wish.key)
    if not rows:
        raise RestoreRefused(f"there is no good backup of {wish.key}", "See what there is with: doit backups")
    session.screen.close()
    for number, row in enumerate(rows, start=1):
        session.screen.line(f"{number:3}  {_choice(session, row)}")
    answer = question(f"Which one? [1-{len(rows)}] ")
    if not answer.isdecimal() or not 1 <= int(answer) <= len(rows):
        raise RestoreRefused(f"{answer!r} is none of 1 to {len(rows)}; nothing was touched")
    return replace(wish, backup=rows[int(answer) - 1].backup_id)


def _choice(session: Session, row: RestorableRow) -> str:
    at = row.started_at.astimezone(session.workspace.schedule.zone)
    return f"{local_time(at)}  {human_size(row.size_bytes or 0):>10}  {row.backup_id}"


def _ask(prepared: Prepared, options: Mapping[str, Any]) -> None:
    if prepared.request.exists and not options.get("yes"):
        server = f"{prepared.target.id} ({prepared.server.banner})"
        demand_name(f"replaces {prepared.target_key} on {server}", (prepared.target_key, prepared.request.database))


def _result(finished: Finished) -> Result:
    speed = human_speed(finished.plain_bytes, finished.seconds)
    lines = [f"restored in {human_duration(finished.seconds)}, {speed}"]
    lines += [f"       equal to its dump: {what}" for what in finished.compared[-1:]]
    lines += [f"       warning: {warning}" for warning in finished.warnings]
    return Result(finished.target, "ok", "\n".join(lines), 0, finished.plain_bytes, finished.seconds)
