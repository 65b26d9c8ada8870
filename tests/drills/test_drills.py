"""A drill proves that a backup restores: in a private server, from the artifact alone, and nothing stays of it."""

from __future__ import annotations

from typing import cast

import pytest

from tests.drills.conftest import Drills, configure
from tests.project import Project
from tests.samples import SHARED, build_mysql, build_pagila, build_postgresql, build_sakila, build_sqlite
from tests.servers import Kind, MySqlServer, PostgresqlServer, Servers, TestServer

SAMPLE = "harbour office"
OFTEN: dict[str, list[Kind]] = {
    "kind": ["postgresql_15", "mariadb"],
    "kind_of_others": ["postgresql_15"],
}
ALSO_WITH_LONG: dict[str, list[Kind]] = {
    "kind": ["postgresql_18", "mysql"],
    "kind_of_others": ["postgresql_18", "mariadb", "mysql"],
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every kind of server with `--long`."""
    for name, often in OFTEN.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, often + (ALSO_WITH_LONG[name] if metafunc.config.getoption("--long") else []))


def test_the_sample_of_each_engine_is_proved_restorable(servers: Servers, drills_of: Drills, kind: Kind) -> None:
    """With the roles and definers that it needs made up, under the settings that break careless restores."""
    server = servers.shared(kind)
    build(server, SAMPLE)
    project = drills_of(source=server)
    assert project.run("backup", "--database", SAMPLE).status == 0
    server.drop_database(SAMPLE)
    before = server.databases()

    done = project.run(f"drill:source/{SAMPLE}")

    assert done.status == 0, done.said
    assert "proved restorable" in done.out
    (drilled,) = project.events("type = 'drilled'")
    assert (drilled["data"]["verdict"], drilled["data"]["sandbox"]) == ("pass", "bubblewrap")
    assert drilled["data"]["rows"] > 4000
    assert server.databases() == before


def test_the_sample_file_is_proved_restorable(files: Project) -> None:
    """Written, checked and counted by the program behind the walls."""
    build_sqlite(files.database("harbour"))
    assert files.run("backup").status == 0

    done = files.run("drill:local/harbour")

    assert done.status == 0, done.said
    assert [event["data"]["verdict"] for event in files.events("type = 'drilled'")] == ["pass"]


def test_a_file_is_drilled_where_the_path_is_too_long_for_a_socket(files: Project) -> None:
    """Nothing serves it, so that no socket limits the folder."""
    folder = files.folder / ("long" * 30)
    folder.mkdir()
    configure(files, {"folder": str(folder)})
    assert files.run("backup").status == 0

    done = files.run("drill:local/shop")

    assert done.status == 0, done.said


def test_other_peoples_databases_are_proved_restorable(
    servers: Servers, drills_of: Drills, kind_of_others: Kind
) -> None:
    """Pagila and Sakila, where the samples are beside the checkout; the run says whether they were."""
    if not SHARED.is_dir():
        print(f"no sample databases in {SHARED}: the project's own are the only ones")
        return
    server = servers.shared(kind_of_others)
    name = "pagila" if isinstance(server, PostgresqlServer) else "sakila"
    server.drop_database(name)
    if isinstance(server, PostgresqlServer):
        build_pagila(server, name)
    else:
        build_sakila(cast(MySqlServer, server))
    project = drills_of(source=server)
    assert project.run("backup", "--database", name).status == 0
    server.drop_database(name)

    done = project.run(f"drill:source/{name}")

    assert done.status == 0, done.said
    print(done.out)


def build(server: TestServer, name: str) -> None:
    """Make the sample of the server's engine."""
    server.drop_database(name)
    if isinstance(server, PostgresqlServer):
        build_postgresql(server, name)
    else:
        build_mysql(cast(MySqlServer, server), name)
