"""What was recorded stays: the file itself refuses, on any connection, and ours refuses more."""

from __future__ import annotations

import sqlite3
import stat

import pytest

from tests.history.samples import good, plain
from vya_backup.errors import CatalogError
from vya_backup.history import chain
from vya_backup.history.catalog import Catalog

COLUMNS = ", ".join((*chain.HASHED, "hash"))
OTHER_ID = COLUMNS.replace("event_id", "'other'")
FARTHER = COLUMNS.replace("position", "position + 100")
COPY = OTHER_ID.replace("position", "position + 100")
IN_LINE = OTHER_ID.replace("position", "position + 1").replace("prev_hash", "hash")
IN_LINE_AS_2 = IN_LINE.replace("'other'", "(SELECT event_id FROM events WHERE id = 2)")
NEXT = OTHER_ID.replace("position", "position + 1")
REFUSED = {
    "update": "UPDATE events SET data = '{}' WHERE id = 2",
    "update of the id": "UPDATE events SET id = 99 WHERE id = 2",
    "update or replace": "UPDATE OR REPLACE events SET position = 1 WHERE id = 2",
    "delete": "DELETE FROM events WHERE id = 2",
    "delete of all": "DELETE FROM events",
    "replace by id": f"INSERT OR REPLACE INTO events (id, {COLUMNS}) SELECT 2, {COPY} FROM events WHERE id = 3",
    "replace by id, well chained": f"REPLACE INTO events (id, {COLUMNS}) SELECT 2, {IN_LINE} FROM events WHERE id = 4",
    "replace by event_id, well chained": f"REPLACE INTO events ({COLUMNS}) "
    f"SELECT {IN_LINE_AS_2} FROM events WHERE id = 4",
    "replace by position": f"REPLACE INTO events ({COLUMNS}) SELECT {OTHER_ID} FROM events WHERE id = 2",
    "replace by event_id": f"REPLACE INTO events ({COLUMNS}) SELECT {FARTHER} FROM events WHERE id = 2",
    "upsert": f"INSERT INTO events (id, {COLUMNS}) SELECT 2, {COPY} FROM events WHERE id = 3 "
    "ON CONFLICT (id) DO UPDATE SET data = '{}'",
    "insert or ignore of a taken id": f"INSERT OR IGNORE INTO events (id, {COLUMNS}) "
    f"SELECT 2, {COPY} FROM events WHERE id = 3",
    "a gap": f"INSERT INTO events ({COLUMNS}) SELECT {COPY} FROM events WHERE id = 3",
    "a fork": f"INSERT INTO events ({COLUMNS}) SELECT {NEXT} FROM events WHERE id = 4",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_a_plain_connection_cannot_change_history(catalog: Catalog, statement: str, recursive: str) -> None:
    """UPDATE, DELETE and every kind of INSERT OR REPLACE are refused by triggers, whatever program asks."""
    catalog.append(*good())
    before = catalog.rows("SELECT * FROM events")
    with plain(catalog.path) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive}")
        with pytest.raises(sqlite3.IntegrityError, match="the catalog is"):
            connection.execute(statement)
    assert [tuple(row) for row in catalog.rows("SELECT * FROM events")] == [tuple(row) for row in before]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = '{}'",
        "DELETE FROM events",
        "DROP TABLE events",
        "DROP TRIGGER events_refuse_update",
        "DROP INDEX events_by_backup",
        "DROP VIEW backups",
        "DROP TABLE projected_backups",
        "ALTER TABLE events ADD COLUMN more TEXT",
        "PRAGMA writable_schema = ON",
    ],
)
def test_our_own_connection_is_not_even_asked(catalog: Catalog, statement: str) -> None:
    """The authorizer denies these before they run, on a statement that finds no row too."""
    with pytest.raises(CatalogError, match="refuses to be changed in any way but by appending"):
        catalog.rows(statement)


def test_the_catalog_is_private(catalog: Catalog) -> None:
    """The file and what SQLite puts beside it are 0600, the folder 0700, whatever the umask."""
    catalog.append(*good())
    assert stat.S_IMODE(catalog.path.parent.stat().st_mode) == 0o700
    files = sorted(catalog.path.parent.iterdir())
    assert [file.name for file in files] == ["catalog.db", "catalog.db-shm", "catalog.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_an_append_is_on_disk_before_it_returns(catalog: Catalog) -> None:
    """WAL with synchronous FULL: what was acknowledged survives a loss of power."""
    assert catalog.rows("PRAGMA journal_mode")[0][0] == "wal"
    assert catalog.rows("PRAGMA synchronous")[0][0] == 2
    assert catalog.rows("PRAGMA busy_timeout")[0][0] >= 120_000
