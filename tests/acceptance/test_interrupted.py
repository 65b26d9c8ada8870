"""Runs that are stopped or killed: what they leave, and how the next run makes it good."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import (
    alive,
    build,
    ended,
    failures,
    family,
    held,
    in_mid_dump,
    in_mid_restore,
    life,
    rows_of,
    wait_for,
    waiting,
)
from tests.project import CONFIGURATION, Project, new_project
from tests.servers import Servers, TestServer


@pytest.fixture(params=["postgresql_15", "mariadb"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[TestServer]:
    """One server of each family with a small database."""
    found = servers.shared(request.param)
    build(found)
    yield found
    found.drop_database("shop")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_during_a_dump_ends_everything_in_order(
    server: TestServer, project_with: Setup, number: signal.Signals, status: int
) -> None:
    """The shell's exit status, `failed` with `interrupted`, no process and no file left; the next run dumps."""
    project = project_with(source=server)
    with in_mid_dump(project, server) as process:
        children = family(process.pid)[1:]
        process.send_signal(number)
        done = ended(process)

    assert done.status == status
    assert life(project) == ["started", "failed"]
    assert failures(project) == ["interrupted"]
    assert alive(children) == []
    assert project.files() == []
    assert project.run("backup").status == 0


def test_a_run_killed_in_mid_dump_is_closed_and_swept_by_the_next_one(server: TestServer, project_with: Setup) -> None:
    """`abandoned`, no leftovers, a good backup; and the run after that changes nothing at all."""
    project = project_with(source=server)
    with in_mid_dump(project, server) as process:
        children = family(process.pid)[1:]
        left = wait_for(lambda: project.files(".*.partial"), process)
        process.kill()
        process.communicate()
        wait_for(lambda: not alive(children))

    assert left
    assert life(project) == ["started"]
    assert project.run("backup").status == 0
    assert life(project) == ["started", "abandoned", "started", "dumped", "checksummed"]
    assert len(project.files()) == 3
    before = (project.events(), project.files())
    assert project.run("backup").status == 0
    assert (project.events(), project.files()) == before


@pytest.mark.parametrize("event", ["dumped", "checksummed"])
def test_a_run_killed_after_its_dump_leaves_only_the_checksum_to_do(tmp_path: Path, event: str) -> None:
    """Killed while it appends that event: the published dump is kept, read back by the next run, and good."""
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (v int)")
    assert project.run("backup", "--list-databases").status == 0
    _catalog(project, STALL.format(event=event))
    process = project.start("backup")
    wait_for(lambda: project.files("shop_*.db.gz") and (event == "dumped" or "dumped" in project.types()), process)
    process.kill()
    process.communicate()
    _catalog(project, "DROP TRIGGER stall")
    was, files = life(project), project.files()

    done = project.run("backup")

    assert done.status == 0, done.said
    assert was == (["started"] if event == "dumped" else ["started", "dumped"])
    assert life(project) == ["started", "dumped", "checksummed"]
    assert project.files() == files
    assert project.run("audit").status == 0


STALL = """CREATE TRIGGER stall BEFORE INSERT ON events WHEN NEW.type = '{event}' BEGIN
    SELECT count(*) FROM (WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c); END"""
"""Makes the append of an event last for ever."""


def _catalog(project: Project, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(project.folder / "catalog/catalog.db")) as connection, connection:
        connection.execute(statement)


def test_the_second_of_two_runs_says_who_is_at_work_and_dumps_nothing(server: TestServer, project_with: Setup) -> None:
    """It names the process and fails; the first one ends well, and there is one dump."""
    project = project_with(source=server)
    with held(server):
        first = project.start("backup")
        wait_for(lambda: waiting(server), first)
        second = project.run("backup")
    done = ended(first)

    assert second.status == 1
    assert f"process {first.pid} " in second.said
    assert done.status == 0, done.said
    assert life(project) == ["started", "dumped", "checksummed"]


def test_a_restore_stopped_in_its_middle_is_taken_back(server: TestServer, project_with: Setup) -> None:
    """SIGTERM in mid-load: exit 143, `restore_failed`, nothing beside the database, its rows untouched."""
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    server.sql("UPDATE customers SET name = 'changed later'", "shop")
    names = server.databases()
    with in_mid_restore(project, server) as process:
        children = family(process.pid)[1:]
        process.send_signal(signal.SIGTERM)
        done = ended(process)
        left = alive(children)

    assert done.status == 143, done.said
    assert [event["data"]["code"] for event in project.events("type = 'restore_failed'")] == ["interrupted"]
    assert left == []
    assert server.databases() == names
    assert {name for _id, name in rows_of(server)} == {"changed later"}


def test_a_restore_killed_in_its_middle_is_put_right_by_the_next_run(server: TestServer, project_with: Setup) -> None:
    """Its staging database is dropped by the name that the catalog holds; a stranger's of that kind is left alone."""
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    server.create_database("vya_staging_strange")
    names = set(server.databases())
    with in_mid_restore(project, server) as process:
        process.kill()
    (left,) = set(server.databases()) - names

    done = project.run("backup", "--database", "shop")
    again = project.run("backup", "--database", "shop")
    remaining = set(server.databases())
    server.drop_database("vya_staging_strange")

    assert (done.status, again.status) == (0, 0), done.said
    assert left in " ".join(done.said.split())
    assert remaining == names
    assert len(rows_of(server)) == 3
    (closed,) = project.events("type = 'restore_failed'")
    assert (closed["data"]["code"], closed["data"]["left"]) == ("abandoned", "")
    assert any(left in deed for deed in closed["data"]["mended"])
    assert "cut off" not in again.said


def test_a_server_that_cannot_be_reached_is_asked_again_by_the_run_after(
    server: TestServer, project_with: Setup
) -> None:
    """Nothing is closed before it is right: the staging database stays known, and goes when the server is back."""
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    names = set(server.databases())
    with in_mid_restore(project, server) as process:
        process.kill()
    configuration = (project.folder / "config/config.yaml").read_text()
    project.configure(configuration.replace(f"port: {server.port}", "port: 1"))

    away = project.run("backup")
    closed = project.events("type = 'restore_failed'")
    project.configure(configuration)
    back = project.run("backup", "--database", "shop")

    assert "the next run tries again" in " ".join(away.said.split())
    assert closed == []
    assert back.status == 0, back.said
    assert set(server.databases()) == names
