"""The sample databases hold every kind of object, so that a round trip of them proves something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.comparison import snapshot
from tests.samples import build_mysql, build_postgresql, build_sqlite
from tests.servers import Kind, MySqlServer, PostgresqlServer, Servers

NAME = "samples"
ONLY_MARIADB = {"sequences", "history"}


def kinds(found: dict[str, dict[str, str]]) -> set[str]:
    """Return the kinds of which there is something."""
    return {kind for kind, things in found.items() if things}


@pytest.mark.parametrize("kind", ["postgresql_15", "postgresql_18"])
def test_the_postgresql_sample_has_something_of_every_kind(servers: Servers, kind: Kind) -> None:
    """Every question to the catalogs has an answer, and thousands of rows are there."""
    server = servers.shared(kind)
    assert isinstance(server, PostgresqlServer)
    server.drop_database(NAME)
    build_postgresql(server, NAME)
    found = snapshot(server, NAME)
    server.drop_database(NAME)
    assert kinds(found) == set(found)
    assert sum(int(told.split()[0]) for told in found["rows"].values()) > 4000


@pytest.mark.parametrize(("kind", "missing"), [("mysql", ONLY_MARIADB), ("mariadb", set())])
def test_the_mysql_samples_have_something_of_every_kind(servers: Servers, kind: Kind, missing: set[str]) -> None:
    """Tables, views, routines, triggers, events, grants; MariaDB also sequences and history."""
    server = servers.shared(kind)
    assert isinstance(server, MySqlServer)
    server.drop_database(NAME)
    build_mysql(server, NAME)
    found = snapshot(server, NAME)
    server.drop_database(NAME)
    assert set(found) - kinds(found) == missing
    assert sum(int(told.split()[0]) for told in found["rows"].values()) > 4000


def test_the_sqlite_sample_has_something_of_every_kind(tmp_path: Path) -> None:
    """Tables of every make, indexes, views and triggers."""
    build_sqlite(tmp_path / "x.db")
    found = snapshot(tmp_path / "x.db")
    assert {label.split(" ")[0] for label in found["schema"]} == {"table", "index", "view", "trigger"}
    assert found["settings"]["user_version"] == "42"
