"""Opens the surroundings of a run or of a look, and holds those of the run that is on, for doit's task creators.

doit calls task creators without arguments, so a run leaves its session here before it lets doit load the tasks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vya_backup import __version__, clock, log
from vya_backup.command_line.announcing import announce_blindly
from vya_backup.command_line.leaving import leave
from vya_backup.command_line.options import Selection
from vya_backup.decisions.naming import Key
from vya_backup.errors import CatalogError, CatalogMissing, ConfigurationError
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Process
from vya_backup.history.recorded import Recorded
from vya_backup.history.run_events import RunStarted
from vya_backup.history.verifiable import VerifiableRow
from vya_backup.history.views import database_names
from vya_backup.jobs.copying import lost_catalog
from vya_backup.jobs.discovery import Discovery
from vya_backup.jobs.planning import Planned
from vya_backup.jobs.workspace import Workspace
from vya_backup.log.heard import say
from vya_backup.outlook.screen import Screen
from vya_backup.resources import resource
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.loading import Loaded, load, state_folder
from vya_backup.settings.model import Configuration
from vya_backup.settings.places import IN_CHECKOUT, searched
from vya_backup.transport.liveness import this_process
from vya_backup.transport.storage import Store

SECONDS_PER_MINUTE = 60
LOUD = frozenset(
    {"failed", "discovery_failed", "restore_failed", "damaged", "missing", "abandoned", "missed", "notification_failed"}
)
LOGGED = frozenset(
    {"instance", "database", "backup_id", "verdict", "path", "size_bytes"}
    | {"duration_seconds", "step", "code", "message", "hint", "reason"}
    | {"restore_id", "target_instance", "target_database", "rows", "command", "exit_status"}
    | {"results", "hook", "moment", "status", "problem", "output"}
    | {"job", "outcome", "count", "expected_at", "until", "cause"}
    | {"blackout"}
)
"""Of an event's facts, those that a log line repeats; the catalog has them all."""
GLOBAL_CONFIG: list[Path | None] = [None]
"""What `--config` before the command said, for the rest of this process."""
GLOBAL_WORDS: set[str] = set()
"""`--verbose` or `--quiet` before the command."""


@dataclass
class Session:
    """One run: its surroundings, what the command line selects, what is planned and what came of it."""

    workspace: Workspace
    loaded: Loaded
    selections: list[Selection]
    screen: Screen = field(default_factory=Screen)
    discoveries: list[Discovery] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    verifying: dict[str, list[VerifiableRow]] = field(default_factory=dict)
    """The backups that each selected `verify` task is about, in their turn."""
    verify_until: float | None = None
    """Monotonic seconds after which no further backup is begun to be verified."""

    def options(self, task: str) -> dict[str, object]:
        """Return the options that were said for a task, or for a group that selects it."""
        for selection in self.selections:
            if selection.task == task:
                return dict(selection.options)
        group = task.partition(":")[0]
        for selection in self.selections:
            if selection.group == group and _covers(selection.task, task):
                return dict(selection.options)
        return {}


_current: list[Session] = []


def current() -> Session | None:
    """Return the session of the run that is on, or None while something only looks."""
    return _current[-1] if _current else None


@contextmanager
def running(selections: list[Selection]) -> Iterator[Session]:
    """Open everything for a run that may append.

    Raises:
        BackupError: the configuration, the credentials or the catalog cannot be used.
    """
    loaded = demand_configuration(configured())
    is_preview = looks_only(loaded, selections)
    with ExitStack() as stack:
        try:
            begins = not is_preview and any(_needs_no_history(one) for one in selections)
            workspace = stack.enter_context(opened(loaded, read_only=False, looks_only=is_preview, begins=begins))
        except CatalogError as error:
            if not is_preview:
                announce_blindly(loaded.configuration, selections, error)
            raise
        session = Session(workspace, loaded, selections)
        _current.append(session)
        try:
            yield session
        finally:
            _current.pop()


def looks_only(loaded: Loaded, selections: list[Selection]) -> bool:
    """Say whether a command line asks for previews alone."""
    previews = ("dry_run", "list", "list_databases")
    is_dry = loaded.configuration.backup.dry_run and any(one.group == "backup" for one in selections)
    return is_dry or any(one.options.get(word) for one in selections for word in previews)


def configured() -> Loaded:
    """Load the configuration that this process was told of.

    Raises:
        ConfigurationError: it is missing or wrong.
    """
    return load(GLOBAL_CONFIG[-1])


