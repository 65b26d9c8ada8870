"""The catalog file: open it, append events, read rows; the only owner of a connection to it.

One door: `Catalog.append` is the only writer. Each append is one transaction: the run's first event when that is due,
the events themselves with their places in the hash chain, and what they change in the projection.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from vya_backup import __version__, clock
from vya_backup.clock import Clock, rfc3339
from vya_backup.errors import CatalogError
from vya_backup.history import chain, migrations, place, projection
from vya_backup.history.actor import actor
from vya_backup.history.connection import authorize, connect, explained, refuse_merged
from vya_backup.history.event import Event
from vya_backup.history.identifiers import new_id
from vya_backup.history.recorded import Head, Recorded, recorded_from
from vya_backup.history.run import Run
from vya_backup.history.run_events import CatalogCreated, Configured, RunStarted

_INSERT: Final = (
    f"INSERT INTO events ({', '.join(chain.HASHED)}, hash) VALUES ({', '.join('?' * (len(chain.HASHED) + 1))})"
)


Listener = Callable[[Recorded], None]
"""Is told of each event that this process appended, once it is on disk."""


class Catalog:
    """An open catalog, for use by any number of threads; each gets a connection of its own."""

    def __init__(self, path: Path, host: str, now: Clock, read_only: bool) -> None:
        self.path = path
        self.listener: Listener | None = None
        self.catalog_id = ""
        self._host = host
        self._now = now
        self._read_only = read_only
        self._is_copy = False
        self._actor = actor()
        self._run: Run | None = None
        self._last_run: Run | None = None
        self._appending = threading.Lock()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []

    @classmethod
    def open(cls, path: Path, *, host: str, now: Clock = clock.now, read_only: bool = False) -> Catalog:
        """Open the catalog; create it where there is none, unless `read_only`, which appends nothing either.

        A file of an older schema is upgraded in both cases: nothing could be read otherwise.

        Raises:
            CatalogMissing: there is no file, and `read_only`.
            CatalogError: the place is unfit, or the file is unreadable, damaged, newer or no catalog.
        """
        path = Path(path).absolute()
        if read_only:
            place.must_exist(path)
        else:
            refuse_merged(path)
            place.prepare(path)
        catalog = cls(path, host, now, read_only)
        with explained(path), closing(connect(path)) as connection:
            migrations.migrate(connection, path, None if read_only else "WAL")
            if not read_only:
                _use_write_ahead_log(connection)
            catalog.catalog_id = migrations.catalog_id(connection)
        if not read_only and not catalog.head().position:
            catalog.append_if_changed(
                CatalogCreated(schema_version=migrations.schema_version(), program_version=__version__)
            )
        return catalog

    @classmethod
    def open_copy(cls, path: Path) -> Catalog:
        """Open a copy, published or merged, to look at it as it is: nothing is upgraded, created or written.

        Raises:
            CatalogError: it cannot be read, is no catalog, or was made by another version of this program.
        """
        path = Path(path).absolute()
        catalog = cls(path, "", clock.now, read_only=True)
        catalog._is_copy = True
        with explained(path), closing(connect(path, mode="ro")) as connection:
            if not migrations.is_current(connection, path):
                raise CatalogError(
                    f"{path} was made by another version of this program",
                    "Publish or merge it again with this one, or look at it with that one.",
                )
            catalog.catalog_id = migrations.catalog_id(connection)
        return catalog

    @property
    def run_id(self) -> str | None:
        """Return the id of the run that is on, or of the one that ended last."""
        return self._last_run.run_id if self._last_run else None

    def append(self, *events: Event) -> tuple[Recorded, ...]:
        """Append events that happened together, in one transaction that is on disk when this returns.

        Raises:
            CatalogError: the disk is full, the file damaged or locked for minutes; nothing of it was appended then.
        """
        if not events:
            return ()
        with self._transaction() as connection:
            recorded = self._append(connection, events)
        self._tell(recorded)
        return recorded

    def append_decided(self, decide: Callable[[], Sequence[Event]]) -> tuple[Recorded, ...]:
        """Append what `decide` returns; it reads this catalog under the write lock, so nothing changes in between.

        Raises:
            CatalogError: as `append`. What `decide` raises passes through, and nothing is appended then.
        """
        with self._transaction() as connection:
            events = decide()
            recorded = self._append(connection, events) if events else ()
        self._tell(recorded)
        return recorded

    def append_if_changed(self, event: Event) -> bool:
        """Append the event unless the chain's last one of its type, instance and database said the same; say so."""
        with self._transaction() as connection:
            if self._was_said(connection, event):
                return False
            recorded = self._append(connection, (event,))
        self._tell(recorded)
        return True

    @contextmanager
    def run(self, started: RunStarted, configured: Configured | None = None) -> Iterator[Run]:
        """Give every event of this process a `run_id` from here to the end of the block."""
        self._last_run = self._run = Run(self.append, started, new_id(self._now), configured)
        try:
            yield self._run
        finally:
            self._run = None

    @contextmanager
    def aftermath(self) -> Iterator[Run | None]:
        """Give every event the `run_id` of the run that ended last, None when there was none, to the block's end."""
        self._run = self._last_run
        try:
            yield self._run
        finally:
            self._run = None

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Return what a query finds.

        Raises:
            CatalogError: the file is damaged or cannot be read.
        """
        with explained(self.path):
            return self._connection().execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield plain tuples of a query of any length, from one snapshot.

        Raises:
            CatalogError: the file is damaged or cannot be read.
        """
        with explained(self.path):
            cursor = self._connection().cursor()
            cursor.row_factory = None
            yield from cursor.execute(sql, parameters)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let this thread see the catalog as it is at the first look, whatever others append meanwhile."""
        with explained(self.path):
            self._connection().execute("BEGIN")
            try:
                yield
            finally:
                self._connection().rollback()

    def head(self) -> Head:
        """Return the end of this catalog's own chain; position 0 while it is empty."""
        rows = self.rows(
            "SELECT position, hash, (SELECT max(id) FROM events) AS events FROM events "
            "WHERE catalog_id = ? ORDER BY position DESC LIMIT 1",
            (self.catalog_id,),
        )
        return Head(self.catalog_id, *rows[0]) if rows else Head(self.catalog_id, 0, chain.GENESIS, 0)

    def origins(self) -> dict[str, str]:
        """Return by chain the host whose catalog it came from; empty unless this is a merged catalog."""
        return dict(tuple(row) for row in self.rows("SELECT catalog_id, host FROM origins ORDER BY host, catalog_id"))

    def rebuild_projection(self) -> None:
        """Make what the views read again from the events, in one transaction."""
        with self._transaction() as connection:
            projection.rebuild(connection)

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local = threading.local()

    def _tell(self, recorded: tuple[Recorded, ...]) -> None:
        for one in recorded:
            if self.listener:
                self.listener(one)

    def _append(self, connection: sqlite3.Connection, events: Iterable[Event]) -> tuple[Recorded, ...]:
        run = self._run
        if run and not run.is_recorded:
            self._append_one(connection, run.started)
            if run.configured and not self._was_said(connection, run.configured):
                self._append_one(connection, run.configured)
            run.is_recorded = True
        return tuple(self._append_one(connection, event) for event in events)

    def _was_said(self, connection: sqlite3.Connection, event: Event) -> bool:
        """Say whether the chain's last event of the same type, instance and database says the same."""
        last = connection.execute(
            "SELECT data FROM events WHERE type = ? AND instance IS ? AND database IS ? AND catalog_id = ? "
            "ORDER BY id DESC LIMIT 1",
            (event.type, event.instance, event.database, self.catalog_id),
        ).fetchone()
        return bool(last and last["data"] == event.data())

    def _append_one(self, connection: sqlite3.Connection, event: Event) -> Recorded:
        position, prev_hash = _last(connection, self.catalog_id)
        values = {
            "catalog_id": self.catalog_id,
            "position": position + 1,
            "event_id": new_id(self._now),
            "at": rfc3339(self._now()),
            "type": event.type,
            "run_id": self._run.run_id if self._run else None,
            "backup_id": event.backup_id,
            "instance": event.instance,
            "database": event.database,
            "host": self._host,
            "actor": self._actor,
            "data": event.data(),
            "prev_hash": prev_hash,
        }
        ordered = [values[column] for column in chain.HASHED]
        values["hash"] = chain.digest(ordered)
        values["id"] = connection.execute(_INSERT, (*ordered, values["hash"])).lastrowid
        projection.apply(connection, {**values, "origin": ""})  # a merged catalog is never appended to
        return recorded_from(values)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold SQLite's write lock: the whole block happens, or nothing of it."""
        if self._read_only:
            raise CatalogError(f"the catalog {self.path} was opened for reading only")
        with self._appending, self._run.as_before() if self._run else nullcontext(), explained(self.path):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, mode="ro" if self._is_copy else "rw")
            if self._read_only:
                connection.execute("PRAGMA query_only = ON")
            connection.set_authorizer(authorize)
            self._local.connection = connection
            self._connections.append(connection)
        return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Mend the journal mode of a file that came back from a copy; asking costs nothing, setting needs all locks."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


def _last(connection: sqlite3.Connection, catalog_id: str) -> tuple[int, str]:
    row = connection.execute(
        "SELECT position, hash FROM events WHERE catalog_id = ? ORDER BY position DESC LIMIT 1", (catalog_id,)
    ).fetchone()
    return (row["position"], row["hash"]) if row else (0, chain.GENESIS)
