"""A store of one's own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transport.fakes import Children, own_children
from vya_backup.transport.storage import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store whose base path does not exist yet."""
    return Store(tmp_path / "base")


@pytest.fixture
def new_children() -> Children:
    """Tell the processes that the test has started and not reaped; the servers of other tests are older."""
    before = own_children()
    return lambda: own_children() - before
