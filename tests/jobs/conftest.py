"""A workspace with one SQLite database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.contract import Accounts, Bench
from tests.engines.places import SqlitePlace
from tests.jobs.nights import nights, post
from vya_backup.history.catalog import Catalog
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import CatalogSettings, Configuration
from vya_backup.settings.storage_model import Storage
from vya_backup.transport.storage import Store

__all__ = ["bench", "nights", "post"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A workspace with one SQLite database `shop`."""
    place = SqlitePlace(tmp_path / "data")
    place.make("shop")
    catalog = Catalog.open(tmp_path / "catalog/catalog.db", host="testhost")
    configuration = Configuration(
        instances=(place.instance,),
        catalog=CatalogSettings(path=tmp_path / "catalog/catalog.db"),
        storage=Storage(base_path=tmp_path / "backups"),
    )
    store = Store(configuration.storage.base_path)
    yield Bench(place, Workspace(configuration, catalog, store, Accounts(Login("", Secret("")))))  # type: ignore[arg-type]
    catalog.close()
