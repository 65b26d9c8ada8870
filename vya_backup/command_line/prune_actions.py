"""What the prune tasks do: the decision on the screen, or the job and what came of it."""

from __future__ import annotations

from shlex import quote

from doit.exceptions import TaskFailed

from vya_backup.command_line.session import Session, current
from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import rules_for
from vya_backup.errors import BackupError, Interrupted
from vya_backup.jobs.pruning import Outcome, consider, prune
from vya_backup.outlook.figures import human_size
from vya_backup.outlook.retention_tables import preview_lines, pruned_lines
from vya_backup.outlook.screen import Result
from vya_backup.transport.processes import stop

LOOK = "Look, then: doit release --database {key} --reason TEXT"


def prune_named(key: Key) -> TaskFailed | None:
    """Prune one database, or show what would be pruned; a failure is on the screen before doit hears of it."""
    session = current()
    if session is None:
        raise RuntimeError("a task of this project runs only inside `doit run`")
    if stop.requested:
        session.screen.result(Result(str(key), "skipped", "interrupted before it started"))
        return TaskFailed(Interrupted.code, report=False)
    try:
        if _is_preview(session, key):
            _show(session, key)
            return None
        with session.screen.working(f"{key} (prune)", 0) as progress:
            return _tell(session, prune(session.workspace, key, progress))
    except BackupError as error:
        return _failed(session, key, str(error))


def _is_preview(session: Session, key: Key) -> bool:
    retention = session.workspace.configuration.storage.retention
    said = session.options(f"prune:{key.task}").get("dry_run")
    return bool(said) or not rules_for(retention, key).cleanup_enabled


def _show(session: Session, key: Key) -> None:
    """Print every backup with its fate; a reason against pruning at all is no failure of looking."""
    considered = consider(session.workspace, key)
    session.screen.close()
    for line in preview_lines(considered, session.workspace.schedule.zone):
        session.screen.line(line)
    if not session.options(f"prune:{key.task}").get("dry_run"):
        session.screen.line("nothing was touched: storage.retention.cleanup_enabled is false")
    session.screen.line("")


def _tell(session: Session, outcome: Outcome) -> TaskFailed | None:
    considered = outcome.considered
    key, kept = considered.key, len(considered.rows) - len(outcome.pruned)
    lines = pruned_lines(outcome, session.workspace.schedule.zone)
    if outcome.problems:
        return _failed(session, key, "\n       ".join([*lines, *outcome.problems]))
    if considered.decision.barred:
        return _failed(
            session, key, f"nothing is pruned: {considered.decision.barred}. {LOOK.format(key=quote(key.task))}"
        )
    if not outcome.pruned:
        session.screen.result(Result(str(key), "current", f"nothing to prune, {kept:,} kept"))
        return None
    counts = f"{len(outcome.pruned):,} pruned, {human_size(outcome.freed_bytes)} freed, {kept:,} kept"
    session.screen.result(Result(str(key), "ok", "\n       ".join([counts, *lines])))
    return None


def _failed(session: Session, key: Key, words: str) -> TaskFailed:
    session.screen.result(Result(str(key), "failed", words))
    return TaskFailed("told on the screen", report=False)
