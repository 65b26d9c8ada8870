"""A catalog that is read for a copy of it: where its chains end, and the events that a copy lacks.

Everything is read from one snapshot, and found by index, so that the cost is that of what is lacking.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal

from vya_backup.errors import CatalogMissing
from vya_backup.history import chain, migrations
from vya_backup.history.connection import BUSY_SECONDS, connect, explained
from vya_backup.history.recovering import End
from vya_backup.history.segments import Entry

if TYPE_CHECKING:
    from sqlite3 import Connection

_COLUMNS: Final = ", ".join((*chain.HASHED, "hash", "id"))
_CHAINS: Final = """
WITH RECURSIVE chains (name) AS (
  SELECT min(catalog_id) FROM events
  UNION ALL
  SELECT (SELECT min(catalog_id) FROM events WHERE catalog_id > name) FROM chains WHERE name IS NOT NULL
)
SELECT name FROM chains WHERE name IS NOT NULL
"""
AT: Final = chain.HASHED.index("at")


@dataclass(frozen=True)
class Numbered(Entry):
    """An event with the number that it has in the file it is read from."""

    id: int

    @property
    def at(self) -> str:
        """Return when it was recorded."""
        return str(self.values[AT])


class Source:
    """A catalog file, live or a copy, that is only read. A context manager.

    `is_ours` is said of a copy that this account writes: a transaction in it that was cut off is rolled back then.
    """

    def __init__(self, path: Path, *, is_ours: bool = False, patience_seconds: float = BUSY_SECONDS) -> None:
        self.path = Path(path).absolute()
        self._patience = patience_seconds
        self._mode: Literal["rw", "ro"] = "rw" if is_ours else "ro"

    def __enter__(self) -> Source:
        """Begin the snapshot.

        Raises:
            CatalogMissing: there is no file.
            CatalogError: it is no catalog, or one of a newer program.
        """
        if not self.path.exists():
            raise CatalogMissing(f"there is no catalog {self.path}", "Name the file of a catalog, or of a copy of one.")
        with ExitStack() as stack, explained(self.path):
            self._connection = connect(self.path, self._patience, self._mode)
            stack.callback(self._connection.close)
            migrations.is_current(self._connection, self.path)
            self._connection.execute("BEGIN")
            self.catalog_id = migrations.catalog_id(self._connection)
            self.ends = ends_in(self._connection)
            self.origins, self.is_merged = self._origins()
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def hash_at(self, catalog_id: str, position: int) -> str:
        """Return the hash at a position of a chain, an empty text when there is none."""
        with explained(self.path):
            return hash_in(self._connection, catalog_id, position)

    def entries(self, after: Mapping[str, int]) -> Iterator[Numbered]:
        """Yield what follows these positions of these chains, in the order of arrival.

        Raises:
            CatalogError: the file is damaged.
        """
        streams = [self._chain(catalog_id, position) for catalog_id, position in after.items()]
        return heapq.merge(*streams, key=lambda entry: entry.id)

    def _chain(self, catalog_id: str, position: int) -> Iterator[Numbered]:
        sql = f"SELECT {_COLUMNS} FROM events WHERE catalog_id = ? AND position > ? ORDER BY position"
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            row: tuple[Any, ...]
            for row in cursor.execute(sql, (catalog_id, position)):
                yield Numbered(row[:-2], row[-2], row[-1])

    def _origins(self) -> tuple[dict[str, str], bool]:
        """Return by chain the host that it came from, and whether the file itself says so, as a merged one does."""
        known = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'origins'").fetchone()
        told = self._connection.execute("SELECT catalog_id, host FROM origins").fetchall() if known else []
        if told:
            return {row["catalog_id"]: row["host"] for row in told}, True
        first = "SELECT host FROM events ORDER BY catalog_id = ? DESC, id LIMIT 1"
        if self.catalog_id in self.ends:
            first = "SELECT host FROM events WHERE catalog_id = ? AND position = 1"
        row = self._connection.execute(first, (self.catalog_id,)).fetchone()
        return dict.fromkeys(self.ends, row["host"] if row else ""), False


def ends_in(connection: Connection) -> dict[str, End]:
    """Return the last event of each chain in a file, at the cost of a few seeks for each chain."""
    names = [row["name"] for row in connection.execute(_CHAINS)]
    return {name: end_in(connection, name) for name in names}


def end_in(connection: Connection, catalog_id: str) -> End:
    """Return the last event of a chain in a file; position 0 when there is none."""
    sql = "SELECT position, hash FROM events WHERE catalog_id = ? ORDER BY position DESC LIMIT 1"
    row = connection.execute(sql, (catalog_id,)).fetchone()
    return End(row["position"], row["hash"]) if row else End()


def hash_in(connection: Connection, catalog_id: str, position: int) -> str:
    """Return the hash at a position of a chain in a file, an empty text when there is none."""
    sql = "SELECT hash FROM events WHERE catalog_id = ? AND position = ?"
    row = connection.execute(sql, (catalog_id, position)).fetchone()
    return str(row["hash"]) if row else ""


def content_hash_in(connection: Connection, catalog_id: str, position: int) -> str:
    """Return the hash that the content of an event gives, whatever the file says it is."""
    sql = f"SELECT {', '.join(chain.HASHED)} FROM events WHERE catalog_id = ? AND position = ?"
    row = connection.execute(sql, (catalog_id, position)).fetchone()
    return chain.digest(tuple(row))
