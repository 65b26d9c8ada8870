"""A dump and the application's locks: it waits for a bounded time, and never makes the application wait longer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import build, ended, failures, held, in_mid_dump, life, lying_tool, wait_for
from tests.servers import MySqlServer, PostgresqlServer, Servers, TestServer


@pytest.fixture(params=["postgresql_15", "mariadb", "mysql"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[TestServer]:
    """One server of each flavour with a small database."""
    found = servers.shared(request.param)
    build(found)
    yield found
    found.drop_database("shop")


@contextlib.contextmanager
def locked(server: TestServer) -> Iterator[None]:
    """Let the application lock one table exclusively."""
    if isinstance(server, PostgresqlServer):
        with server.connect("shop") as session:
            session.execute("BEGIN")
            session.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
            yield
            session.execute("ROLLBACK")
    else:
        with held(server):
            yield


def test_a_locked_table_is_waited_for_and_then_given_up(server: TestServer, project_with: Setup) -> None:
    """Each attempt ends by itself with `blocked`; once the table is free the same command succeeds."""
    settings = {"retries": 1, "lock_wait_seconds": 1, "max_blocking_seconds": 1}
    project = project_with(source=server, settings=settings)
    with locked(server):
        done = project.run("backup", "--database", "shop")

    assert done.status == 1
    assert failures(project) == ["blocked", "blocked"]
    assert project.files() == []
    assert project.run("backup", "--database", "shop").status == 0


def test_what_a_dump_reads_last_is_not_waited_for_without_end(
    postgresql_15: PostgresqlServer, project_with: Setup
) -> None:
    """A sequence that is being dropped: pg_dump's own option covers tables only."""
    build(postgresql_15)
    project = project_with(source=postgresql_15, settings={"retries": 0, "max_blocking_seconds": 1})
    with in_mid_dump(project, postgresql_15) as process:
        done = ended(process)

    assert done.status == 1
    assert failures(project) == ["blocked"]
    postgresql_15.drop_database("shop")


def test_an_application_that_waits_behind_a_dump_goes_on(server: TestServer, project_with: Setup) -> None:
    """A dump in mid-table is given up after `max_blocking_seconds`; the waiting ALTER TABLE then succeeds."""
    project = project_with(source=server, settings={"retries": 0, "max_blocking_seconds": 1})
    _grow(server)
    folder = lying_tool(project, server, SLOW_READER)
    process = project.start("backup", "--database", "shop")
    wait_for(lambda: list(folder.glob("*.reached")), process)

    alter = threading.Thread(target=server.sql, args=(f"ALTER TABLE {BIG} ADD COLUMN later int", "shop"))
    alter.start()
    try:
        done = ended(process)
    finally:
        process.kill()
        alter.join(60)

    assert not alter.is_alive()
    assert done.status == 1
    assert failures(project) == ["blocked"]
    assert life(project) == ["started", "failed"]
    assert project.files() == []


BIG = "big"
SLOW_READER = '"$REAL" "$@" | { head -c 2000000; touch "$0.reached"; exec sleep 90; }'
"""Takes a part of the dump and no more, so that the tool stays in the middle of its largest table."""


def _grow(server: TestServer) -> None:
    """Add a table that is larger than all buffers between the server and us."""
    if isinstance(server, PostgresqlServer):
        server.sql(f"CREATE TABLE {BIG} AS SELECT repeat('x', 1000) AS v FROM generate_series(1, 40000)", "shop")
        return
    assert isinstance(server, MySqlServer)
    server.sql(f"CREATE TABLE {BIG} (v varchar(1000))", "shop")
    server.sql(f"INSERT INTO {BIG} VALUES (REPEAT('x', 1000))", "shop")
    for _ in range(15):
        server.sql(f"INSERT INTO {BIG} SELECT v FROM {BIG}", "shop")