def demand_configuration(loaded: Loaded) -> Loaded:
    """Return what was loaded, unless nobody ever configured anything.

    Raises:
        ConfigurationError: there is neither a file nor an instance from anywhere else.
    """
    if loaded.path is None and not loaded.configuration.instances:
        others = " nor ".join(str(path) for path in searched(os.environ)[1:])
        places = f"$VYA_CONFIG is not set, and neither {IN_CHECKOUT} (in {Path.cwd()}) nor {others} exists"
        example = resource("config/config.example.yaml")
        hint = f"Make one with `vya-backupdb init`, or begin with a copy of {example}."
        raise ConfigurationError(f"there is no configuration: {places}", hint)
    return loaded


@contextmanager
def looking() -> Iterator[Workspace]:
    """Open everything for a command that appends nothing.

    Raises:
        CatalogMissing: nothing was ever backed up.
        BackupError: the configuration or the catalog cannot be used.
    """
    with opened(configured(), read_only=True) as workspace:
        yield workspace


@contextmanager
def opened(loaded: Loaded, *, read_only: bool, looks_only: bool = False, begins: bool = False) -> Iterator[Workspace]:
    """Wire the surroundings together; before they are left, what was appended is copied, published and measured.

    `looks_only` is a preview: it may append what it finds out, and copies nothing. What `begins` may make a new catalog
    where the old one was lost.

    Raises:
        CatalogMissing: nothing was ever backed up, or copies in the tree tell of a catalog that was lost.
        BackupError: the configuration, the credentials or the catalog cannot be used.
    """
    _demand_history(loaded.configuration, begins=begins)
    with wired(loaded, read_only=read_only) as workspace:
        try:
            yield workspace
        finally:
            if not (read_only or looks_only):
                leave(workspace)


@contextmanager
def wired(loaded: Loaded, *, read_only: bool, now: clock.Clock = clock.now) -> Iterator[Workspace]:
    """Open everything; nothing is copied afterwards. `now` is what stamps the events."""
    configuration = loaded.configuration
    path = configuration.catalog.path
    if path is None:  # `load` always sets it
        raise CatalogMissing("catalog.path is not set", "Set it in the configuration.")
    log.configure(_log_destination(loaded))
    catalog = Catalog.open(path, host=configuration.application.host(), now=now, read_only=read_only)
    log.configure(_log_destination(loaded), lambda: {"run_id": catalog.run_id} if catalog.run_id else {})
    catalog.listener = _log_event
    try:
        yield Workspace(
            configuration=configuration,
            catalog=catalog,
            store=Store(configuration.storage.base_path, configuration.storage.temp_path),
            credentials=CredentialStore.load(configuration),
            run_deadline=clock.monotonic() + configuration.backup.run_timeout_minutes * SECONDS_PER_MINUTE,
        )
    finally:
        catalog.close()


def _demand_history(configuration: Configuration, *, begins: bool) -> None:
    """Begin no history beside the copies of a lost one, unless for what is worth more than a refusal: that is told."""
    lost = lost_catalog(configuration)
    if lost is None:
        return
    if not begins:
        raise lost
    hint = "If it was lost, move the new one away and run: doit catalog rebuild"
    say(f"warning: {lost.message}: a new one begins\n  {hint}", sys.stderr)


def _needs_no_history(selection: Selection) -> bool:
    return selection.group == "backup" or (selection.group == "restore" and bool(selection.options.get("file")))


def _log_destination(loaded: Loaded) -> log.Destination:
    settings = loaded.configuration.logging
    path = settings.file_path or state_folder(loaded.configuration) / "vya_backup.log"
    return log.Destination(settings.level, settings.format, settings.outputs, path)


def _log_event(recorded: Recorded) -> None:
    """Log what was appended; the catalog stays the only record that counts."""
    event = recorded.event
    facts = {name: value for name, value in event.model_dump(mode="json").items() if name in LOGGED and value}
    is_loud = event.type in LOUD or facts.get("verdict", "pass") != "pass" or "problem" in facts
    log.event(event.type, level="error" if is_loud else "info", position=recorded.position, **facts)


def run_started(loaded: Loaded, selections: list[Selection], command: str = "") -> RunStarted:
    """Return the first event of a run: the command as it was meant, never with a secret in it."""
    return RunStarted(
        command=command or " ".join(["doit", *(selection.task for selection in selections)]),
        version=__version__,
        environment=loaded.configuration.application.environment,
        config_path=str(loaded.path or ""),
        process=Process(**asdict(this_process(loaded.configuration.application.host()))),
    )


def known_keys() -> list[Key]:
    """Return every database that the catalog knows; none while there is no configuration or catalog yet."""
    session = current()
    if session is not None:
        return keys_in(session.workspace)
    try:
        with looking() as workspace:
            return keys_in(workspace)
    except CatalogMissing:
        return []


def keys_in(workspace: Workspace) -> list[Key]:
    """Return the databases of the catalog, sorted."""
    return [Key(*names) for names in database_names(workspace.catalog)]


def _covers(selected: str, task: str) -> bool:
    return task == selected or task.startswith((f"{selected}:", f"{selected}/"))
