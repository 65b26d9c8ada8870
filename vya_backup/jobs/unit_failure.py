"""What systemd's OnFailure is answered with: whatever the catalog does not show as told already is told now, loudly.

The rule: nothing that is broken silences it. Without a catalog it tells what systemd knows; without a configuration
that loads it takes what can be read of the notifications alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from vya_backup.decisions.owing import called, joined, named
from vya_backup.decisions.telling import told
from vya_backup.decisions.tidings import Concern, Tidings, highest, plain
from vya_backup.errors import BackupError
from vya_backup.history import notices
from vya_backup.history.notices import Notice, ToldRun
from vya_backup.jobs.channels import Channel, Envelope, channels, message_id, of_settings
from vya_backup.jobs.notice_facts import is_dead, run_facts, surroundings
from vya_backup.jobs.notifying import Compose, append, attempt
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.model import Configuration
from vya_backup.settings.notifications_model import Level
from vya_backup.transport import service_manager
from vya_backup.transport.service_manager import OF_USER, is_of_user

ASK_SECONDS = 10.0
RECENT = timedelta(hours=1)
"""So long ago a run may have ended to be the one that failed, where nobody says when the unit was started."""
PROPERTIES = ("Result", "ExecMainCode", "ExecMainStatus", "ExecMainStartTimestampMonotonic", "ExecMainStartTimestamp")
MONITORED = {
    "MONITOR_SERVICE_RESULT": "Result",
    "MONITOR_EXIT_CODE": "ExecMainCode",
    "MONITOR_EXIT_STATUS": "ExecMainStatus",
}
LEAST_LEVEL: Level = "ERROR"
NEVER_BEGAN = {
    "243": "The key of the credentials is not where the unit takes it from",
    "226": "A folder that the unit names is not there, or its disk is not mounted",
    "217": "The account that the unit names does not exist",
}
"""What the statuses of systemd.exec(5) mean with which it gives up before the program begins."""


@dataclass(frozen=True)
class Unit:
    """A unit that failed, and what systemd says of it; nothing where it cannot be asked, or it is a mere command."""

    name: str
    facts: Mapping[str, str]
    is_of_systemd: bool = True
    is_of_user: bool = False
    """It is a unit of a person's own systemd."""

    @property
    def words(self) -> str:
        """Return the facts in one line."""
        wanted = {
            "Result": "result",
            "ExecMainCode": "how",
            "ExecMainStatus": "status",
            "ExecMainStartTimestamp": "started",
        }
        said = [f"{word} {self.facts[name]}" for name, word in wanted.items() if self.facts.get(name)]
        return plain(f"systemd: {', '.join(said)}") if said else ""

    @property
    def look(self) -> tuple[str, ...]:
        """Return the command that shows what it said."""
        return (f"journalctl {self._own}-u {plain(self.name, 80)}",) if self.is_of_systemd else ()

    @property
    def shown(self) -> str:
        """Return the command that shows its file."""
        return f"systemctl {self._own}cat {plain(self.name, 80)}"

    @property
    def _own(self) -> str:
        return f"{OF_USER} " if self.is_of_user else ""

    @property
    def started_at(self) -> datetime | None:
        """Return when its process was started, as far as systemd says so in UTC."""
        text = self.facts.get("ExecMainStartTimestamp", "")
        with suppress(ValueError):
            return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
        return None


def asked(name: str, environ: Mapping[str, str]) -> Unit:
    """Return what systemd tells of a unit: in the environment of OnFailure, and when it is asked."""
    facts = {word: environ[variable] for variable, word in MONITORED.items() if environ.get(variable)}
    own = is_of_user(environ)
    manager = ("systemctl", OF_USER) if own else ("systemctl",)
    words = (*manager, "show", "--timestamp=utc", "--property", ",".join(PROPERTIES), "--", name)
    with suppress(BackupError):
        done = service_manager.ask(words, environ, ASK_SECONDS)
        lines = done.stdout.decode(errors="replace").splitlines() if done.status == 0 else []
        facts |= {key: value for key, _, value in (line.partition("=") for line in lines) if value}
    return Unit(name, facts, is_of_user=own)


