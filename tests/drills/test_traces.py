"""Nothing stays of a drill: no process, no folder; also when it is stopped or killed on its way."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.conftest import Drills
from tests.drills.ground import processes_about, wait_for
from tests.project import Project
from tests.servers import PostgresqlServer

LONG = {"database": "source/small", "sql": "SELECT pg_sleep(300)", "expect": 1}


@pytest.fixture
def drilling(postgresql_15: PostgresqlServer, drills_of: Drills) -> Iterator[tuple[Project, subprocess.Popen[str]]]:
    """A drill of `small` that takes five minutes, all of them with a server at work; it is waited for."""
    project = prepared(postgresql_15, drills_of)
    with project.start("drill:source/small") as process:
        yield project, process
        process.kill()


def is_at_work(ground: Path) -> bool:
    """Say whether the private server has been asked the long question."""
    return any("small" in line and "SELECT" in line for line in processes_about(ground))


def test_a_killed_drill_takes_its_server_with_it(drilling: tuple[Project, subprocess.Popen[str]], ground: Path) -> None:
    """kill -9: the kernel ends every process of it; the folder goes with the next run of anything."""
    project, process = drilling
    wait_for(lambda: is_at_work(ground))

    process.kill()
    process.wait()

    wait_for(lambda: not processes_about(ground))
    assert list(ground.iterdir()) != []
    assert project.run("backup", "--database", "small").status == 3  # the database is gone from the source
    assert list(ground.iterdir()) == []
    assert "drilled" not in project.types()


def test_a_stopped_drill_clears_up_and_another_run_leaves_it_alone(
    drilling: tuple[Project, subprocess.Popen[str]], ground: Path
) -> None:
    """Its folder is locked as long as it lives; what was stopped proves nothing, so nothing is recorded."""
    project, process = drilling
    wait_for(lambda: is_at_work(ground))
    (folder,) = ground.iterdir()

    project.run("backup", "--database", "small")
    assert list(ground.iterdir()) == [folder]
    process.terminate()
    process.wait()

    assert process.returncode == 128 + signal.SIGTERM
    assert list(ground.iterdir()) == []
    assert "drilled" not in project.types()


def prepared(server: PostgresqlServer, drills_of: Drills) -> Project:
    """Back up a database `small`, and drop it."""
    server.drop_database("small")
    server.create_database("small")
    server.sql("CREATE TABLE item (a int)", "small")
    project = drills_of(source=server, drill={"assertions": [LONG]})
    done = project.run("backup", "--database", "small")
    assert done.status == 0, done.said
    server.drop_database("small")
    return project
