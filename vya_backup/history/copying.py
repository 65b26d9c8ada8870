"""Reads a catalog out for its copies, event by event or whole, and reads a whole copy in again.

The rule: only the catalog's own chain is read out event by event, and no event leaves whose content does not give its
hash: a catalog that was tampered with never spoils its copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from vya_backup.errors import CatalogError
from vya_backup.history import chain, place, segments
from vya_backup.history.catalog import Catalog
from vya_backup.history.connection import connect, explained
from vya_backup.history.segments import Entry

_COLUMNS: Final = ", ".join((*chain.HASHED, "hash"))
_OWN: Final = f"SELECT {_COLUMNS} FROM events WHERE catalog_id = ? AND position BETWEEN ? AND ? ORDER BY position"


def lines(catalog: Catalog, first: int, last: int) -> Iterator[bytes]:
    """Yield the events of the catalog's own chain from one position to another, as lines of a segment.

    Raises:
        CatalogError: one is missing, was changed or does not follow the one before it.
    """
    expected, before = first, ""
    for *values, recorded in catalog.stream(_OWN, (catalog.catalog_id, first, last)):
        if values[1] != expected or (before and values[-1] != before):
            raise _untrue(catalog, expected, "it is missing, or does not follow the event before it")
        try:
            yield segments.line(values, recorded)
        except (ValueError, TypeError) as error:
            raise _untrue(catalog, expected, str(error)) from error
        expected, before = expected + 1, recorded
    if expected != last + 1:
        raise _untrue(catalog, expected, "it is missing")


def hash_at(catalog: Catalog, position: int) -> str:
    """Return the hash at a position of the catalog's own chain, an empty text when there is none."""
    rows = catalog.rows("SELECT hash FROM events WHERE catalog_id = ? AND position = ?", (catalog.catalog_id, position))
    return str(rows[0]["hash"]) if rows else ""


def knows(catalog: Catalog, catalog_id: str) -> bool:
    """Say whether any event of this chain is in the catalog."""
    return bool(catalog.rows("SELECT 1 FROM events WHERE catalog_id = ? LIMIT 1", (catalog_id,)))


def snapshot(catalog: Catalog, target: Path) -> int:
    """Write the whole catalog, as it is at one moment, to a new private file; return where its own chain ends there.

    Raises:
        CatalogError: it could not be read, or not be written.
    """
    place.prepare(target)
    with explained(catalog.path), closing(connect(catalog.path)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    with explained(target), closing(connect(target)) as connection:
        sql = "SELECT max(position) FROM events WHERE catalog_id = ?"
        return int(connection.execute(sql, (catalog.catalog_id,)).fetchone()[0] or 0)


def entries(copy: Path) -> Iterator[Entry]:
    """Yield the events of a snapshot in the order of their arrival.

    Raises:
        CatalogError: it is no catalog.
    """
    with explained(copy), closing(connect(copy)) as connection:
        cursor = connection.cursor()
        cursor.row_factory = None
        row: tuple[Any, ...]
        for row in cursor.execute(f"SELECT {_COLUMNS} FROM events ORDER BY id"):
            yield Entry(row[:-1], row[-1])


def _untrue(catalog: Catalog, position: int, fault: str) -> CatalogError:
    return CatalogError(
        f"the event at position {position:,} of the catalog {catalog.path} is not copied: {fault}", "Run: doit audit."
    )
