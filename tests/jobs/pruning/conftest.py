"""Five nights with a good backup each, of which every test gets its own copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.engines.contract import Bench
from tests.history.samples import Steps
from tests.jobs.pruning.nights import NIGHTS, night, opened
from vya_backup.history.views import BackupRow, backups


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """Five nights with a good backup each, made once; and when they were over."""
    folder, clock = tmp_path_factory.mktemp("nights"), Steps(datetime(2026, 1, 9, 2, tzinfo=UTC))
    bench = opened(folder, clock)
    bench.place.make("shop")
    for _ in range(NIGHTS):
        night(bench, clock)
    bench.workspace.catalog.close()
    return folder, clock.at


@pytest.fixture
def clock(original: tuple[Path, datetime]) -> Steps:
    """A clock that is set by hand; it stands at the last of the nights."""
    return Steps(original[1])


@pytest.fixture
def bench(original: tuple[Path, datetime], tmp_path: Path, clock: Steps) -> Iterator[Bench]:
    """The nights in a folder of the test's own; stored files are linked, so that they are the very ones recorded."""
    shutil.copytree(original[0] / "backups", tmp_path / "backups", copy_function=os.link)
    shutil.copytree(original[0] / "catalog", tmp_path / "catalog")
    shutil.copytree(original[0] / "data", tmp_path / "data")
    bench = opened(tmp_path, clock)
    yield bench
    bench.workspace.catalog.close()


@pytest.fixture
def nights(bench: Bench) -> list[BackupRow]:
    """The five backups, oldest first."""
    return list(reversed(backups(bench.workspace.catalog)))
