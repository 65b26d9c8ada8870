"""Counts a restored database exactly, in the manifest's spellings.

The rule: this reads whole tables, so it is asked of restored databases only, never of one that is being backed up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.mysql.objects import by_kind, stored, tables
from vya_backup.engines.mysql.questions import one, qualified, spelled

if TYPE_CHECKING:
    from sqlalchemy import Connection


def count(connection: Connection, database: str) -> Manifest:
    """Return every object, every table's rows (with their past, where it is kept) and every sequence's next value."""
    found = tables(connection, database)
    programs = [(item.kind, item.name) for item in stored(connection, database) if item.kind != "view"]
    counted: dict[str, int] = {}
    for table in (table for table in found if table.is_counted):
        past = " FOR SYSTEM_TIME ALL" if table.versioned else ""
        rows = int(one(connection, f"SELECT COUNT(*) FROM {qualified(database, table.name)}{past}"))  # noqa: S608
        counted[spelled(table.name)] = counted.get(spelled(table.name), 0) + rows
    sequences = {
        spelled(table.name): int(
            one(connection, f"SELECT next_not_cached_value FROM {qualified(database, table.name)}")  # noqa: S608
        )
        for table in found
        if table.kind == "sequence"
    }
    return Manifest(by_kind([*((t.kind, t.name) for t in found), *programs]), counted, sequences=sequences)
