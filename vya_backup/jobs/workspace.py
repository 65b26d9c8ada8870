"""What every job is given: the settings, the catalog, the store and the clock, wired together once per run.

A job takes a workspace and plain values; nothing here decides.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vya_backup import log
from vya_backup.clock import Clock, now
from vya_backup.decisions.naming import Key, Naming
from vya_backup.decisions.schedule import timetables
from vya_backup.decisions.slots import Schedule
from vya_backup.engines import engine_of
from vya_backup.engines.contract import Access, Engine
from vya_backup.errors import BackupError, UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.settings.credentials import CredentialStore, Purpose
from vya_backup.settings.loading import state_folder
from vya_backup.settings.model import Configuration, Instance
from vya_backup.transport.locks import hold
from vya_backup.transport.pacing import Pace
from vya_backup.transport.storage import Store
from vya_backup.transport.tool_logs import tool_log

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Workspace:
    """The surroundings of one run."""

    configuration: Configuration
    catalog: Catalog
    store: Store
    credentials: CredentialStore
    clock: Clock = now
    run_deadline: float | None = None
    """Monotonic seconds after which no dump goes on."""
    hook_warnings: list[str] = field(default_factory=list)
    """What hooks behind the work failed at; they fail the run and no backup."""
    _turns: dict[str, threading.Semaphore] = field(default_factory=dict)
    """By instance, and by the key of a database, which no instance's id can be."""
    _paces: dict[str, Pace] = field(default_factory=dict)

    def instance(self, instance_id: str) -> Instance:
        """Return a configured instance.

        Raises:
            UsageError: there is none of that id; the message lists those there are.
        """
        for instance in self.configuration.instances:
            if instance.id == instance_id:
                return instance
        known = ", ".join(i.id for i in self.configuration.instances) or "none"
        raise UsageError(f"there is no instance {instance_id!r} in the configuration", f"Configured are: {known}.")

    def enabled_instances(self) -> tuple[Instance, ...]:
        """Return the instances that backups are made of."""
        return tuple(i for i in self.configuration.instances if i.enabled and i.databases != ())

    def engine(self, instance: Instance, database: str = "") -> Engine:
        """Return the engine of an instance, or of one of its databases: that of accounts for `@users`."""
        return engine_of(instance.type, database)

    def access(self, instance: Instance, purpose: Purpose = "backup") -> Access:
        """Return an instance with the account for `backup` or `restore`.

        Raises:
            CredentialsError: the store has no usable entry for it.
        """
        if instance.type == "sqlite":
            return Access(instance)
        login = self.credentials.access(instance, purpose)
        return Access(instance, login.username, login.password, self.answer_seconds)

    @property
    def answer_seconds(self) -> float:
        """Return how long a server may take to answer before it counts as hung: as long as a dump may take."""
        return self.configuration.backup.timeout_minutes * SECONDS_PER_MINUTE

    def turn(self, instance: Instance) -> threading.Semaphore:
        """Return what limits the dumps that run at once on one instance."""
        return self._turns.setdefault(instance.id, threading.Semaphore(instance.parallel))

    def pace(self, instance: Instance) -> Pace | None:
        """Return what holds all dumps of an instance together to its rate; None where it has none."""
        if instance.rate_limit_mb_per_s is None:
            return None
        return self._paces.setdefault(instance.id, Pace(instance.rate_limit_mb_per_s))

    @contextmanager
    def locked(self, key: Key, description: str) -> Iterator[None]:
        """Hold the lock of a database; threads of this run wait for each other, where another process is an error.

        The lines of this thread in the log name the database meanwhile.

        Raises:
            AlreadyRunning: another process holds it.
        """
        with (
            log.about(instance=key.instance, database=key.database),
            self._turns.setdefault(str(key), threading.Semaphore()),
            hold(self.state / "locks", str(key), description),
        ):
            yield

    def keep_words(self, name: str, stderr: str) -> None:
        """Keep the full words of a tool under a backup's or restore's id; without room for them only the log tells."""
        try:
            tool_log(self.state, name, stderr)
        except BackupError as error:
            log.event("tool_log_not_written", level="warning", id=name, message=error.message)

    @cached_property
    def schedule(self) -> Schedule:
        """Return how often databases are due."""
        scheduling = self.configuration.scheduling
        return Schedule(scheduling.interval_minutes, scheduling.zone, timetables(scheduling).get("backup"))

    @cached_property
    def naming(self) -> Naming:
        """Return the templates of artifact names."""
        storage, host = self.configuration.storage, self.configuration.application.host()
        return Naming(storage.structure, storage.file_naming.pattern, storage.file_naming.datetime_format, host)

    @cached_property
    def state(self) -> Path:
        """Return the local folder of locks and tool logs."""
        return state_folder(self.configuration)
