"""A MySQL or MariaDB database as SHOW CREATE and the privilege tables tell it, and every row, byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pymysql

from tests.comparison.difference import Snapshot, digest
from tests.servers.mysql import MySqlServer, quoted

# What SHOW CREATE tells besides the definition: the moment of creation changes with every restore.
MOMENTS = frozenset({"Created", "Last_altered"})
# MySQL shows a column's character set beside its collation only when it was written so, which a dump changes.
REDUNDANT_CHARSET = re.compile(r"CHARACTER SET (\w+) (COLLATE \1_\w+)")
PRIVILEGES = {
    "db": "Host, User",
    "tables_priv": "Host, User, Table_name",
    "columns_priv": "Host, User, Table_name, Column_name",
    "procs_priv": "Host, User, Routine_name, Routine_type",
}
SHAPES = ("point", "linestring", "polygon", "geometry", "geomcollection", "geometrycollection")
SPATIAL = frozenset(SHAPES) | {f"multi{shape}" for shape in SHAPES[:3]}
TOLD_AS_TEXT = frozenset({"json", "date", "datetime", "timestamp", "time"})
NUMBERS = frozenset({"double", "decimal", "year"})
BASE_TABLES = "'BASE TABLE', 'SYSTEM VERSIONED'"


def snapshot(server: MySqlServer, database: str) -> Snapshot:
    """Ask for every object and read every row; two snapshots of one database are equal."""
    with server.connect(database) as connection:
        _run(connection, "SET SESSION sql_mode = '', time_zone = '+00:00'")
        tables = _names(connection, database, BASE_TABLES)
        found: Snapshot = {"database": _properties(connection, database)}
        found["tables"] = {name: _created(connection, "TABLE", name) for name in tables}
        found["views"] = {name: _view(connection, database, name) for name in _names(connection, database, "'VIEW'")}
        found["sequences"] = dict(_sequences(connection, database))
        found["routines"] = dict(_routines(connection, database))
        found["triggers"] = dict(_triggers(connection, database))
        found["events"] = dict(_events(connection, database))
        found["grants"] = dict(_grants(connection, database))
        found["rows"] = {name: _rows(connection, database, name) for name in tables}
        found["history"] = {
            name: _history(connection, name) for name in _names(connection, database, "'SYSTEM VERSIONED'")
        }
    return found


def _run(connection: pymysql.Connection[Any], statement: str, *parameters: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())


def _names(connection: pymysql.Connection[Any], database: str, types: str) -> list[str]:
    question = f"SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type IN ({types})"
    return [name for (name,) in _run(connection, question, database)]


def _properties(connection: pymysql.Connection[Any], database: str) -> dict[str, str]:
    columns = "default_character_set_name, default_collation_name"
    question = f"SELECT {columns} FROM information_schema.schemata WHERE schema_name = %s"
    return {"properties": " ".join(_run(connection, question, database)[0])}


def _created(connection: pymysql.Connection[Any], kind: str, name: str) -> str:
    """Return what SHOW CREATE says, without names' own column and without moments."""
    with connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(f"SHOW CREATE {kind} {quoted(name)}")
        row = dict(cursor.fetchall()[0])
    told = "\n".join(f"{key}: {value}" for key, value in row.items() if key not in MOMENTS)
    return REDUNDANT_CHARSET.sub(r"\2", told)


def _view(connection: pymysql.Connection[Any], database: str, name: str) -> str:
    """Return a view's definition; the server writes its own database into it, which a new name changes."""
    return _created(connection, "VIEW", name).replace(f"{quoted(database)}.", "")


def _sequences(connection: pymysql.Connection[Any], database: str) -> Iterator[tuple[str, str]]:
    for name in _names(connection, database, "'SEQUENCE'"):
        yield name, f"{_created(connection, 'SEQUENCE', name)}\n{_run(connection, f'SELECT * FROM {quoted(name)}')}"


def _routines(connection: pymysql.Connection[Any], database: str) -> Iterator[tuple[str, str]]:
    question = "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = %s"
    for kind, name in _run(connection, question, database):
        yield f"{kind} {name}", _created(connection, kind, name)


def _triggers(connection: pymysql.Connection[Any], database: str) -> Iterator[tuple[str, str]]:
    question = "SELECT trigger_name, action_order FROM information_schema.triggers WHERE trigger_schema = %s"
    for name, order in _run(connection, question, database):
        yield name, f"order {order}\n{_created(connection, 'TRIGGER', name)}"


def _events(connection: pymysql.Connection[Any], database: str) -> Iterator[tuple[str, str]]:
    question = "SELECT event_name, status, event_comment FROM information_schema.events WHERE event_schema = %s"
    for name, status, comment in _run(connection, question, database):
        yield name, f"{status} {comment}\n{_created(connection, 'EVENT', name)}"


def _grants(connection: pymysql.Connection[Any], database: str) -> Iterator[tuple[str, str]]:
    """Give what accounts may do with this database and its objects, but when and by whom it was granted."""
    for table, keys in PRIVILEGES.items():
        with connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(f"SELECT * FROM mysql.{table} WHERE Db = %s OR Db = %s", (database, _pattern(database)))
            for row in cursor.fetchall():
                told = {key: value for key, value in row.items() if key not in {"Timestamp", "Grantor", "Db"}}
                yield f"{table} {' '.join(str(row[key]) for key in keys.split(', '))}", str(told)


def _pattern(database: str) -> str:
    return database.replace("_", "\\_").replace("%", "\\%")


def _rows(connection: pymysql.Connection[Any], database: str, table: str) -> str:
    of_table = "information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
    columns = _run(connection, f"SELECT column_name, data_type FROM {of_table}", database, table)
    asked = ", ".join(_exact(name, kind) for name, kind in columns)
    return digest(repr(row).encode() for row in _run(connection, f"SELECT {asked} FROM {quoted(table)}"))


def _exact(name: str, kind: str) -> str:
    """Return an expression that shows every bit: the client would round FLOAT and refuse zero dates."""
    column = quoted(name)
    if kind == "float":
        return f"CAST({column} AS double)"
    if kind in SPATIAL:
        return f"CONCAT(ST_SRID({column}), HEX(ST_AsBinary({column})))"
    if kind in TOLD_AS_TEXT:
        return f"HEX(CAST({column} AS char CHARACTER SET utf8mb4))"
    return column if kind in NUMBERS else f"HEX({column})"


def _history(connection: pymysql.Connection[Any], table: str) -> str:
    """Digest every version of every row of a system-versioned table, with its times."""
    rows = _run(
        connection, f"SELECT *, CAST(row_start AS char), CAST(row_end AS char) FROM {quoted(table)} FOR SYSTEM_TIME ALL"
    )
    return digest(repr(row).encode() for row in rows)
