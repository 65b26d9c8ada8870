"""Each engine keeps the contract; a new one adds a class of a few lines here and its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.contract import EngineContract, Place
from tests.engines.places import ServerPlace, SqlitePlace
from tests.servers import Servers


class TestPostgresql15(EngineContract):
    """PostgreSQL 15."""

    @pytest.fixture
    def place(self, servers: Servers) -> Place:
        return ServerPlace(servers.shared("postgresql_15"))


class TestPostgresql18(EngineContract):
    """PostgreSQL 18."""

    @pytest.fixture
    def place(self, servers: Servers) -> Place:
        return ServerPlace(servers.shared("postgresql_18"))


class TestMariadb(EngineContract):
    """MariaDB."""

    @pytest.fixture
    def place(self, servers: Servers) -> Place:
        return ServerPlace(servers.shared("mariadb"))


class TestMysql(EngineContract):
    """MySQL."""

    @pytest.fixture
    def place(self, servers: Servers) -> Place:
        return ServerPlace(servers.shared("mysql"))


class TestSqlite(EngineContract):
    """SQLite."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SqlitePlace(tmp_path / "data")
