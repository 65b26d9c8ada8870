"""What the checks look at; each part is opened when the first check asks for it, so that a broken one fails alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from vya_backup.clock import Clock, now
from vya_backup.errors import CatalogError, CatalogMissing
from vya_backup.history.catalog import Catalog
from vya_backup.history.watching import WatchedRow, watched
from vya_backup.jobs.connection_tests import ConnectionReport, test_connections
from vya_backup.jobs.copying import lost_catalog
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.loading import Loaded
from vya_backup.settings.model import Configuration, Instance
from vya_backup.transport.storage import Store

CRON_TABLES = (Path("/etc/crontab"), Path("/etc/cron.d"))


@dataclass(frozen=True)
class Subject:
    """An installation: what is configured, and what there is. Close it, whatever was opened."""

    loaded: Loaded
    clock: Clock = now
    cron_tables: tuple[Path, ...] = CRON_TABLES

    @property
    def configuration(self) -> Configuration:
        """Return what is configured."""
        return self.loaded.configuration

    @cached_property
    def at(self) -> datetime:
        """Return the instant that ages are counted to, one for all checks."""
        return self.clock()

    @cached_property
    def credentials(self) -> CredentialStore:
        """Return the accounts.

        Raises:
            CredentialsError: the store cannot be read, or others can.
        """
        return CredentialStore.load(self.configuration)

    @cached_property
    def catalog(self) -> Catalog:
        """Return the catalog, opened for reading.

        Raises:
            CatalogMissing: nothing was ever backed up.
            CatalogError: it cannot be read.
        """
        path = self.configuration.catalog.path
        if path is None:  # `load` always sets it
            raise CatalogMissing("catalog.path is not set", "Set it in the configuration.")
        if lost := lost_catalog(self.configuration):
            raise CatalogError(lost.message, lost.hint)  # `CatalogMissing` would mean that nothing was ever backed up
        return Catalog.open(path, host=self.configuration.application.host(), read_only=True)

    @cached_property
    def store(self) -> Store:
        """Return the tree of backups."""
        return Store(self.configuration.storage.base_path, self.configuration.storage.temp_path)

    @cached_property
    def workspace(self) -> Workspace:
        """Return it all, wired together for the jobs that take that.

        Raises:
            BackupError: the credentials or the catalog cannot be read.
        """
        return Workspace(self.configuration, self.catalog, self.store, self.credentials, self.clock)

    @cached_property
    def watched(self) -> list[WatchedRow]:
        """Return the databases that are expected to have backups.

        Raises:
            CatalogError: the catalog cannot be read.
        """
        return watched(self.catalog)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Return the instances that are to be backed up."""
        return tuple(i for i in self.configuration.instances if i.enabled and i.databases != ())

    @cached_property
    def reports(self) -> list[ConnectionReport]:
        """Return what every enabled instance answers, asked once, all side by side.

        Raises:
            CredentialsError: the store cannot be read.
        """
        enabled = [instance for instance in self.configuration.instances if instance.enabled]
        return test_connections(self.configuration, self.credentials, enabled)

    def close(self) -> None:
        """Close the catalog, where it was opened."""
        if "catalog" in self.__dict__:
            self.catalog.close()
