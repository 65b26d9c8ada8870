"""The last thing of each command: people are told what came of it, after all is done, recorded, copied and measured.

The rule: whatever goes wrong here is printed and recorded, and changes nothing about how the run ended.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from vya_backup import clock, log
from vya_backup.command_line.options import Selection
from vya_backup.errors import BackupError, CatalogError, ConfigurationError, Interrupted, UsageError
from vya_backup.history.run import Run
from vya_backup.jobs.workspace import Workspace
from vya_backup.log.heard import say
from vya_backup.outlook.fitting import fitted
from vya_backup.redaction import scrub
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.model import Configuration

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
    _confess(_announced(workspace, run))


def announce_blindly(configuration: Configuration, selections: Sequence[Selection], error: CatalogError) -> None:
    """Tell that nothing is backed up because the catalog cannot be opened; nothing can be recorded then."""
    if configuration.notifications.is_wanted and any(one.group == "backup" for one in selections):
        _confess(_tried(lambda: _told_blindly(configuration, error)))
        _confess(_tried(lambda: _pinged_blindly(configuration, error)))


def _confess(failures: Iterable[BackupError]) -> None:
    for failure in failures:
        log.event("notification_failed", level="error", message=scrub(failure.message))
        say(fitted(f"warning: {scrub(str(failure))}", sys.stderr), sys.stderr)


def names_something(selections: Sequence[Selection]) -> bool:
    """Say whether a command line asks for more than a backup of everything: it may ask for what there is not."""
    return any(one.task != "backup" or one.options.get("database") or one.options.get("instance") for one in selections)


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
    is_misspelt = isinstance(sys.exc_info()[1], UsageError)
    if is_misspelt and not run.is_recorded:
        return []  # whoever said something wrong on the command line sits before it
    broken = "" if is_misspelt else _broken(run)
    failures = _tried(lambda: _told(workspace, run, broken))
    if workspace.configuration.notifications.pings.is_wanted and "backup" in _groups(run) and not is_misspelt:
        failures += _tried(lambda: _pinged(workspace, run, broken))
    return failures


def _tried(step: Callable[[], list[BackupError]]) -> list[BackupError]:
    """Return what did not work, also where the step itself did not: the one after it is none the worse."""
    try:
        return step()
    except BackupError as error:
        return [error]
    except Exception as error:  # noqa: BLE001 - the backups are made, and a bug here must not say otherwise
        return [BackupError(f"nobody was told: {type(error).__name__}: {error}", "Please report this bug.")]


def _told(workspace: Workspace, run: Run, broken: str) -> list[BackupError]:
    from vya_backup.jobs.notifying import tell
    from vya_backup.jobs.weekly import is_owed, send_digest

    failures = tell(workspace, writer(workspace), run.run_id if run.is_recorded or broken else None, broken)
    if not failures and is_owed(workspace):
        return [one.failure for one in send_digest(workspace, lambda: week_letter(workspace)) if one.failure]
    return failures


def _pinged(workspace: Workspace, run: Run, broken: str) -> list[BackupError]:
    from vya_backup.decisions.telling import told
    from vya_backup.history import notices
    from vya_backup.jobs.notice_facts import run_facts
    from vya_backup.jobs.notifying import ping_end

    rows = notices.runs_of(workspace.catalog, [run.run_id])
    headline = told(run_facts(workspace, rows[0], broken=broken)).headline if rows else broken
    failure = ping_end(workspace, rows[0] if rows else None, run.ended.exit_status if run.ended else 1, headline)
    return [failure] if failure else []


def _told_blindly(configuration: Configuration, error: CatalogError) -> list[BackupError]:
    from vya_backup.jobs.unit_failure import Unit, tell_blindly, who_hears
    from vya_backup.outlook import letters

    templates, command = configuration.notifications.email.templates, Unit("doit backup", {}, is_of_systemd=False)
    hears = who_hears(configuration, CredentialStore.load(configuration))
    problem = error.message.partition("\n")[0]
    return tell_blindly(
        configuration, hears, command, problem, lambda told: letters.letter(told, templates), clock.now()
    )[1]


def _pinged_blindly(configuration: Configuration, error: CatalogError) -> list[BackupError]:
    from vya_backup.jobs.channels import ping_address
    from vya_backup.transport.pinging import ping

    url = ping_address(configuration, CredentialStore.load(configuration), "fail")
    if url:
        ping(url, error.message, configuration.notifications.pings.timeout_seconds)
    return []


def _broken(run: Run) -> str:
    """Return what ended a run before its end, nothing where it came to it."""
    error = sys.exc_info()[1]
    if run.ended is not None and not isinstance(error, ConfigurationError):
        if run.is_recorded or not run.ended.exit_status or run.refusal is None:
            return ""
        error = run.refusal  # it came to its end, and nothing of that is on record
    if not run.is_recorded and (isinstance(error, Interrupted) or not isinstance(error, Exception)):
        return ""  # it was stopped before it did anything
    return scrub(f"{type(error).__name__}: {error}") if error else ""


def _groups(run: Run) -> set[str]:
    return {word.partition(":")[0] for word in run.started.command.split()[1:]}
