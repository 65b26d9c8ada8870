"""Makes a catalog from events that were recorded before: the same chains, in one transaction.

The rule: an event is taken only when its content gives its hash and it is the next one of its chain, so that whatever
comes out is whole as far as it goes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from vya_backup.errors import CatalogError
from vya_backup.history import chain, migrations, place, projection
from vya_backup.history.catalog import Catalog
from vya_backup.history.connection import connect, explained
from vya_backup.history.run_events import CatalogRebuilt
from vya_backup.history.segments import Entry

_INSERT: Final = (
    f"INSERT INTO events ({', '.join(chain.HASHED)}, hash) VALUES ({', '.join('?' * (len(chain.HASHED) + 1))})"
)
_REBUILT: Final = f"SELECT data FROM events WHERE type = '{CatalogRebuilt.type}' ORDER BY id"


@dataclass
class End:
    """The last event of one chain; position 0 before its first one."""

    position: int = 0
    hash: str = chain.GENESIS


@dataclass
class Recovery:
    """A new catalog file being filled. A context manager: an error leaves it empty."""

    path: Path
    events: int = 0
    ends: dict[str, End] = field(default_factory=dict)

    def __enter__(self) -> Recovery:
        place.prepare(self.path)
        with explained(self.path):
            self._connection = connect(self.path)
            migrations.migrate(self._connection, self.path, "WAL")
            self._connection.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def position(self, catalog_id: str) -> int:
        """Return where a chain ends so far, 0 before its first event."""
        return self.ends[catalog_id].position if catalog_id in self.ends else 0

    def losses(self) -> Losses:
        """Return what earlier rebuilds, among the events so far, have recorded as lost."""
        return _losses(row["data"] for row in self._connection.execute(_REBUILT))

    def take(self, entries: Iterable[Entry]) -> str:
        """Insert events that are not there yet, as long as each is the next one of its chain; return what stopped it.

        Raises:
            CatalogError: the file could not be written.
        """
        with explained(self.path):
            for entry in entries:
                end = self.ends.setdefault(entry.catalog_id, End())
                if entry.position <= end.position:
                    continue
                if fault := misfit(entry, end):
                    return f"position {entry.position:,} of catalog {entry.catalog_id} {fault}"
                try:
                    self._connection.execute(_INSERT, (*entry.values, entry.hash))
                except sqlite3.IntegrityError as error:
                    return f"position {entry.position:,} of catalog {entry.catalog_id} is no event: {error}"
                end.position, end.hash = entry.position, entry.hash
                self.events += 1
        return ""

    def finish(self, catalog_id: str | None) -> None:
        """Commit, with the views' tables made again; the file goes on with the chain of `catalog_id`, else a new one.

        Raises:
            CatalogError: the file could not be written.
        """
        with explained(self.path):
            projection.rebuild(self._connection)
            if catalog_id is not None:
                sql = "UPDATE catalog_facts SET value = ? WHERE name = 'catalog_id'"
                self._connection.execute(sql, (catalog_id,))
            self._connection.execute("COMMIT")


def complete(path: Path) -> None:
    """Bring everything that the closed file's log still holds into the file, which alone is going to be moved.

    SQLite does so when the last connection is closed, and says nothing when the disk refuses.

    Raises:
        CatalogError: the disk refuses, or the file is not sound.
    """
    with explained(path), closing(connect(path)) as connection:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if busy or mode != "delete" or fault != "ok":
        raise CatalogError(f"the new catalog {path} is not whole: {fault}", "Run the same command again.")


def misfit(entry: Entry, end: End) -> str:
    """Say why an event is not the next one of a chain that ends there; an empty text when it is."""
    if entry.position != end.position + 1:
        return f"comes after a gap: the one before it is {end.position:,}"
    try:
        if chain.digest(entry.values) != entry.hash:
            return "was changed: its content does not give its hash"
    except TypeError:
        return "is no event: it holds bytes"
    return "" if entry.values[-1] == end.hash else "does not follow the event before it"


Losses = Mapping[str, Sequence[tuple[int, int]]]
"""By catalog the positions that are gone: behind the first of each pair, up to the second."""


def losses(catalog: Catalog) -> Losses:
    """Return what rebuilds of this catalog have recorded as lost; what tampering made unreadable tells nothing."""
    try:
        return _losses(row["data"] for row in catalog.rows(_REBUILT))
    except (CatalogError, sqlite3.OperationalError):
        return {}


def is_lost(catalog_id: str, position: int, known: Losses) -> bool:
    """Say whether a rebuild has recorded the loss of this position."""
    return any(first < position <= last for first, last in known.get(catalog_id, ()))


def _losses(texts: Iterable[str]) -> Losses:
    found: dict[str, list[tuple[int, int]]] = {}
    for text in texts:
        with suppress(ValueError, TypeError):
            event = CatalogRebuilt.model_validate_json(text)
            for catalog_id, last in event.lost.items():
                found.setdefault(catalog_id, []).append((event.kept.get(catalog_id, 0), last))
    return found
