"""The last thing of each command: people are told what came of it, after all is done, recorded, copied and measured.

The rule: whatever goes wrong here is printed and recorded, and changes nothing about how the run ended.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vya_backup import log
from vya_backup.command_line.options import Selection
from vya_backup.errors import BackupError, UsageError
from vya_backup.history.run import Run
from vya_backup.jobs.workspace import Workspace
from vya_backup.log.heard import say
from vya_backup.outlook.fitting import fitted
from vya_backup.redaction import scrub

if TYPE_CHECKING:  # what it takes to send mail is loaded when somebody is to be told
    from vya_backup.decisions.tidings import Letter, Tidings
    from vya_backup.jobs.notifying import Compose


def announce(workspace: Workspace) -> None:
    """Tell every channel what it is owed now that the command is over; nothing where nobody is to be told."""
    if not workspace.configuration.notifications.is_wanted:
        return
    with workspace.catalog.aftermath() as run:
        pass
    if run is None:
        return
    try:
        failures = _announced(workspace, run)
    except BackupError as error:
        failures = [error]
    except Exception as error:  # noqa: BLE001 - the backups are made, and a bug here must not say otherwise
        failures = [BackupError(f"nobody was told: {type(error).__name__}: {error}", "Please report this bug.")]
    for failure in failures:
        log.event("notification_failed", level="error", message=scrub(failure.message))
        say(fitted(f"warning: {scrub(str(failure))}", sys.stderr), sys.stderr)


def ping_start(workspace: Workspace, selections: Sequence[Selection], run_id: str) -> None:
    """Ping that a backup begins, without waiting for an answer."""
    pings = workspace.configuration.notifications.pings
    if not (pings.is_wanted and any(one.group == "backup" for one in selections)):
        return
    from vya_backup.jobs.channels import ping_address
    from vya_backup.transport.pinging import ping_aside

    try:
        url = ping_address(workspace.configuration, workspace.credentials, "start")
    except BackupError:
        return  # the ping at the end says so
    if url:
        ping_aside(url, f"run {run_id}", pings.timeout_seconds)


def writer(workspace: Workspace) -> Compose:
    """Return what writes letters, with the operator's templates."""
    templates = workspace.configuration.notifications.email.templates

    def compose(tidings: Tidings) -> Letter:
        from vya_backup.outlook import letters  # jinja2 is paid for only where something is told

        return letters.letter(tidings, templates)

    return compose


def week_letter(workspace: Workspace) -> tuple[Tidings, Letter]:
    """Return the mail of the week, with the operator's templates.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    from vya_backup.outlook import letters, weeks

    tidings, week = weeks.week_of(workspace)
    return tidings, letters.digest(tidings, week, workspace.configuration.notifications.email.templates)


def _announced(workspace: Workspace, run: Run) -> list[BackupError]:
    from vya_backup.decisions.telling import told
    from vya_backup.history import notices
    from vya_backup.jobs.notice_facts import run_facts
    from vya_backup.jobs.notifying import ping_end, tell
    from vya_backup.jobs.weekly import is_owed, send_digest

    broken = _broken(run)
    if broken is None:
        return []
    failures = tell(workspace, writer(workspace), run.run_id if run.is_recorded else None, broken)
    if not failures and is_owed(workspace):
        failures += [one.failure for one in send_digest(workspace, lambda: week_letter(workspace)) if one.failure]
    if workspace.configuration.notifications.pings.is_wanted and "backup" in _groups(run):
        rows = notices.runs_of(workspace.catalog, [run.run_id])
        status = run.ended.exit_status if run.ended else 1
        headline = told(run_facts(workspace, rows[0], broken=broken)).headline if rows else ""
        failure = ping_end(workspace, rows[0] if rows else None, status, headline)
        failures += [failure] if failure else []
    return failures


def _broken(run: Run) -> str | None:
    """Return what ended a run before its end, nothing where it came to it, None where nobody needs to be told.

    Whoever said something wrong on the command line sits before it.
    """
    if run.ended is not None:
        return ""
    error = sys.exc_info()[1]
    if isinstance(error, UsageError):
        return None
    return scrub(f"{type(error).__name__}: {error}") if error else ""


def _groups(run: Run) -> set[str]:
    return {word.partition(":")[0] for word in run.started.command.split()[1:]}
