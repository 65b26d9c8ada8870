"""SQLite: files found by path, folder or glob, copied by a small program that uses SQLite's online backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vya_backup.engines.contract import Engine


def engine(name: str) -> Engine:
    """Return the engine; `name` is always `sqlite`."""
    from vya_backup.engines.sqlite.sqlite_engine import SqliteEngine

    return SqliteEngine(name)