def tell_failure(workspace: Workspace, unit: Unit, compose: Compose) -> tuple[str, list[BackupError]]:
    """Tell that a unit failed, to all who hear of that and were not told by its run; return a sentence for the journal.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    run = _run_of(workspace, unit)
    tidings = _tidings(workspace, unit, run)
    every = [one for one in channels(workspace) if tidings.level in one.levels]
    if not every:
        nobody = BackupError(
            f"{unit.name} failed, and nobody is to be told of that",
            "Set notifications.email.error_recipients, or a target of apprise, then: doit notify test",
        )
        return tidings.headline, [nobody]
    wanted = [one for one in every if not (run and _knows(workspace, one, run))]
    if not wanted:
        return f"{unit.name}: everybody who wants to hear of it was told by the run itself", []
    about = (run.run_id,) if run else (called(unit.name, unit.started_at or workspace.clock()),)
    failures = []
    for channel in wanted:
        event, failure = attempt(workspace, channel, (tidings, compose(tidings)), about, channel.seconds)
        if not (failure and run and _is_owed(workspace, channel, run)):  # the catalog knows that it is to be told
            with suppress(BackupError):
                append(workspace, event, is_of_a_run=False)
        failures += [failure] if failure else []
    return tidings.headline, failures


def who_hears(configuration: Configuration, store: CredentialStore) -> list[Channel]:
    """Return the ways to those who hear of failures; to all where nobody does."""
    ways = of_settings(configuration, store)
    return [one for one in ways if {"ERROR", "CRITICAL"} & set(one.levels)] or list(ways)


def tell_blindly(
    configuration: Configuration, ways: Sequence[Channel], unit: Unit, problem: str, compose: Compose, now: datetime
) -> tuple[str, list[BackupError]]:
    """Tell that a unit failed where no catalog can be read; nothing can be recorded then."""
    zone, application = configuration.scheduling.zone, configuration.application
    tidings = Tidings(
        level="CRITICAL",
        headline=plain(f"{unit.name} failed, and {problem}", 160),
        host=application.host(),
        environment=application.environment,
        at=now.astimezone(zone),
        concerns=_of_unit(unit, Concern("CRITICAL", plain(problem), "Run: doit health")),
        look=(*unit.look, "doit config validate", "doit health"),
    )
    letter, failures = compose(tidings), list[BackupError]()
    for channel in ways:
        about = (unit.name, now.isoformat())
        try:
            envelope = Envelope("CRITICAL", now, message_id(channel, about, application.host()))
            channel.deliver(letter, envelope, channel.seconds)
        except BackupError as error:
            failures.append(error)
    return tidings.headline, failures


def _run_of(workspace: Workspace, unit: Unit) -> ToldRun | None:
    """Return the run that the unit was, None where it came to no event."""
    if unit.facts.get("ExecMainStatus") in NEVER_BEGAN:
        return None
    recent = list(reversed(notices.runs_since(workspace.catalog, 0, limit=20)))
    of_unit = [run for run in recent if f"unit: {unit.name}" in run.actor] or recent
    for run in of_unit:
        if run.finished_at is None and not is_dead(workspace, run):
            continue  # another one, at work
        began = unit.started_at
        if began is not None:
            return run if run.started_at >= began - timedelta(seconds=1) else None
        is_recent = workspace.clock() - (run.finished_at or run.started_at) < RECENT
        return run if run.finished_at is None or (run.exit_status and is_recent) else None
    return None


def _knows(workspace: Workspace, channel: Channel, run: ToldRun) -> bool:
    """Say whether a channel heard of a run. What it did not take from the run itself it may take from here."""
    return any(word.is_told for word in _words_to(workspace, channel, run))


def _is_owed(workspace: Workspace, channel: Channel, run: ToldRun) -> bool:
    """Say whether it is on record that a channel did not take the news of a run."""
    return bool(_words_to(workspace, channel, run))


def _words_to(workspace: Workspace, channel: Channel, run: ToldRun) -> list[Notice]:
    words = notices.words_about(workspace.catalog, run.run_id, run.sequence)
    return [word for word in words if word.data.get("channel") == channel.name]


def _tidings(workspace: Workspace, unit: Unit, run: ToldRun | None) -> Tidings:
    about = surroundings(workspace, run)
    if run is None:
        found = replace(about, what="failed before it did anything")
        headline = f"{unit.name} failed before it did anything"
        concern = Concern(LEAST_LEVEL, plain(headline), "Run it by hand and see: doit backup; doit config validate")
    else:
        facts = run_facts(workspace, run)
        found = joined(about, told(facts), ())
        headline = f"{unit.name}: {found.headline}"
        dumping = ", ".join(map(named, facts.in_flight))
        what = f"{unit.name} was killed" + (f" while dumping {dumping}" if dumping else "")
        concern = Concern(LEAST_LEVEL, plain(what if facts.killed else f"{unit.name} failed"), "Then run: doit backup")
    concerns = (*_of_unit(unit, concern), *(one for one in found.concerns if "the run was killed" not in one.what))
    level = highest([LEAST_LEVEL, *(one.level for one in concerns), found.level])
    look = (*unit.look, *found.look)
    return replace(found, level=level, headline=plain(headline), concerns=concerns, look=look)


def _of_unit(unit: Unit, concern: Concern) -> tuple[Concern, ...]:
    if not unit.words:
        return (concern,)
    why = NEVER_BEGAN.get(unit.facts.get("ExecMainStatus", ""))
    return concern, Concern("ERROR", unit.words, f"{why}: {unit.shown}" if why else "")
