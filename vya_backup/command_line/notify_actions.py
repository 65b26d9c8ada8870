"""What `doit notify` does: try every channel, show a mail, send that of the week, tell of a unit that failed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vya_backup import clock
from vya_backup.command_line.announcing import week_letter, writer
from vya_backup.command_line.leaving import print_error
from vya_backup.command_line.session import GLOBAL_CONFIG, configured, demand_configuration, looking, wired
from vya_backup.decisions.owing import joined
from vya_backup.decisions.telling import told
from vya_backup.decisions.tidings import Letter
from vya_backup.errors import BackupError, UsageError
from vya_backup.history import notices
from vya_backup.jobs.notice_facts import is_whole_backup, run_facts, surroundings
from vya_backup.jobs.trying import sample, try_all
from vya_backup.jobs.unit_failure import asked, tell_blindly, tell_failure, who_hears
from vya_backup.jobs.weekly import send_digest
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook import letters
from vya_backup.outlook.tables import table
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.loading import Loaded, load_notifications
from vya_backup.transport.disk import explained

PERSONAL_MODE = 0o600


def try_channels(options: Mapping[str, Any]) -> int:
    """Send one message to each channel and say what the other side answered."""
    loaded = demand_configuration(configured())
    configuration, store = loaded.configuration, CredentialStore.load(loaded.configuration)
    if not configuration.notifications.is_wanted:
        raise UsageError(
            "nobody is to be told of anything", "Set notifications.email (enabled: true), apprise or pings."
        )
    tidings = sample(configuration, clock.now())
    letter = letters.letter(tidings, configuration.notifications.email.templates)
    if options["dry_run"]:
        _print(letter)
        return 0
    tries = try_all(configuration, store, letter, tidings)
    rows = [(one.channel, one.to, "ok" if one.ok else "FAILED", one.words) for one in tries]
    for line in table((("channel", "left"), ("to", "left"), ("", "left"), ("the other side", "left")), rows):
        print(line)
    for one in tries:
        if one.hint:
            print(f"-> {one.channel}: {one.hint}")
    if letter.problem:
        print(f"warning: {letter.problem}")
    return 0 if all(one.ok for one in tries) and not letter.problem else 1


def preview(options: Mapping[str, Any]) -> int:
    """Show the mail about a run, or write its HTML into a file; nothing is sent."""
    with looking() as workspace:
        letter = week_letter(workspace)[1] if options["digest"] else _of_run(workspace, options["run"])
    if options["html"]:
        path = Path(options["html"])
        with explained("write", path):
            path.write_text(letter.html, encoding="utf-8")
            path.chmod(PERSONAL_MODE)
        print(f"{path}: {letter.subject}")
    else:
        _print(letter)
    return 0


def send_week(options: Mapping[str, Any]) -> int:
    """Send the mail of this week, unless it was sent."""
    loaded = demand_configuration(configured())
    settings = loaded.configuration.notifications
    if options["dry_run"]:
        with looking() as workspace:
            _print(week_letter(workspace)[1])
        return 0
    if not settings.digest.enabled:
        print("notifications.digest.enabled is false: nothing is sent")
        return 0
    with wired(loaded, read_only=False) as workspace:
        sent = send_digest(workspace, lambda: week_letter(workspace), again=bool(options["again"]))
    if not sent:  # the timer asks every week, and that nobody wants it is no failure
        print("nobody gets a digest: set notifications.digest.recipients, or success_recipients of email")
    for one in sent:
        if one.failure:
            print_error(one.failure)
        else:
            print(f"{one.channel}: {one.answer or 'was sent this week already; --again sends it once more'}")
    return 1 if any(one.failure for one in sent) else 0


def tell_of_unit(options: Mapping[str, Any]) -> int:
    """Tell that a unit of systemd failed, unless its run told so by itself."""
    if not options["unit"]:
        raise UsageError("notify failed needs --unit", "Say: doit notify failed --unit vya-backupdb-backup.service")
    unit = asked(options["unit"], os.environ)
    try:
        loaded = demand_configuration(configured())
        with wired(loaded, read_only=False) as workspace:
            sentence, failures = tell_failure(workspace, unit, writer(workspace))
    except BackupError as error:
        print_error(error)
        sentence, failures = _blindly(unit, error)
    print(sentence)
    for failure in failures:
        print_error(failure)
    return 1 if failures else 0


def _blindly(unit: Any, error: BackupError) -> tuple[str, list[BackupError]]:
    try:
        loaded: Loaded = load_notifications(GLOBAL_CONFIG[-1])
        store = CredentialStore.load(loaded.configuration)
    except BackupError as worse:
        return f"{unit.name} failed, and nobody can be told: {error.message}", [worse]
    hears = who_hears(loaded.configuration, store)
    if not hears:
        return f"{unit.name} failed, and nobody is to be told: {error.message}", [error]
    templates = loaded.configuration.notifications.email.templates
    problem = error.message.splitlines()[0] if error.message else type(error).__name__
    return tell_blindly(
        loaded.configuration, hears, unit, problem, lambda told: letters.letter(told, templates), clock.now()
    )


def _of_run(workspace: Workspace, wanted: str) -> Letter:
    runs = notices.runs_since(workspace.catalog, 0)
    found = [run for run in runs if run.run_id.startswith(wanted)] if wanted else runs
    if not found:
        raise UsageError(
            f"there is no run {wanted!r}".replace(" ''", ""), "See which there are: doit catalog ask runs_made"
        )
    run = found[-1]
    tidings = joined(surroundings(workspace, run), told(run_facts(workspace, run, stands=is_whole_backup(run))), ())
    return letters.letter(tidings, workspace.configuration.notifications.email.templates)


def _print(letter: Letter) -> None:
    print(f"Subject: {letter.subject}\n\n{letter.text}", end="")
