"""A catalog with its copies, without any database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from tests.history.samples import Steps, plain
from vya_backup.history.catalog import Catalog
from vya_backup.history.migrations import statements
from vya_backup.jobs.workspace import Workspace
from vya_backup.resources import resource
from vya_backup.settings.model import Application, CatalogSettings, Configuration
from vya_backup.settings.storage_model import Storage
from vya_backup.transport.storage import Store

HOST = "testhost"
GUARDS = ("events_refuse_update", "events_refuse_delete", "events_refuse_replace", "events_keep_one_line")


def workspace_in(folder: Path, clock: Steps) -> Workspace:
    """Open a catalog and the tree that it is copied into."""
    path = folder / "catalog/catalog.db"
    configuration = Configuration(
        application=Application(hostname=HOST),
        catalog=CatalogSettings(path=path),
        storage=Storage(base_path=folder / "backups"),
    )
    credentials: Any = None  # nobody is asked
    catalog = Catalog.open(path, host=HOST, now=clock)
    return Workspace(configuration, catalog, Store(folder / "backups"), credentials, clock)


def files(workspace: Workspace, pattern: str = "*") -> list[Path]:
    """Return every file below the copies, hidden ones too."""
    top = workspace.store.base_path / HOST / "@catalog"
    return sorted(path for path in top.rglob(pattern) if path.is_file())


def rows(path: Path) -> list[tuple[Any, ...]]:
    """Return all events of a catalog file as they are stored."""
    with plain(path) as connection:
        return connection.execute("SELECT * FROM events ORDER BY id").fetchall()


def tamper(path: Path, *statements: str) -> None:
    """Change a catalog as whoever owns the file can: the guards are away for a while, and back afterwards."""
    with plain(path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        marks = ", ".join("?" * len(GUARDS))
        sql = f"SELECT name, sql FROM sqlite_master WHERE name IN ({marks})"
        guards = connection.execute(sql, GUARDS).fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        try:
            for statement in statements:
                connection.execute(statement)
        finally:
            for _, text in guards:
                connection.execute(text)


def as_before_origins(path: Path) -> None:
    """Take a file back to schema 5, which knew of no origins; its derived tables are made again by an upgrade."""
    with plain(path) as connection:
        for text in later_than_6():
            kind, name = text.split(maxsplit=3)[1:3]
            connection.execute(f"DROP {kind} {name}")
        for statement in (
            "DROP TABLE origins",
            "DELETE FROM _sqlite_migrations WHERE name >= '0006'",
            "UPDATE catalog_facts SET value = '' WHERE name IN ('views', 'projection')",
            "DELETE FROM projected_backups",
            "DROP VIEW backups",
            "PRAGMA user_version = 5",
        ):
            connection.execute(statement)


def later_than_6() -> list[str]:
    """Return what migrations behind the sixth create."""
    files = [file for file in resource("catalog/migrations").glob("[0-9]*.sql") if file.name >= "0007"]
    texts = [text for file in files for text in statements(file.read_text())]
    return [text[text.index("CREATE") :] for text in texts if "CREATE" in text]


def flip(path: Path, bit: int) -> None:
    """Turn one bit of a file over."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def is_whole(path: Path) -> bool:
    """Say what SQLite itself thinks of a file."""
    with plain(path) as connection:
        try:
            return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
        except sqlite3.DatabaseError:
            return False
