"""Brings a catalog file to the schema of this program: numbered migrations, then the views, in one transaction.

A migration is a file of `catalog/migrations` whose statements are separated by empty lines; `user_version` holds the
number of the last one. Views and projection are derived: whenever what makes them changes they are made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vya_backup.errors import CatalogError
from vya_backup.history import projection
from vya_backup.history.identifiers import new_id
from vya_backup.resources import resource

if TYPE_CHECKING:
    from sqlite3 import Connection

    from sqlite_utils import Database

APPLICATION_ID: Final = 0x56594142  # "VYAB", in the file's header


def schema_version() -> int:
    """Return the number of this program's newest migration."""
    return int(_migration_files()[-1].name[:4])


def migrate(connection: Connection, path: Path, journal_mode: str | None = None) -> None:
    """Create or upgrade the schema and refresh the views; a file that is up to date is only read.

    `connection` is in autocommit mode and has no authorizer yet. All changes are one transaction. `journal_mode` is
    what a file gets that has to be changed; without it each keeps its own.

    Raises:
        CatalogError: the file is newer than this program, or no catalog.
    """
    if is_current(connection, path):
        return
    if journal_mode:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not is_current(connection, path):  # another process may have been faster
            _upgrade(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def is_current(connection: Connection, path: Path) -> bool:
    """Say whether the file has the schema and the views of this program.

    Raises:
        CatalogError: the file is newer than this program, or no catalog.
    """
    version = _pragma(connection, "user_version")
    is_ours = _pragma(connection, "application_id") == APPLICATION_ID
    if not is_ours and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise CatalogError(f"{path} is an SQLite database, but not a catalog", "Set catalog.path to another file.")
    if version > schema_version():
        raise CatalogError(
            f"the catalog {path} has schema {version}, newer than this program's {schema_version()}",
            "Upgrade vya-backupdb on this host.",
        )
    return version == schema_version() and all(_fact(connection, name) == value for name, value in _derived().items())


def catalog_id(connection: Connection) -> str:
    """Return the identity that was minted when this file was made."""
    return _fact(connection, "catalog_id")


def expected_schema() -> dict[str, str]:
    """Return the SQL of every table, index, trigger and view by name, as SQLite keeps it in `sqlite_master`."""
    scripts = [file.read_text(encoding="utf-8") for file in _migration_files()]
    created = [_without_comments(text) for script in scripts for text in statements(script) if "CREATE" in text]
    created += [_without_comments(file.read_text(encoding="utf-8")) for file in _view_files()]
    return {text.split(maxsplit=3)[2]: text for text in created}


def _upgrade(connection: Connection) -> None:
    if is_older := _pragma(connection, "user_version") < schema_version():
        _apply_migrations(connection)
    if is_older or _fact(connection, "projection") != projection.digest():
        projection.rebuild(connection)
    for name in [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]:
        connection.execute(f'DROP VIEW "{name}"')
    for file in _view_files():
        connection.execute(file.read_text(encoding="utf-8"))
    connection.execute("INSERT OR IGNORE INTO catalog_facts VALUES ('catalog_id', ?)", (new_id(),))
    connection.executemany("INSERT OR REPLACE INTO catalog_facts VALUES (?, ?)", _derived().items())


def _apply_migrations(connection: Connection) -> None:
    from sqlite_utils import Database, Migrations  # 0.15 s, paid only when something is to be migrated

    migrations = Migrations("vya_backup")
    for file in _migration_files():
        migrations(name=file.stem)(_migration(file))
    migrations.apply(Database(connection, execute_plugins=False))


def _migration(file: Path) -> Callable[[Database], None]:
    def run(database: Database) -> None:
        for statement in statements(file.read_text(encoding="utf-8")):
            database.conn.execute(statement)
        database.conn.execute(f"PRAGMA user_version = {int(file.name[:4])}")
        database.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    return run


def statements(script: str) -> list[str]:
    """Return the statements of a migration (`executescript` would end the transaction that holds them together)."""
    return [statement for statement in script.split("\n\n") if statement.strip()]


def _without_comments(statement: str) -> str:
    return statement[statement.index("CREATE") :].strip().removesuffix(";")


def _migration_files() -> list[Path]:
    return sorted(resource("catalog/migrations").glob("[0-9]*.sql"))


def _view_files() -> list[Path]:
    return sorted(resource("catalog/views").glob("*.sql"))


def _derived() -> dict[str, str]:
    """Return the digests of what a file's derived parts are made by; they stand in `catalog_facts`."""
    return {"views": _views_digest(), "projection": projection.digest()}


def _views_digest() -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in _view_files())).hexdigest()


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _fact(connection: Connection, name: str) -> str:
    row = connection.execute("SELECT value FROM catalog_facts WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""
