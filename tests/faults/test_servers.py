"""A restore over a live database dies, or loses its server, at any word that it says to the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.conftest import encrypt
from tests.acceptance.trouble import LOADERS
from tests.faults.conftest import Demand
from tests.faults.sweep import Scenario
from tests.faults.tracing import Call, Fault
from tests.project import Project, new_project
from tests.servers import Kind, Servers, TestServer

OLD, NEW = [(1,), (2,), (3,)], [(1,), (2,)]
CONTENT = {
    "postgresql_15": """CREATE TABLE item (v int PRIMARY KEY); INSERT INTO item VALUES (1), (2);
        CREATE VIEW few AS SELECT v FROM item; CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';""",
    "mysql": """CREATE TABLE item (v int PRIMARY KEY); INSERT INTO item VALUES (1), (2);
        CREATE VIEW few AS SELECT v FROM item; CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1;
        CREATE TRIGGER kept BEFORE INSERT ON item FOR EACH ROW SET NEW.v = NEW.v;
        CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM item WHERE v = 0;""",
}
CONTENT["mariadb"] = CONTENT["mysql"]
KINDS: list[Kind] = ["postgresql_15", "mariadb"]
ALSO_WITH_LONG: list[Kind] = ["mysql"]
A_WEEK = 7 * 24 * 60
"""A sweep may last beyond midnight; a backup of what stands then would be the newest, and restored instead."""
RESTORE = ("run", "-n", "0", "restore:source/shop", "--force")
BACKUP = ("run", "-n", "0", "backup")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every kind of server with `--long`."""
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS + (ALSO_WITH_LONG if metafunc.config.getoption("--long") else []))


def spoken(call: Call) -> Iterator[Fault]:
    """Only what goes over the wire: the files are the business of the sweep with SQLite."""
    if call.name in {"sendto", "write"} and "<socket:" in call.text:
        yield Fault(call, "KILL")
        yield Fault(call, "ECONNRESET")


def reset(server: TestServer, kind: str) -> None:
    """Make `shop` again as it is before each restore: three rows, where the backup has two."""
    for name in server.databases():
        if name == "shop" or name.startswith("vya_"):
            server.drop_database(name)
    server.create_database("shop")
    server.load(CONTENT[kind], "shop")
    server.sql("INSERT INTO item VALUES (3)", "shop")


def prepared(folder: Path, server: TestServer, kind: str, port: int = 0) -> Project:
    """Return a project with a good backup of the two rows."""
    reset(server, kind)
    server.sql("DELETE FROM item WHERE v = 3", "shop")
    project = project_of(folder, server, "shop", port=port)
    done = project.run("backup")
    assert done.status == 0, done.said
    return project


def project_of(folder: Path, server: TestServer, *databases: str, port: int = 0, **backup: object) -> Project:
    """Return a project with these databases of a server; `backup` goes to that section."""
    project = new_project(folder, configuration(server, *databases, port=port, **backup))
    encrypt(project, {"source": (server.superuser, server.password)})
    return project


def configuration(server: TestServer, *databases: str, port: int = 0, **backup: object) -> str:
    """Return the configuration of these databases of a server, which answers at another port when one is given.

    Through that port everything goes in plain text.
    """
    instance: dict[str, object] = {
        "id": "source",
        "type": server.engine,
        "host": server.host,
        "port": port or server.port,
        "users": False,
    }
    if port:
        instance["ssl"] = {"enabled": False}
    sections = {
        "application": {"hostname": "testhost"},
        "instances": [instance | {"databases": list(databases)}],
        "storage": {"base_path": "backups"},
        "scheduling": {"interval_minutes": A_WEEK},
        "backup": {"client_folders": [str(server.client_folder)], "retries": 0, "timeout_minutes": 0.1} | backup,
    }
    return yaml.safe_dump(sections)


def programs(server: TestServer) -> list[tuple[Any, ...]]:
    """Return the names of everything but tables."""
    if server.engine == "postgresql":
        return server.sql(
            "SELECT relname::text FROM pg_class WHERE relname = 'few' UNION ALL"
            " SELECT proname FROM pg_proc WHERE proname = 'one' ORDER BY 1",
            "shop",
        )
    return server.sql(
        """SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop' UNION ALL
        SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'shop' UNION ALL
        SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop' UNION ALL
        SELECT CONCAT(EVENT_NAME, STATUS) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop' ORDER BY 1"""
    )


@pytest.fixture
def scenario(kind: Kind, servers: Servers) -> Iterator[Scenario]:
    """A restore with --force on one server of each family."""
    yield restoring(kind, servers.shared(kind))
    servers.shared(kind).drop_database("shop")


def left_behind(project: Project) -> str:
    """Return what the newest restore says that it could not clean up, which the next run of anything does."""
    ends = project.events("type = 'restored'")
    return str(ends[-1]["data"].get("left", "")) if ends else ""


def restoring(kind: Kind, server: TestServer, port: int = 0) -> Scenario:
    """Return the restore of a backup of two rows over a live database of three."""
    reset(server, kind)
    whole, names = programs(server), server.databases()
    assert len(whole) in {2, 4}

    def stands(*wanted: list[tuple[int]], told: bool = False) -> Any:
        def judge(project: Project) -> Iterator[str]:
            left = left_behind(project) if told else ""
            if {name for name in server.databases() if name not in left} != set(names):
                yield f"databases are {server.databases()}, and were {names}"
            rows = server.sql("SELECT v FROM item ORDER BY v", "shop")
            if rows not in wanted:
                yield f"shop holds {rows}"
            if programs(server) != whole:
                yield f"of {whole}, shop has {programs(server)}"

        return judge

    return Scenario(
        f"restore on {kind}",
        RESTORE,
        lambda folder: prepared(folder, server, kind, port),
        lambda project: iter(()),
        tools=(str(server.client_folder / LOADERS[server.engine]),),
        converged=stands(NEW, told=True),
        repeatable=False,
        reset=lambda: reset(server, kind),
        mended=stands(OLD, NEW),
        faults=spoken,
    )


@pytest.mark.long_for("postgresql_15")
def test_no_word_to_the_server_at_which_a_restore_dies_breaks_a_promise(
    scenario: Scenario, no_promise_breaks: Demand
) -> None:
    """After the next run the old or the new database stands whole and alone; the same command then converges."""
    no_promise_breaks(scenario, 1)
