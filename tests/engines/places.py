"""Where the contract's databases live: a test server, or a folder of files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.engines.contract import ITEMS, Place
from tests.servers import TestServer
from vya_backup.settings.model import Instance

CONTENT = (
    "CREATE TABLE item (id integer PRIMARY KEY, name varchar(100))",
    "INSERT INTO item VALUES " + ", ".join(f"({n}, 'it''s (thing), {n};')" for n in range(ITEMS)),
    "CREATE VIEW few AS SELECT name FROM item WHERE id < 10",
)


class ServerPlace(Place):
    """A database server of the tests."""

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.instance = server.instance("place")
        self.username, self.password = server.superuser, server.password
        self.client_folder = server.client_folder

    def make(self, name: str) -> None:
        self.server.create_database(name)
        for statement in CONTENT:
            self.server.sql(statement, name)

    def drop(self, name: str) -> None:
        self.server.drop_database(name)

    def execute(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        return self.server.sql(statement, name)

    def names(self) -> list[str]:
        return sorted(self.server.databases())


class SqlitePlace(Place):
    """A folder of SQLite files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.instance = Instance(id="place", type="sqlite", path=str(folder / "*.db"))

    def make(self, name: str) -> None:
        for statement in CONTENT:
            self.execute(name, statement)

    def drop(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)

    def execute(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._file(name))) as connection, connection:
            return connection.execute(statement).fetchall()

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.db"))

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.db"
