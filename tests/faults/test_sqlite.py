"""Every effect of each main command, on SQLite files, fails or kills, in turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.trouble import change
from tests.faults import promises
from tests.faults.conftest import Demand
from tests.faults.sweep import Scenario
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


def piled_up(folder: Path) -> Project:
    """Return a project with three good backups of `shop`, of which the policy keeps one."""
    project = prepared(folder)
    change(
        project,
        storage={"retention": {"keep_last": 1, "daily_keep": 0, "weekly_keep": 0, "monthly_keep": 0, "safety_days": 0}},
    )
    for _ in range(2):
        assert project.run("backup", "--force").status == 0
    return project


def without_snapshot(folder: Path) -> Project:
    """Return a project whose next run copies the whole catalog, as once a week."""
    project = prepared(folder)
    for path in (project.folder / "backups").rglob("@catalog/**/snapshot-*"):
        path.unlink()
    return project


UNATTENDED = """\
backup: {parallel: 1}
hooks:
  - {name: first, when: before_run, command: [/bin/true]}
  - {name: each, when: before_backup, command: [/bin/true]}
  - {name: last, when: after_run, command: [/bin/true]}
notifications:
  email:
    {enabled: true, smtp_host: 127.0.0.1, smtp_port: 1, security: none, give_up_seconds: 1,
    from_address: a@example.org, success_recipients: [b@example.org]}
"""


def unattended(folder: Path) -> Project:
    """Return a project with something due, programs around it, and a mail server that is not there."""
    project = due(folder)
    project.configure(CONFIGURATION + UNATTENDED)
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


def pruned(project: Project) -> Iterator[str]:
    """Yield what retention should have removed."""
    if len(promises.good_backups(project)) != 1:
        yield "more than one backup is kept"


def looked_at(word: str) -> Callable[[Project], Iterator[str]]:
    """Return a judge: every good backup was verified, or drilled."""

    def judge(project: Project) -> Iterator[str]:
        for row in promises.good_backups(project).values():
            if row[word] is None:
                yield f"{row['path']} lacks its {word}"

    return judge


def held(project: Project) -> Iterator[str]:
    """Yield what a hold should have left."""
    if len(promises.held_backups(project)) != 1:
        yield "nothing is held"


def sound(project: Project) -> Iterator[str]:
    """Yield what an audit of the catalog and its copies finds."""
    done = project.run("audit")
    if done.status:
        yield f"the audit fails: {done.said.strip()[-300:]}"


RESTORE = ("run", "-n", "0", "restore:local/shop")
SCENARIOS = [
    Scenario("backup", ("run", "-n", "0", "backup"), due, whole("shop", "other"), ("dump",), backed_up),
    Scenario(
        "restore over", (*RESTORE, "--force"), prepared, whole("shop"),
        ("receive", "save", "replace", "discard"), holds("shop", OLD), repeatable=False,
    ),
    Scenario(
        "prune", ("run", "-n", "0", "prune"), piled_up, whole("shop"), (), pruned, telling=(r"KILL at .*unlink.*\.gz",)
    ),
    Scenario(
        "catalog rebuild", ("catalog", "rebuild"), prepared, whole("shop"), (), sound,
        without_catalog=True, telling=(r"KILL at .*unlink.*\.rebuilding\"", r"ENOSPC at .*pwrite64.*\.rebuilding>"),
    ),
    Scenario(
        "hold", ("hold", "--backup", "0", "--reason", "why"), without_snapshot, whole("shop"), (), held,
        telling=(r"KILL at .*unlink.*catalog-snapshot.db\"",),
    ),
    Scenario(
        "restore beside", (*RESTORE, "--to", "copy", "--force"), prepared,
        whole("copy", may_be_missing=True), ("publish",), holds("copy", OLD), repeatable=False,
    ),
    Scenario(
        "verify", ("run", "-n", "0", "verify"), prepared, whole("shop"), (), looked_at("verified_at"), repeatable=False
    ),
    Scenario(
        "drill", ("run", "-n", "0", "verify:local/shop", "--drill"), prepared, whole("shop"), (),
        looked_at("drilled_at"), repeatable=False,
    ),
    Scenario(
        "a timer's run", ("schedule", "run", "backup"), unattended, whole("shop", "other"), (), backed_up,
        repeatable=False,
    ),
]  # fmt: skip


OFTEN, SAMPLE = 5, 1
"""So many scenarios are swept by default, with so many faults; those behind them do nothing that those do not."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every scenario with `--long`."""
    if "scenario" in metafunc.fixturenames:
        wanted = SCENARIOS if metafunc.config.getoption("--long") else SCENARIOS[:OFTEN]
        metafunc.parametrize("scenario", wanted, ids=lambda scenario: scenario.name)


def test_no_failing_system_call_breaks_a_promise(scenario: Scenario, no_promise_breaks: Demand) -> None:
    """Failed and killed at each effect, for the run and its tools; in the short form at some, by a fixed seed."""
    no_promise_breaks(scenario, SAMPLE)
