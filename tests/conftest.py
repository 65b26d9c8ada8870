"""Fixtures of all tests: real servers, one per kind and test process, and fresh ones for tests that kill them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests import leaks
from tests.servers import MySqlServer, PostgresqlServer, Servers, TestServer
from vya_backup import redaction


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the sweeps and random walks be asked for in full."""
    parser.addoption("--long", action="store_true", help="every fault, every kill and long walks: hours, not seconds")
    parser.addoption("--kills", type=int, default=0, help="how many random kills; by default 1000 of the long form")
    parser.addoption("--seed", type=int, default=20260109, help="the seed of the random kills and walks")
    parser.addoption("--shard", default="1/1", help="which part of sweeps and walks: 1/4 is the first of four")


def pytest_configure(config: pytest.Config) -> None:
    """Make known what marks a form of a test that only `--long` takes."""
    config.addinivalue_line("markers", "long_for(name, …): with these parameters only where --long is said")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long forms: the same test runs in full on another kind of server."""
    if config.getoption("--long"):
        return
    left_out = [item for item in items if _is_long(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_long(item: pytest.Item) -> bool:
    names = {name for mark in item.iter_markers("long_for") for name in mark.args}
    return isinstance(item, pytest.Function) and hasattr(item, "callspec") and item.callspec.id in names


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the tests that pick a sample should take all."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How many random kills were asked for, 0 where nothing was said."""
    return int(request.config.getoption("--kills"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of the random kills and walks."""
    return int(request.config.getoption("--seed"))


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """All servers of this test process; none is started before it is asked for."""
    park = Servers()
    try:
        yield park
    finally:
        park.close()


@pytest.fixture
def postgresql_15(servers: Servers) -> PostgresqlServer:
    """The session's PostgreSQL 15."""
    return cast(PostgresqlServer, servers.shared("postgresql_15"))


@pytest.fixture
def postgresql_18(servers: Servers) -> PostgresqlServer:
    """The session's PostgreSQL 18."""
    return cast(PostgresqlServer, servers.shared("postgresql_18"))


@pytest.fixture
def mariadb(servers: Servers) -> MySqlServer:
    """The session's MariaDB."""
    return cast(MySqlServer, servers.shared("mariadb"))


@pytest.fixture
def mysql(servers: Servers) -> MySqlServer:
    """The session's MySQL."""
    return cast(MySqlServer, servers.shared("mysql"))


@pytest.fixture
def fresh_server(servers: Servers) -> Iterator[Callable[..., Any]]:
    """Start servers of one's own, to kill or reconfigure: `fresh_server("mariadb", max_connections="5")`.

    `follows=primary` gives a PostgreSQL standby or a read-only MariaDB replica. They end with the test.
    """
    mine: list[TestServer] = []

    def start(kind: Any, **options: Any) -> TestServer:
        mine.append(servers.fresh(kind, **options))
        return mine[-1]

    yield start
    servers.end(*reversed(mine))


@pytest.fixture(autouse=True)
def _no_password_is_left() -> Iterator[None]:
    """Whatever the program wrote in a test is searched for the passwords that it was given."""
    leaks.forget()
    yield
    found = leaks.left()
    assert found == [], f"a password is in {', '.join(found)}"


@pytest.fixture(autouse=True)
def _secrets_of_this_test_only() -> Iterator[None]:
    """What one test keeps secret (`shop`, say) must not be masked in the next one's texts."""
    before = set(redaction._known)
    users = set(redaction._users)
    yield
    redaction._known.clear()
    redaction._known.update(before)
    redaction._users.clear()
    redaction._users.update(users)
