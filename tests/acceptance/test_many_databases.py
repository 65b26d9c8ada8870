"""A thousand databases in one instance: their number is no reason to fail, or to do anything twice."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from tests.project import new_project

MANY, FEWER = 1000, 300
CONFIGURATION = """
instances:
  - {id: local, type: sqlite, path: data/*.db}
storage: {base_path: backups, min_free_percent: 0}
"""


def test_a_thousand_databases_are_backed_up_by_one_run_and_up_to_date_in_the_next(tmp_path: Path, long: bool) -> None:
    """Each gets its own good backup; the second run dumps nothing and records nothing."""
    many = MANY if long else FEWER
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("d0000", "CREATE TABLE item(name)", "INSERT INTO item VALUES ('one')")
    for number in range(1, many):
        shutil.copy(project.database("d0000"), project.database(f"d{number:04}"))

    first = project.run("backup", patience_seconds=600)
    events = Counter(project.types())
    second = project.run("backup")

    assert first.status == 0, first.err
    assert f"{many:,} done" in first.out
    assert events["checksummed"] == many
    assert len({event["database"] for event in project.events("type = 'checksummed'")}) == many
    assert len(project.files("*.db.gz")) == many
    assert second.status == 0, second.err
    assert f"{many:,} up to date" in second.out
    assert Counter(project.types()) == events
