"""PURE: an event with its place in a catalog, and the end of a chain: what reading the table gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vya_backup.errors import CatalogError
from vya_backup.history.decoding import decode
from vya_backup.history.event import COLUMNS, Event

if TYPE_CHECKING:
    from sqlite3 import Row

    from vya_backup.history.reading import Reads


@dataclass(frozen=True)
class Head:
    """The end of this catalog's own chain; `events` counts all events in the file."""

    catalog_id: str
    position: int
    hash: str
    events: int


@dataclass(frozen=True)
class Recorded:
    """An event with its place in the catalog; `at` is RFC 3339 in UTC."""

    id: int
    catalog_id: str
    position: int
    event_id: str
    at: str
    run_id: str | None
    host: str
    actor: str
    hash: str
    event: Event


def recorded_from(row: Mapping[str, Any] | Row) -> Recorded:
    """Read a row of the table.

    Raises:
        CatalogError: the event's data is not of the shape that its type demands.
    """
    columns = {name: row[name] for name in COLUMNS}
    try:
        event = decode(row["type"], columns, row["data"])
    except ValueError as error:
        raise CatalogError(
            f"event {row['id']} of the catalog is no valid {row['type']!r}", "Run: doit audit."
        ) from error
    places = ("id", "catalog_id", "position", "event_id", "at", "run_id", "host", "actor", "hash")
    return Recorded(**{name: row[name] for name in places}, event=event)


def recorded(catalog: Reads, condition: str = "1", parameters: Sequence[Any] = ()) -> Iterator[Recorded]:
    """Yield events in the order of their arrival, validated; those of an unknown type as `Unknown`.

    Raises:
        CatalogError: an event's data is not of the shape that its type demands.
    """
    for row in catalog.rows(f"SELECT * FROM events WHERE {condition} ORDER BY id", parameters):
        yield recorded_from(row)
