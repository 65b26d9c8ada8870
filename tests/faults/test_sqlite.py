"""Every effect of a backup and of a restore of SQLite files fails or kills, in turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.sweep import Scenario, sweep
from tests.faults.tracing import demand_strace
from tests.project import CONFIGURATION, Project, new_project

OLD, NEW = [(1,), (2,)], [(1,), (2,), (3,)]


def prepared(folder: Path) -> Project:
    """Return a project with one good backup of `shop`, which has changed since: two rows became three."""
    project = new_project(folder, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1), (2)")
    done = project.run("backup")
    assert done.status == 0, done.said
    project.execute("shop", "INSERT INTO t VALUES (3)")
    return project


def due(folder: Path) -> Project:
    """Return the same, and a second database that has no backup yet."""
    project = prepared(folder)
    project.execute("other", "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1), (2)")
    return project


def whole(*names: str, may_be_missing: bool = False) -> object:
    """Return a judge: each database is sound and holds the old or the new rows."""

    def judge(project: Project) -> Iterator[str]:
        for name in names:
            if may_be_missing and not project.database(name).exists():
                continue
            with closing(sqlite3.connect(project.database(name))) as connection:
                sound = connection.execute("PRAGMA integrity_check").fetchall()
                rows = connection.execute("SELECT v FROM t ORDER BY v").fetchall()
            if sound != [("ok",)] or rows not in (OLD, NEW):
                yield f"{name} is neither the old nor the new database: {rows}, {sound}"

    return judge


def holds(name: str, rows: list[tuple[int]]) -> object:
    """Return a judge of what stands once the command succeeded."""

    def judge(project: Project) -> Iterator[str]:
        if project.rows(name, "SELECT v FROM t ORDER BY v") != rows:
            yield f"{name} does not hold what it should"

    return judge


def backed_up(project: Project) -> Iterator[str]:
    """Yield what is due although the run succeeded."""
    if any(row["due"] for row in project.json("databases")):
        yield "something is still due"


SCENARIOS = [
    Scenario("backup", ("run", "-n", "0", "backup"), due, whole("shop", "other"), ("dump",), backed_up),
    Scenario(
        "restore over", ("run", "-n", "0", "restore:local/shop", "--force"), prepared, whole("shop"),
        ("receive", "save", "replace", "discard"), holds("shop", OLD), repeatable=False,
    ),
    Scenario(
        "restore beside", ("run", "-n", "0", "restore:local/shop", "--to", "copy", "--force"), prepared,
        whole("copy", may_be_missing=True), ("publish",), holds("copy", OLD), repeatable=False,
    ),
]  # fmt: skip


OFTEN = 2
"""So many scenarios are swept by default; a restore beside does what a backup and a restore over do."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every scenario with `--long`."""
    if "scenario" in metafunc.fixturenames:
        wanted = SCENARIOS if metafunc.config.getoption("--long") else SCENARIOS[:OFTEN]
        metafunc.parametrize("scenario", wanted, ids=lambda scenario: scenario.name)


def test_no_failing_system_call_breaks_a_promise(
    scenario: Scenario, tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failed and killed at each effect, for the run and its tools; in the short form at some, by a fixed seed."""
    demand_strace()

    report = sweep(scenario, tmp_path, None if long else 2)

    with capsys.disabled():
        print(f"\n{report}")
    assert not report.broken
