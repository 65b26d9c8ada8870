"""Nights of real SQLite backups, made by a clock that is set by hand; everything else is the product's own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.engines.contract import Accounts, Bench
from tests.engines.places import SqlitePlace
from tests.history.samples import Steps
from vya_backup.decisions.naming import ArtifactName, Key
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.recorded import recorded
from vya_backup.history.views import BackupRow, backups
from vya_backup.jobs.pruning import Outcome, prune
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import Application, CatalogSettings, Configuration
from vya_backup.settings.storage_model import Retention, Storage
from vya_backup.transport.pipeline import silent
from vya_backup.transport.storage import Store

HOST = "testhost"
SHOP = Key("place", "shop")
NIGHTS = 5
KEPT = 2
BYTES_OF_ONE = 400
DAY = timedelta(days=1)

ALL, NONE = [True] * 3, [False] * 3
"""What `files_of` says of a backup whose files are all there, and of one without any."""
POLICY = Retention(daily_keep=KEPT, weekly_keep=0, monthly_keep=0, safety_days=0)


def opened(folder: Path, clock: Steps) -> Bench:
    """Open a workspace whose retention keeps the last two days."""
    place = SqlitePlace(folder / "data")
    catalog = Catalog.open(folder / "catalog/catalog.db", host=HOST, now=clock)
    configuration = Configuration(
        application=Application(hostname=HOST),
        instances=(place.instance,),
        catalog=CatalogSettings(path=folder / "catalog/catalog.db"),
        storage=Storage(base_path=folder / "backups", retention=POLICY),
    )
    accounts = Accounts(Login("", Secret("")))
    return Bench(place, Workspace(configuration, catalog, Store(folder / "backups"), accounts, clock))  # type: ignore[arg-type]


def written(path: Path, content: bytes) -> None:
    """Put another file in the place of one that tests share."""
    path.unlink()
    path.write_bytes(content)


def night(bench: Bench, clock: Steps) -> BackupRow:
    """Let a day pass and back up."""
    clock.at += DAY
    return bench.backup("shop")


def pruned_now(bench: Bench) -> Outcome:
    """Prune the database."""
    return prune(bench.workspace, SHOP, silent)


def states(bench: Bench) -> list[str]:
    """Return the states of all backups, oldest first."""
    return [row.state for row in reversed(backups(bench.workspace.catalog))]


def files_of(bench: Bench, row: BackupRow) -> list[bool]:
    """Say which files of a backup are there: the dump, its checksum, its metadata."""
    name = ArtifactName(row.path or "")
    return [bench.workspace.store.size(path) is not None for path in (name.dump, name.checksum, name.metadata)]


def events(bench: Bench, *kinds: type[Event]) -> list[Event]:
    """Return the events of some types, in order."""
    return [r.event for r in recorded(bench.workspace.catalog) if isinstance(r.event, kinds)]
