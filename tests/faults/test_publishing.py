"""Every effect of publishing the catalog fails or kills, in turn: the copy is whole, as far as it goes, at any time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Demand
from tests.faults.sweep import Scenario
from tests.project import CONFIGURATION, Project, new_project

SHOWN = "shown/catalog.db"
SAMPLE = 2


def behind(folder: Path) -> Project:
    """Return a project whose published copy lacks the events of a whole run."""
    project = anew(folder)
    assert project.run("catalog", "publish").status == 0
    published, kept = project.folder / SHOWN, project.folder / "kept.db"
    shutil.copy2(published, kept)
    assert project.run("backup", "--force").status == 0
    published.unlink()
    kept.rename(published)
    return project


def anew(folder: Path) -> Project:
    """Return a project that has backups, and whose catalog was never published."""
    project = new_project(folder, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (v int)")
    assert project.run("backup").status == 0
    project.configure(CONFIGURATION + f"catalog: {{published_path: {SHOWN}}}\n")
    return project


def events(path: Path) -> list[tuple[Any, ...]]:
    """Return all events of a file as whoever may write it sees them, so that what was cut off is rolled back."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT * FROM events ORDER BY id").fetchall()


def is_a_beginning(project: Project) -> Iterator[str]:
    """Yield what is wrong with the copy: it is absent, or the catalog up to some event."""
    copy = project.folder / SHOWN
    if copy.exists():
        there, all_of_it = events(copy), events(project.catalog)
        if not there or there != all_of_it[: len(there)]:
            yield f"the copy's {len(there)} events are not the beginning of the catalog"


def is_complete(project: Project) -> Iterator[str]:
    """Yield what a copy lacks that is said to be up to date; nothing else is in its folder."""
    copy = project.folder / SHOWN
    if events(copy) != events(project.catalog):
        yield "the copy is not the catalog"
    if left := [path.name for path in copy.parent.iterdir() if path != copy]:
        yield f"beside the copy lies {left}"
    if copy.stat().st_mode & 0o777 != 0o640:
        yield f"the copy has mode {copy.stat().st_mode:o}"


PUBLISH = ("catalog", "publish")
SCENARIOS = [
    Scenario("publish", PUBLISH, behind, is_a_beginning, (), is_complete, telling=(r"KILL at .*unlink.*db-journal",)),
    Scenario(
        "publish anew", PUBLISH, anew, is_a_beginning, (), is_complete, telling=(r"KILL at .*unlink.*publishing",)
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_failing_system_call_breaks_the_copy(scenario: Scenario, no_promise_breaks: Demand) -> None:
    """Failed and killed at each effect; in the short form at some, by a fixed seed."""
    no_promise_breaks(scenario, SAMPLE)
