"""Both families behind one fixture, and a database of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.servers import MySqlServer, Servers

_numbers = count(1)


@pytest.fixture(params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest, servers: Servers) -> MySqlServer:
    """A MariaDB and a MySQL, one after the other."""
    return servers.shared(request.param)  # type: ignore[return-value]


@pytest.fixture
def make(server: MySqlServer) -> Iterator[Callable[..., str]]:
    """Create databases with a script; they, and all that was restored beside them, are gone after the test."""
    before = set(server.databases())

    def create(script: str | bytes = "", name: str = "") -> str:
        database = name or f"db_{next(_numbers)}"
        server.create_database(database)
        server.load(script, database)
        return database

    yield create
    for database in set(server.databases()) - before:
        server.drop_database(database)
