"""A store of one's own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from vya_backup.transport.storage import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store whose base path does not exist yet."""
    return Store(tmp_path / "base")
