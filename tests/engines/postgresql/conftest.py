"""Servers and databases for the PostgreSQL tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.servers import PostgresqlServer


@pytest.fixture(params=("postgresql_15", "postgresql_18"))
def server(request: pytest.FixtureRequest) -> PostgresqlServer:
    """Each version in turn."""
    found: PostgresqlServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def database(postgresql_15: PostgresqlServer, role: Callable[..., str]) -> Iterator[Callable[..., str]]:
    """Make databases on PostgreSQL 15, `database("shop", "CREATE TABLE …")`; the new ones go before the roles."""
    kept = set(postgresql_15.databases())

    def make(name: str, *statements: str) -> str:
        postgresql_15.create_database(name)
        for statement in statements:
            postgresql_15.sql(statement, name)
        return name

    yield make
    for name in set(postgresql_15.databases()) - kept:
        for (slot,) in postgresql_15.sql(
            "SELECT slot_name FROM pg_replication_slots WHERE database = %s", parameters=[name]
        ):
            postgresql_15.sql("SELECT pg_drop_replication_slot(%s)", parameters=[slot])
        postgresql_15.drop_database(name)


@pytest.fixture
def role(postgresql_15: PostgresqlServer) -> Iterator[Callable[..., str]]:
    """Make login roles on PostgreSQL 15 with the password `other secret`; they are gone afterwards."""
    made: list[str] = []

    def make(name: str, options: str = "") -> str:
        postgresql_15.sql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'other secret' {options}")
        made.append(name)
        return name

    yield make
    for name in made:
        postgresql_15.sql(f'DROP ROLE "{name}"')
