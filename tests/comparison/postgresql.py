"""A PostgreSQL database as its catalogs tell it: one question per file of `postgresql_catalogs`, and every row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.comparison.difference import Snapshot, digest
from tests.servers.postgresql import PostgresqlServer

QUESTIONS = Path(__file__).parent / "postgresql_catalogs"
# The database's own settings must not colour the answers; an empty search path makes every name a qualified one.
SESSION = {
    "search_path": "''",
    "statement_timeout": "0",
    "DateStyle": "ISO",
    "TimeZone": "UTC",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "3",
    "row_security": "off",
    "xmlbinary": "base64",
}


def snapshot(server: PostgresqlServer, database: str) -> Snapshot:
    """Ask the catalogs, then read every row; two snapshots of one database are equal."""
    with server.connect(database) as connection:
        for name, value in SESSION.items():
            connection.execute(f"SET {name} = {value}".encode())
        found = {path.stem: _answers(connection, path) for path in sorted(QUESTIONS.glob("*.sql"))}
        found["rows"] = _rows(connection)
    return found


def _answers(connection: psycopg.Connection[Any], question: Path) -> dict[str, str]:
    rows = connection.execute(question.read_bytes()).fetchall()
    answers = {str(name): json.dumps(told, ensure_ascii=False) for name, told in rows}
    assert len(answers) == len(rows), f"{question.name} gives a name twice"
    return answers


def _rows(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Digest the rows of every table and filled materialised view; partitions each by itself."""
    tables = connection.execute(
        "SELECT n.nspname, c.relname, c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind IN ('r', 'm') AND relispopulated AND nspname NOT IN ('pg_catalog', 'information_schema')"
        " AND nspname !~ '^pg_(toast|temp)'"
    ).fetchall()
    return {label: _digest(connection, schema, name) for schema, name, label in tables}


def _digest(connection: psycopg.Connection[Any], schema: str, name: str) -> str:
    question = sql.SQL('SELECT "the whole row"::text FROM ONLY {} AS "the whole row"')
    cursor = connection.execute(question.format(sql.Identifier(schema, name)))
    return digest(row.encode() for (row,) in cursor)
