"""An SQLite database as its schema table tells it, with the header's settings, and every row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.comparison.difference import Snapshot, digest

SETTINGS = ("user_version", "application_id", "encoding", "auto_vacuum", "page_size")
# A virtual table keeps its rows in tables of its own, which are compared; asking it could need an extension.
ORDINARY = "type = 'table' AND name NOT LIKE 'sqlite!_stat%' ESCAPE '!' AND sql NOT LIKE 'CREATE VIRTUAL%'"


def snapshot(path: Path) -> Snapshot:
    """Read the file without writing to it; two snapshots of one database are equal."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes  # text that is no UTF-8 must compare too
        objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        names = [name.decode() for (name,) in connection.execute(f"SELECT name FROM sqlite_schema WHERE {ORDINARY}")]
        found = {"schema": {f"{kind.decode()} {name.decode()}": repr((on, sql)) for kind, name, on, sql in objects}}
        found["settings"] = {name: str(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in SETTINGS}
        found["rows"] = {name: _digest(connection, name) for name in names}
    return found


def _digest(connection: sqlite3.Connection, table: str) -> str:
    name = '"' + table.replace('"', '""') + '"'
    hidden = [row[1].decode() for row in connection.execute(f"PRAGMA table_xinfo({name})")]
    columns = ", ".join('"' + column.replace('"', '""') + '"' for column in hidden)
    return digest(repr(row).encode() for row in connection.execute(f"SELECT {columns} FROM {name}"))
