"""Databases, writers and an unprivileged account for the SQLite tests."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65534
EVERYTHING = """
CREATE TABLE customer(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, born, UNIQUE(name));
CREATE TABLE stock(sku TEXT PRIMARY KEY, pieces INT CHECK (pieces >= 0)) WITHOUT ROWID;
CREATE TABLE "or""der'`[x]"(id INTEGER PRIMARY KEY, net INT, gross INT GENERATED ALWAYS AS (net * 2) STORED,
  lazy INT GENERATED ALWAYS AS (net + 1), customer REFERENCES customer(id) ON DELETE CASCADE);
CREATE TABLE "new\nline"(x);
CREATE TABLE "Straße 😀"(x BLOB, y REAL);
CREATE TABLE empty_one(x);
CREATE INDEX partial ON customer(name) WHERE born IS NULL;
CREATE INDEX computed ON customer(lower(name));
CREATE VIEW overview AS SELECT name, count(*) AS orders FROM customer GROUP BY name;
CREATE VIEW broken AS SELECT * FROM no_such_table;
CREATE TRIGGER audit AFTER INSERT ON customer BEGIN INSERT INTO "new\nline" VALUES (new.id); END;
CREATE VIRTUAL TABLE search USING fts5(body);
CREATE VIRTUAL TABLE box USING rtree(id, x0, x1);
INSERT INTO customer(name) VALUES ('Ada'), ('Grace'), ('Ünal 😀');
DELETE FROM customer WHERE name = 'Grace';
INSERT INTO stock VALUES ('a', 1), ('b', 0);
INSERT INTO "or""der'`[x]"(net, customer) VALUES (21, 1);
INSERT INTO "Straße 😀" VALUES (x'00ff', 1e308), (NULL, -0.0);
INSERT INTO search VALUES ('a backup that was never restored'), ('is a rumour');
INSERT INTO box VALUES (1, 0, 1);
PRAGMA user_version = 42;
PRAGMA application_id = 7;
"""
WRITER = """
import itertools, sqlite3, sys, threading
path = sys.argv[1]
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
db = sqlite3.connect(path, timeout=60, isolation_level=None)
for turn in itertools.count(1):
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE account SET cents = cents - 1 WHERE id = 1")
    db.execute("UPDATE account SET cents = cents + 1 WHERE id = 2")
    db.execute("INSERT INTO booking(turn) VALUES (?)", (turn,))
    db.execute("COMMIT")
    if turn == 1:
        print("writing", flush=True)
    if stop.wait(0.001):
        break
db.execute("INSERT INTO booking(turn) VALUES (-1)")
db.close()
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Make a database file: `make("shop.db", script, journal="wal")`."""

    def made(name: str, script: str = "CREATE TABLE t(x); INSERT INTO t VALUES (1);", journal: str = "delete") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA journal_mode = {journal}")
            connection.executescript(script)
        connection.close()
        return path

    return made


@pytest.fixture
def writer() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Start processes that book from one account to another until their input is closed."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path) -> subprocess.Popen[str]:
        with sqlite3.connect(path) as connection:
            connection.executescript(
                "CREATE TABLE account(id INTEGER PRIMARY KEY, cents INT);"
                "INSERT INTO account VALUES (1, 500), (2, 500);"
                "CREATE TABLE booking(turn INT);"
            )
        connection.close()
        argv = [sys.executable, "-c", WRITER, str(path)]
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        return child

    yield start
    for child in started:
        child.communicate(timeout=60)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="vya-open-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def unprivileged() -> Iterator[Callable[[], None]]:
    """Become nobody, where the tests run as root, until the test ends."""

    def drop() -> None:
        if os.geteuid() == 0:
            os.setegid(NOBODY)
            os.seteuid(NOBODY)

    yield drop
    if os.getuid() == 0:
        os.seteuid(0)
        os.setegid(0)
