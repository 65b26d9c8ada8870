"""Brings copies of catalogs up to date: the copy that others may read, and the union of the catalogs of many hosts.

The rule: an event is taken only when its content gives its hash and it follows the last one of its chain in the copy,
together with what it changes in the projection; a copy that tells another history is left as it is.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from vya_backup.errors import CatalogBusy, CatalogError
from vya_backup.history import chain, migrations, place, projection
from vya_backup.history.audit import guard_faults
from vya_backup.history.connection import authorize, connect, explained
from vya_backup.history.reading import Borrowed
from vya_backup.history.recovering import End, misfit
from vya_backup.history.sources import Numbered, Source, content_hash_in, ends_in, hash_in

JOURNAL: Final = "DELETE"
"""Readers may not write beside the copy, which a write-ahead log would demand of them."""
_COLUMNS: Final = (*chain.HASHED, "hash")
_INSERT: Final = f"INSERT INTO events ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
_CACHE_KIB: Final = 65536
"""So much may change before SQLite locks readers out in the midst of a transaction, and not only at its end."""


class Copy:
    """A copy that is being written, in one transaction: a context manager, and what is not `kept` did not happen."""

    def __init__(self, path: Path, patience_seconds: float) -> None:
        self.path = path
        self.added: Counter[str] = Counter()
        """How many events were taken of each chain."""
        self._patience = patience_seconds

    def __enter__(self) -> Copy:
        """Take the write lock; a copy of an older program gets the schema of this one.

        Raises:
            CatalogBusy: a reader, or another writer, holds it.
            CatalogError: it is no catalog, or lies in an unfit place.
        """
        place.must_exist(self.path)
        with ExitStack() as stack, self._explained():
            self._connection = connect(self.path, self._patience)
            stack.callback(self._connection.close)
            self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            migrations.migrate(self._connection, self.path, JOURNAL)
            if self._connection.execute("PRAGMA journal_mode").fetchone()[0] != JOURNAL.lower():
                self._connection.execute(f"PRAGMA journal_mode = {JOURNAL}")
            self._connection.set_authorizer(authorize)
            self._connection.execute("BEGIN IMMEDIATE")
            self.catalog_id = migrations.catalog_id(self._connection)
            self.ends = ends_in(self._connection)
            self.origins: dict[str, str] = dict(
                tuple(row) for row in self._connection.execute("SELECT catalog_id, host FROM origins")
            )
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def faults(self) -> Iterator[str]:
        """Yield what shows at a glance that the copy was tampered with: its guards, and the end of each chain."""
        yield from guard_faults(Borrowed(self._connection))
        for catalog_id, end in self.ends.items():
            if content_hash_in(self._connection, catalog_id, end.position) != end.hash:
                yield f"the event at position {end.position:,} was changed: its content does not give its hash"

    def hash_at(self, catalog_id: str, position: int) -> str:
        """Return the hash at a position of a chain, an empty text when there is none."""
        return hash_in(self._connection, catalog_id, position)

    def name_origin(self, catalog_id: str, host: str) -> None:
        """Say from which host's catalog a chain comes; what was said before stays."""
        if catalog_id not in self.origins:
            self._connection.execute("INSERT INTO origins VALUES (?, ?)", (catalog_id, host))
            self.origins[catalog_id] = host

    def position(self, catalog_id: str) -> int:
        """Return where a chain ends in the copy, 0 before its first event."""
        return self.ends[catalog_id].position if catalog_id in self.ends else 0

    def take(self, entries: Iterable[Numbered]) -> None:
        """Append events, each the next one of its chain; those of one catalog keep their numbers, which are gapless.

        Raises:
            CatalogError: one was changed or does not follow the one before it, or the disk refused.
            CatalogBusy: a reader holds the copy.
        """
        with self._explained():
            for entry in entries:
                end = self.ends.setdefault(entry.catalog_id, End())
                if fault := misfit(entry, end):
                    raise CatalogError(
                        f"the event at position {entry.position:,} of catalog {entry.catalog_id} is not copied: "
                        f"it {fault}",
                        "See with: doit audit, and doit audit --catalog FILE for a copy.",
                    )
                self._insert(entry)
                end.position, end.hash = entry.position, entry.hash
                self.added[entry.catalog_id] += 1

    def _insert(self, entry: Numbered) -> None:
        row: dict[str, Any] = dict(zip(chain.HASHED, entry.values, strict=True)) | {"hash": entry.hash}
        row["id"] = self._connection.execute(_INSERT, row).lastrowid
        projection.apply(self._connection, row | {"origin": self.origins.get(entry.catalog_id, "")})

    def keep(self) -> None:
        """Commit.

        Raises:
            CatalogBusy: a reader holds the copy, which stays as it was.
            CatalogError: the disk refused; likewise.
        """
        with self._explained():
            self._connection.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with explained(self.path):
                yield
        except CatalogError as error:
            if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise CatalogBusy(
                    f"the copy {self.path} has been held by a reader for {self._patience:.0f} seconds",
                    f"See who holds it: fuser -v '{self.path}'.",
                ) from error
            raise


def create(path: Path) -> None:
    """Make an empty copy, private until it is shown to readers.

    Raises:
        CatalogError: it could not be written, or lies in an unfit place.
    """
    place.prepare(path)
    with ExitStack() as stack, explained(path):
        connection = connect(path)
        stack.callback(connection.close)
        migrations.migrate(connection, path, JOURNAL)


def demand_beginning(copy: Source, source: Source) -> None:
    """Accept a copy that is the beginning of a catalog; nothing is written yet.

    Raises:
        CatalogError: it is the copy of something else, or holds what the catalog lacks.
    """
    _refuse(copy.path, source, _strangeness(copy, source))


def demand_wholeness(copy: Copy, source: Source) -> None:
    """Accept a copy whose guards stand and whose last events are what their hashes say.

    Raises:
        CatalogError: it was tampered with.
    """
    _refuse(copy.path, source, next(copy.faults(), ""))


def _refuse(copy: Path, source: Source, fault: str) -> None:
    if fault:
        raise CatalogError(
            f"{copy} is not the beginning of the catalog {source.path}, and is left as it is: {fault}",
            f"See with: doit audit --catalog '{copy}'. To begin anew, move it away and run: doit catalog publish.",
        )


def _strangeness(copy: Source, source: Source) -> str:
    if copy.is_merged:
        return f"it is merged from the catalogs of {', '.join(sorted(set(copy.origins.values())))}"
    if copy.catalog_id != source.catalog_id:
        return f"it is a copy of the catalog {copy.catalog_id}, and this one is {source.catalog_id}"
    for catalog_id, end in copy.ends.items():
        here = source.hash_at(catalog_id, end.position)
        if not here:
            return f"it ends at position {end.position:,} of {catalog_id}, which the catalog does not have"
        if here != end.hash:
            return f"its event at position {end.position:,} of {catalog_id} is another one"
    return ""
