"""Nothing stays of a drill: no process, no folder; also when it is stopped or killed on its way."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.drills.conftest import Drills
from tests.drills.ground import processes_about, wait_for
from tests.project import Project
from tests.servers import MySqlServer, PostgresqlServer, TestServer

LONG = {"database": "source/small", "sql": "SELECT pg_sleep(300)", "expect": 1}


@pytest.fixture
def drilling(postgresql_15: PostgresqlServer, drills_of: Drills) -> Project:
    """A project whose drill of `small` takes five minutes, all of them with a server at work."""
    return prepared(postgresql_15, drills_of, LONG)


def test_a_killed_drill_takes_its_server_with_it(drilling: Project, ground: Path) -> None:
    """kill -9: the kernel ends every process of it; the folder goes with the next run of anything."""
    process = drilling.start("drill:source/small")
    wait_for(lambda: any("small" in line for line in processes_about(ground)))

    process.send_signal(signal.SIGKILL)
    process.communicate()

    wait_for(lambda: not processes_about(ground))
    assert list(ground.iterdir()) != []
    assert drilling.run("backup").status == 0
    assert list(ground.iterdir()) == []
    assert "drilled" not in drilling.types()


def test_a_running_drill_is_not_swept_by_another_run(drilling: Project, ground: Path) -> None:
    """Its folder is locked as long as it lives; told to stop, it clears up and says so."""
    process = drilling.start("drill:source/small")
    wait_for(lambda: any("small" in line for line in processes_about(ground)))
    (folder,) = ground.iterdir()

    assert drilling.run("backup").status == 0
    assert list(ground.iterdir()) == [folder]
    process.send_signal(signal.SIGTERM)
    process.communicate()

    assert process.returncode == 128 + signal.SIGTERM
    assert list(ground.iterdir()) == []
    assert "drilled" not in drilling.types()


def prepared(server: TestServer, drills_of: Drills, assertion: dict[str, object]) -> Project:
    """Back up a database `small`."""
    assert isinstance(server, PostgresqlServer | MySqlServer)
    server.drop_database("small")
    server.create_database("small")
    server.sql("CREATE TABLE item (a int)", "small")
    project = drills_of(source=server, drill={"assertions": [assertion]})
    project_of_small(project)
    return project


def project_of_small(project: Project) -> None:
    """Make its first backup."""
    done = project.run("backup", "--database", "small")
    assert done.status == 0, done.said
