"""Real databases go there and back: dropped, restored into an empty server, under another name, over a changed one.

What comes back is compared by tests/comparison, which knows nothing of the product: objects, rows, sequences, grants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.conftest import Setup
from tests.comparison import assert_same, snapshot
from tests.samples import LOST_BY_THE_VENDORS_TOOLS, SHARED, build_mysql, build_pagila, build_postgresql, build_sakila
from tests.servers import MySqlServer, PostgresqlServer, Servers, TestServer

KINDS = ["postgresql_15", "postgresql_18", "mariadb", "mysql"]
SAMPLE = "harbour office"


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, servers: Servers) -> TestServer:
    """Each kind of server, with the repo's own sample on it."""
    server = servers.shared(request.param)
    _build(server, SAMPLE)
    yield server
    for name in (SAMPLE, "copy of it", "sakila"):
        server.drop_database(name)


def test_a_dropped_database_comes_back_as_it_was(source: TestServer, project_with: Setup) -> None:
    """Backed up, dropped, restored by one command each; nothing of the server's other content is touched."""
    project = project_with(source=source)
    before = snapshot(source, SAMPLE)
    assert project.run("backup", "--database", SAMPLE).status == 0
    source.drop_database(SAMPLE)

    done = project.run(f"restore:source/{SAMPLE}")

    assert done.status == 0, done.said
    assert_same(before, snapshot(source, SAMPLE), allowing=LOST_BY_THE_VENDORS_TOOLS[source.engine])


def test_what_the_vendors_tool_loses_is_told(source: TestServer, project_with: Setup) -> None:
    """Never silently: a warning on the screen, a gap in the metadata and in the event."""
    project = project_with(source=source)

    done = project.run("backup", "--database", SAMPLE)

    assert done.status == 0, done.said
    (dumped,) = project.events("type = 'dumped'")
    for lost in LOST_BY_THE_VENDORS_TOOLS[source.engine]:
        name = lost.partition(" ")[2]
        assert name in done.said
        assert any(name in gap["name"] for gap in dumped["data"]["gaps"])


def test_it_comes_back_into_an_empty_server(
    source: TestServer, project_with: Setup, fresh_server: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    """The accounts are there (they are another backup's), nothing else is."""
    empty = fresh_server(request.node.callspec.params["source"])
    _make_accounts(empty)
    project = project_with(source=source, empty=empty)
    before = snapshot(source, SAMPLE)
    assert project.run("backup", "--instance", "source", "--database", SAMPLE).status == 0

    done = project.run(f"restore:source/{SAMPLE}", "--target-instance", "empty")

    assert done.status == 0, done.said
    assert_same(before, snapshot(empty, SAMPLE), allowing=LOST_BY_THE_VENDORS_TOOLS[source.engine])


def test_force_replaces_a_changed_database_and_leaves_nothing_beside_it(
    source: TestServer, project_with: Setup
) -> None:
    """The old content is gone, no staging or retired database is left."""
    project = project_with(source=source)
    before = snapshot(source, SAMPLE)
    assert project.run("backup", "--database", SAMPLE).status == 0
    names = source.databases()
    _harm(source)

    refused = project.run(f"restore:source/{SAMPLE}")
    done = project.run(f"restore:source/{SAMPLE}", "--force")

    assert refused.status == 1
    assert done.status == 0, done.said
    assert_same(before, snapshot(source, SAMPLE), allowing=LOST_BY_THE_VENDORS_TOOLS[source.engine])
    assert sorted(source.databases()) == sorted(names)


def test_another_name_leaves_the_original_alone(source: TestServer, project_with: Setup) -> None:
    """Restored beside the original, with all its rows, the original unchanged."""
    project = project_with(source=source)
    assert project.run("backup", "--database", SAMPLE).status == 0
    before = snapshot(source, SAMPLE)

    done = project.run(f"restore:source/{SAMPLE}", "--to", "copy of it")

    assert done.status == 0, done.said
    assert_same(before, snapshot(source, SAMPLE))
    assert "copy of it" in source.databases()


def test_other_peoples_databases_go_there_and_back(source: TestServer, project_with: Setup) -> None:
    """Pagila and Sakila, where the shared samples are beside the checkout; the run says whether they were."""
    if not SHARED.is_dir():
        print(f"no shared sample databases in {SHARED}: the project's own are the only ones")
        return
    name = "pagila" if isinstance(source, PostgresqlServer) else "sakila"
    source.drop_database(name)
    _build_shared(source)
    project = project_with(source=source)
    before = snapshot(source, name)
    assert project.run("backup", "--database", name).status == 0
    source.drop_database(name)

    done = project.run(f"restore:{name}")

    assert done.status == 0, done.said
    assert_same(before, snapshot(source, name))
    source.drop_database(name)


def _build(server: TestServer, name: str) -> None:
    server.drop_database(name)
    if isinstance(server, PostgresqlServer):
        build_postgresql(server, name)
    else:
        assert isinstance(server, MySqlServer)
        build_mysql(server, name)


def _build_shared(server: TestServer) -> None:
    if isinstance(server, PostgresqlServer):
        build_pagila(server, "pagila")
    else:
        assert isinstance(server, MySqlServer)
        build_sakila(server)


def _make_accounts(server: TestServer) -> None:
    """Building and dropping the sample leaves its accounts."""
    _build(server, SAMPLE)
    server.drop_database(SAMPLE)


def _harm(server: TestServer) -> None:
    table = "CREATE TABLE added_later (a int)"
    if isinstance(server, PostgresqlServer):  # the sample's own settings refuse writing
        with server.connect(SAMPLE, options="-c default_transaction_read_only=off -c statement_timeout=0") as session:
            session.execute(table)
    else:
        server.sql(table, SAMPLE)
