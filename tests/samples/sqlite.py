"""The harbour office in SQLite: every kind of table, index, trigger and name that a file can hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;
PRAGMA user_version = 42; PRAGMA application_id = 1447645508;
CREATE TABLE customer (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL COLLATE NOCASE CHECK (trim(name) <> ''), email TEXT UNIQUE,
  parent INTEGER REFERENCES customer DEFERRABLE INITIALLY DEFERRED,
  favourite INTEGER REFERENCES ship ON DELETE SET NULL,
  initial TEXT AS (substr(name, 1, 1)) VIRTUAL, shout TEXT GENERATED ALWAYS AS (upper(name)) STORED,
  since TEXT DEFAULT CURRENT_DATE
);
CREATE TABLE ship (id INTEGER PRIMARY KEY, name, deadweight REAL, owner INTEGER REFERENCES customer);
CREATE TABLE strictly (n INT, r REAL, t TEXT, b BLOB, a ANY) STRICT;
CREATE TABLE by_key (kind TEXT, at TEXT, weight NUMERIC, PRIMARY KEY (kind, at DESC)) WITHOUT ROWID;
CREATE TABLE anything (value);
CREATE TABLE empty_table (x);
CREATE TABLE audit (what TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE VIRTUAL TABLE words USING fts5(title, body);
CREATE VIRTUAL TABLE places USING rtree(id, west, east, south, north);
CREATE INDEX by_name ON customer (name COLLATE BINARY DESC) WHERE parent IS NULL;
CREATE UNIQUE INDEX by_expression ON customer (lower(email), id + 1);
CREATE VIEW rich (number, "the name") AS SELECT id, name FROM customer WHERE id > 100;
CREATE TRIGGER noted AFTER UPDATE OF name ON customer WHEN old.name <> new.name
  BEGIN INSERT INTO audit (what) VALUES ('renamed; ' || old.name); SELECT 1; END;
CREATE TRIGGER through_the_view INSTEAD OF INSERT ON rich
  BEGIN INSERT INTO customer (name) VALUES (new."the name"); END;
"""
NAMES = ["-h", "a/b", "..", "per%cent", 'quo"te', "it's", "back`tick", "two\nlines", "таблица 😀", "select", "x" * 300]
VALUES = [
    None,
    -0.0,
    float("inf"),
    5e-324,
    2**63 - 1,
    -(2**63),
    "",
    "nul\0inside",
    "😀",
    b"",
    bytes(range(256)),
    "'; DROP",
]


def build_sqlite(path: Path) -> None:
    """Write the sample database to a new file, in WAL mode."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        _fill(connection)
        for number, name in enumerate(NAMES):
            quoted = '"' + name.replace('"', '""') + '"'
            connection.execute(f"CREATE TABLE {quoted} ({quoted} PRIMARY KEY)")
            connection.execute(f"INSERT INTO {quoted} VALUES (?)", [number])
        connection.execute("INSERT INTO anything VALUES (CAST(x'fffe41' AS TEXT))")  # text that is no UTF-8
        connection.execute("ANALYZE")
        connection.commit()


def _fill(connection: sqlite3.Connection) -> None:
    many = range(1, 1001)
    ships = [(n, f'MS "{n}"', n * 1.125, None) for n in many if n <= 300]
    connection.executemany("INSERT INTO ship VALUES (?, ?, ?, ?)", ships)
    customers = [(f"Kunde {n} '😀'", f"k{n}@example.org", n - 1 or None, n % 300 + 1) for n in many]
    connection.executemany("INSERT INTO customer (name, email, parent, favourite) VALUES (?, ?, ?, ?)", customers)
    connection.execute("DELETE FROM customer WHERE id = 1000")  # the counter stays above the largest id
    connection.executemany("INSERT INTO by_key VALUES (?, ?, ?)", [("in" if n % 2 else "o'ut", n, n / 8) for n in many])
    connection.executemany("INSERT INTO anything VALUES (?)", [(value,) for value in VALUES])
    connection.execute("INSERT INTO strictly VALUES (1, 2.5, 't', x'00', '007')")
    connection.executemany("INSERT INTO words VALUES (?, ?)", [(f"title {n}", f"body of {n}") for n in range(50)])
    connection.executemany("INSERT INTO places VALUES (?, ?, ?, ?, ?)", [(n, n, n + 1, -n, 1 - n) for n in range(50)])
