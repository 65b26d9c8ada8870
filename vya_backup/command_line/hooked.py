"""The hooks around a whole run, and what hooks that failed behind the work make of its exit status.

The rule: only what backs up or restores calls hooks; previews, verifications, drills and prunes never do.
"""

from __future__ import annotations

from collections.abc import Callable

from vya_backup.command_line.leaving import print_error
from vya_backup.command_line.session import Session, looks_only
from vya_backup.decisions.hooks import Occasion
from vya_backup.errors import BackupError
from vya_backup.history.events import Failed
from vya_backup.jobs import hooks
from vya_backup.transport.stopping import stop

GROUPS = frozenset({"backup", "restore", "recover"})


def hooked(session: Session, command: str, work: Callable[[], int]) -> int:
    """Do the work of a run between its hooks; return its exit status, 1 where only a hook behind the work failed."""
    workspace = session.workspace
    groups = {selection.group for selection in session.selections}
    if not workspace.configuration.hooks or not groups & GROUPS or looks_only(session.loaded, session.selections):
        return work()
    told = hooks.Told(Occasion(command=command))
    try:
        status = _begun(session, told, work)
    except BaseException as error:
        code = error.code if isinstance(error, BackupError) else "bug"
        hooks.after(workspace, "after_run", told.occasion.ended("failed", code, str(error)))
        raise
    told.note(exit_status=status)
    code = "interrupted" if stop.requested else "failed" if status else ""
    try:
        hooks.after(workspace, "after_run", told.occasion.ended("failed" if code else "ok", code))
    finally:
        for warning in workspace.hook_warnings:
            session.screen.line(f"warning: {warning}")
    return status or (1 if workspace.hook_warnings else 0)


def _begun(session: Session, told: hooks.Told, work: Callable[[], int]) -> int:
    workspace = session.workspace
    try:
        hooks.before(workspace, "before_run", told.occasion)
    except BackupError as error:
        workspace.catalog.append(Failed(step="hook", code=error.code, message=error.message, hint=error.hint))
        hooks.failed(workspace, told.occasion, error)
        print_error(error)
        return error.exit_status
    return work()
