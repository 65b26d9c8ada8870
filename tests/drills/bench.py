"""Drills inside this process: the jobs themselves, around the contract's places, without a command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.engines.contract import Accounts, Bench, Place
from vya_backup.decisions.metadata import Sidecar, encode
from vya_backup.history.catalog import Catalog
from vya_backup.history.views import BackupRow
from vya_backup.jobs import dumping
from vya_backup.jobs.drilling import DrillOutcome, drill_database
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import Backup, CatalogSettings, Configuration, Drill
from vya_backup.settings.storage_model import Storage
from vya_backup.transport.pipeline import silent
from vya_backup.transport.storage import Store


@dataclass(frozen=True)
class DrillBench(Bench):
    """A bench whose backups are drilled."""

    def drill(self, row: BackupRow, **settings: Any) -> DrillOutcome:
        """Drill a backup, with these keys of the `drill` section."""
        drill = Drill.model_validate(self.workspace.configuration.drill.model_dump() | settings)
        configuration = self.workspace.configuration.model_copy(update={"drill": drill})
        return drill_database(replace(self.workspace, configuration=configuration), row, silent)

    def backup_telling(self, name: str, change: Callable[[dict[str, Any]], None]) -> BackupRow:
        """Dump and check one database, and let its sidecar tell something else than what was seen."""

        def changed(sidecar: Sidecar) -> bytes:
            document = json.loads(encode(sidecar))
            change(document)
            return json.dumps(document).encode()

        with patch.object(dumping, "encode", changed):
            return self.backup(name)


def drill_bench(place: Place, folder: Path, ground: Path, *first_folders: Path) -> DrillBench:
    """Make a workspace around a place, with private servers in `ground`; close its catalog afterwards.

    Tools are looked for in `first_folders` first.
    """
    folders = (*first_folders, *((place.client_folder,) if place.client_folder else ()))
    configuration = Configuration(
        instances=(place.instance,),
        catalog=CatalogSettings(path=folder / "catalog/catalog.db"),
        storage=Storage(base_path=folder / "backups"),
        backup=Backup(client_folders=folders, retries=0),
        drill=Drill(folder=ground),
    )
    catalog = Catalog.open(folder / "catalog/catalog.db", host="testhost")
    accounts = Accounts(Login(place.username, Secret(place.password)))
    store = Store(configuration.storage.base_path)
    return DrillBench(place, Workspace(configuration, catalog, store, accounts))  # type: ignore[arg-type]


def asked(sql: str, expect: object, database: str = "place/*") -> dict[str, object]:
    """Return one assertion of the configuration."""
    return {"database": database, "sql": sql, "expect": expect}
