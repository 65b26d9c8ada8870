"""Fixtures of the catalog's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.history.samples import opened
from vya_backup.history.catalog import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A new catalog on the real clock."""
    catalog = opened(tmp_path)
    yield catalog
    catalog.close()
