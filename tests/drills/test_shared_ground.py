"""A drill on an instance that others use: only with an account that is no superuser, and nothing stays there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import encrypt
from tests.acceptance.trouble import wait_for
from tests.drills.conftest import Drills
from tests.project import Project
from tests.servers import Servers, TestServer

NAME = "small"
LEFT_BEHIND = f"vya_drill_{hashlib.sha256(b'testhost').hexdigest()[:8]}_of_a_killed_drill"
PASSWORD = "it is Tuesday"
BEFORE = {
    "postgresql": (
        f"CREATE ROLE rehearsal LOGIN CREATEDB PASSWORD '{PASSWORD}'",
        f"ALTER DATABASE {NAME} OWNER TO rehearsal",
        f"CREATE DATABASE {LEFT_BEHIND} OWNER rehearsal",
    ),
    "mariadb": (
        f"CREATE USER rehearsal IDENTIFIED BY '{PASSWORD}'",
        "GRANT SELECT, INSERT, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, EVENT, "
        "CREATE ROUTINE, ALTER ROUTINE, EXECUTE, PROCESS, SET USER ON *.* TO rehearsal",
        f"CREATE DATABASE {LEFT_BEHIND}",
    ),
}
OWNED = {"postgresql": "ALTER TABLE item OWNER TO rehearsal", "mariadb": "DO 0"}
QUIET = {"postgresql": "SELECT 1", "mariadb": "SET GLOBAL event_scheduler = OFF"}
AFTER = {
    "postgresql": (f"DROP DATABASE IF EXISTS {NAME}", "DROP ROLE IF EXISTS rehearsal"),
    "mariadb": ("SET GLOBAL event_scheduler = ON", "DROP USER IF EXISTS rehearsal"),
}
ENDLESS = {"postgresql": "SELECT count(*) FROM pg_sleep(600)", "mariadb": "SELECT SLEEP(600)"}
ASKED = {"postgresql": "pg_sleep(600)", "mariadb": "SLEEP(600)"}
RUNNING = {
    "postgresql": "SELECT query FROM pg_stat_activity WHERE query LIKE 'SELECT count%'",
    "mariadb": "SELECT info FROM information_schema.processlist WHERE info LIKE 'SELECT S%'",
}
REASONS = {"postgresql": ("its account postgres is a superuser",), "mariadb": ("superuser", "event scheduler is on")}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take both families with `--long`."""
    kinds = ["mariadb"] + (["postgresql_15"] if metafunc.config.getoption("--long") else [])
    metafunc.parametrize("server", kinds, indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[TestServer]:
    """A server with a small database, with an account for drills, and with what a killed drill left."""
    found = servers.shared(request.param)
    found.drop_database(NAME)
    found.create_database(NAME)
    found.sql("CREATE TABLE item (a int)", NAME)
    for statement in BEFORE[found.engine]:
        found.sql(statement)
    found.sql(OWNED[found.engine], NAME)
    yield found
    found.drop_database(LEFT_BEHIND)
    for statement in AFTER[found.engine]:
        found.sql(statement)


def test_a_shared_instance_takes_a_drill_without_a_superuser_only(server: TestServer, drills_of: Drills) -> None:
    """Refused with every reason; passed with an account of its own; copies of this host's dead drills are dropped."""
    project = drills_of(source=server, place=server, drill={"instance": "place"})
    assert project.run("backup", "--instance", "source", "--database", NAME).status == 0
    before = server.databases()

    refused = project.run(f"drill:source/{NAME}")
    done = drilled_with_an_account_of_its_own(project, server)

    assert refused.status == 1
    assert "cannot judge: place is no place for a drill" in refused.out
    assert all(reason in refused.out for reason in REASONS[server.engine])
    assert project.events("type = 'drilled'")[-1]["data"]["verdict"] == "pass", done
    assert project.events("type = 'drilled'")[-1]["data"]["target_instance"] == "place"
    assert server.databases() == [name for name in before if name != LEFT_BEHIND]


def test_what_a_killed_drill_left_there_is_dropped_by_the_next_run_of_anything(
    server: TestServer, drills_of: Drills
) -> None:
    """Killed while an assertion is asked, so that its copy stands; `doit backup` drops it, and once is enough."""
    endless = {"database": f"source/{NAME}", "sql": ENDLESS[server.engine], "expect": 0}
    project = drills_of(source=server, place=server, drill={"instance": "place", "assertions": [endless]})
    encrypt(project, {"source": (server.superuser, server.password), "place": ("rehearsal", PASSWORD)})
    server.sql(QUIET[server.engine])
    assert project.run("backup", "--instance", "source", "--database", NAME).status == 0
    server.drop_database(LEFT_BEHIND)
    before = server.databases()
    process = project.start(f"drill:source/{NAME}")
    wait_for(lambda: ASKED[server.engine] in str(server.sql(RUNNING[server.engine])), process)
    process.kill()
    process.communicate()
    assert len(server.databases()) == len(before) + 1

    done = project.run("backup", "--instance", "source", "--database", NAME)

    assert server.databases() == before, done.said
    assert f"a drill of source/{NAME} on place was cut off on its way" in done.out
    assert project.types().count("drill_abandoned") == 1
    assert "was cut off" not in project.run("backup", "--instance", "source", "--database", NAME).out
    assert project.types().count("drill_abandoned") == 1


def drilled_with_an_account_of_its_own(project: Project, server: TestServer) -> str:
    """Drill once more as the account for drills, while no event runs."""
    encrypt(project, {"source": (server.superuser, server.password), "place": ("rehearsal", PASSWORD)})
    server.sql(QUIET[server.engine])
    return project.run(f"drill:source/{NAME}").said
