"""The contract that every engine keeps, run through the product's own jobs against the real thing.

A new engine's test is one subclass with its `place`: where its databases live, how one is made, changed and dropped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from vya_backup.decisions.manifest import missing_objects
from vya_backup.decisions.naming import ArtifactName
from vya_backup.engines import engine_for
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access
from vya_backup.engines.dumping import DumpObserver, Observation
from vya_backup.engines.steps import Ask
from vya_backup.errors import ArtifactDamaged, BackupError, RestoreRefused
from vya_backup.history.catalog import Catalog
from vya_backup.history.views import BackupRow, backups, newest_published
from vya_backup.jobs.checking import checksum, unpack
from vya_backup.jobs.discovery import discover
from vya_backup.jobs.dumping import Order, dump_database
from vya_backup.jobs.planning import Planned, plan, wanted_from_discovery
from vya_backup.jobs.restore_plan import prepare
from vya_backup.jobs.restore_source import Wish, choose, examine
from vya_backup.jobs.restoring import Finished, restore
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import Backup, CatalogSettings, Configuration, Instance
from vya_backup.settings.storage_model import Storage
from vya_backup.transport.compression import of_path
from vya_backup.transport.decoding import decoded
from vya_backup.transport.pipeline import silent
from vya_backup.transport.stages import Digest
from vya_backup.transport.storage import Store

ITEMS = 500
HOSTILE = ("two words", "quo'te", 'do"uble', "per%cent", "a=b", "Ünïcode ☃", "semi;colon", "UPPER")


class Place(ABC):
    """Where one engine's databases live. Every database made here has a table `item` with 500 rows and a view `few`."""

    instance: Instance
    username = ""
    password = ""
    client_folder: Path | None = None

    @abstractmethod
    def make(self, name: str) -> None:
        """Create a database of this name."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Drop it, if it is there."""

    @abstractmethod
    def execute(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in it and return its rows."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the databases there are."""

    def items(self, name: str) -> int:
        """Return how many rows its table has."""
        return int(self.execute(name, "SELECT count(*) FROM item")[0][0])


@dataclass(frozen=True)
class Accounts:
    """Stands for the encrypted store."""

    login: Login

    def access(self, instance: Instance, purpose: str = "backup") -> Login:
        """Return the one account."""
        return self.login


@dataclass(frozen=True)
class Bench:
    """A workspace around one place."""

    place: Place
    workspace: Workspace

    def backup(self, name: str) -> BackupRow:
        """Dump and check one database; return its good backup."""
        planned = self.planned(name)
        dumped = dump_database(self.workspace, Order(planned, forced=True), silent)
        assert dumped is not None
        checksum(self.workspace, newest_published(self.workspace.catalog)[self.place.instance.id, name], silent)
        (row,) = backups(self.workspace.catalog, self.place.instance.id, name, states=["good"], limit=1)
        return row

    def planned(self, name: str, *, forced: bool = True) -> Planned:
        """Discover and plan, and return the plan of one database."""
        found = discover(self.workspace, [self.place.instance])
        assert found[0].error is None, found[0].error
        wanted = [wanted_from_discovery(discovery) for discovery in found]
        planned = plan(self.workspace, wanted, now=self.workspace.clock(), forced=lambda key: forced)
        return next(one for one in planned if one.key.database == name)

    def restore(self, row: BackupRow, **more: Any) -> Finished:
        """Restore a backup."""
        prepared = prepare(self.workspace, Wish(backup=row.backup_id, **more), silent)
        return restore(self.workspace, prepared, lambda purpose: None, silent)

    def plain(self, row: BackupRow) -> bytes:
        """Return a dump's plain bytes."""
        path = self.workspace.store.path(row.path or "")
        return b"".join(decoded(path, of_path(path), Digest()))


class AtAPlace(ABC):
    """Tests at one engine's place."""

    @pytest.fixture
    @abstractmethod
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
        """Return the engine's place."""

    @pytest.fixture
    def bench(self, place: Place, tmp_path: Path) -> Iterator[Bench]:
        """A workspace, and one database `shop`; all that is made is dropped at the end."""
        before = place.names()
        place.make("shop")
        catalog = Catalog.open(tmp_path / "catalog/catalog.db", host="testhost")
        folders = (place.client_folder,) if place.client_folder else ()
        configuration = Configuration(
            instances=(place.instance,),
            catalog=CatalogSettings(path=tmp_path / "catalog/catalog.db"),
            storage=Storage(base_path=tmp_path / "backups"),
            backup=Backup(client_folders=folders, retries=0),
        )
        accounts = Accounts(Login(place.username, Secret(place.password)))
        store = Store(configuration.storage.base_path)
        yield Bench(place, Workspace(configuration, catalog, store, accounts))  # type: ignore[arg-type]
        catalog.close()
        for name in set(place.names()) - set(before):
            place.drop(name)


class EngineContract(AtAPlace):
    """What every engine does."""

    def test_a_good_backup_holds_every_row_and_object(self, bench: Bench) -> None:
        """Counted in the stream, equal to the server's own list."""
        row = bench.backup("shop")

        assert (row.state, row.rows, row.rows_exact) == ("good", ITEMS, True)
        assert row.checksummed_at is not None

    def test_it_comes_back_after_it_was_lost(self, bench: Bench) -> None:
        """Dropped and restored, the view too."""
        row = bench.backup("shop")
        bench.place.drop("shop")

        finished = bench.restore(row)

        assert finished.compared
        assert bench.place.items("shop") == ITEMS
        assert bench.place.execute("shop", "SELECT count(*) FROM few") == [(10,)]

    def test_it_comes_back_under_another_name(self, bench: Bench) -> None:
        """The original is left alone."""
        row = bench.backup("shop")
        bench.place.execute("shop", "DELETE FROM item")

        bench.restore(row, to="copy")

        assert bench.place.items("copy") == ITEMS
        assert bench.place.items("shop") == 0

    def test_what_is_there_is_replaced_only_with_force(self, bench: Bench) -> None:
        """And nothing is left beside it."""
        row = bench.backup("shop")
        bench.place.execute("shop", "DELETE FROM item")
        names = bench.place.names()

        with pytest.raises(RestoreRefused, match="not empty"):
            bench.restore(row)
        assert bench.place.items("shop") == 0
        bench.restore(row, force=True)

        assert bench.place.items("shop") == ITEMS
        assert bench.place.names() == names

    def test_without_its_sidecar_a_backup_tells_itself_what_it_holds(self, bench: Bench) -> None:
        """Where the bytes alone tell: an SQLite file must be opened for that, by the restore."""
        row = bench.backup("shop")
        bench.workspace.store.unlink(ArtifactName(row.path or "").metadata)

        source = examine(bench.workspace, choose(bench.workspace, Wish(backup=row.backup_id)), silent)

        told = source.manifest.total_rows() if source.manifest else None
        assert told == (None if source.engine.family == "sqlite" else ITEMS)

    def test_a_dump_that_unpacks_to_other_bytes_is_damaged(self, bench: Bench) -> None:
        """Whatever the stored digest says: the plain bytes were looked at when they were dumped, and are looked for."""
        row = bench.backup("shop")

        with pytest.raises(ArtifactDamaged, match="unpacks to other bytes"):
            unpack(bench.workspace, replace(row, plain_sha256="0" * 64), silent)

    def test_a_dump_that_was_cut_is_never_complete(self, bench: Bench) -> None:
        """The observer sees it from the bytes alone, at the latest when the end-of-dump line is gone."""
        plain = bench.plain(bench.backup("shop"))

        assert observed(bench, plain).complete
        for cut in (0, 1, len(plain) // 2, len(plain) * 3 // 4, len(plain) - 160):
            assert not observed(bench, plain[:cut]).complete, cut

    def test_what_is_seen_does_not_depend_on_the_chunks(self, bench: Bench) -> None:
        """A pipe gives pieces of any size."""
        plain = bench.plain(bench.backup("shop"))

        whole = observed(bench, plain)

        for size in (7, 4096):
            assert observed(bench, plain, size) == whole

    def test_databases_of_any_name_are_told_apart(self, bench: Bench) -> None:
        """Discovered, dumped and restored by their exact names."""
        for name in HOSTILE:
            bench.place.make(name)
        for name in HOSTILE:
            row = bench.backup(name)
            bench.place.drop(name)
            bench.restore(row)

            assert bench.place.items(name) == ITEMS, name

    def test_no_command_holds_the_password(self, bench: Bench) -> None:
        """Neither argv nor environment: only the private file does."""
        password = bench.place.password
        for command in commands_of(bench):
            words = [str(a) for a in (*command.argv, *command.environment.values(), *command.environment)]
            assert not password or not any(password in word for word in words)

    def test_a_survey_before_and_after_says_the_same(self, bench: Bench) -> None:
        """Otherwise every dump would count as disturbed."""
        engine, access = engine_for(bench.place.instance.type), access_of(bench.place)
        from vya_backup.transport.connections import connect

        with connect(engine, access, "shop") as connection:
            server = engine.server(connection)
            one, two = (engine.survey(connection, server, "shop") for _ in range(2))
            held = engine.count(connection, server, "shop")

        assert one.objects == two.objects
        assert missing_objects(one.objects, held.objects) == []
        assert held.rows == dict.fromkeys(held.rows, ITEMS)

    def test_a_server_that_is_not_there_is_told_as_such(self, bench: Bench) -> None:
        """And nothing is ever taken for an empty list."""
        gone = bench.place.instance.model_copy(
            update={"port": 1} if bench.place.instance.port else {"path": "/nonexistent/*.db"}
        )

        (found,) = discover(bench.workspace, [gone], record=False)

        assert isinstance(found.error, BackupError)
        assert found.selected == ()


def observed(bench: Bench, plain: bytes, size: int = 1 << 20) -> Observation:
    """Show bytes to a fresh observer, in pieces."""
    observer: DumpObserver = engine_for(bench.place.instance.type).observer()
    for start in range(0, len(plain), size):
        observer.feed(plain[start : start + size])
    return observer.finish()


def access_of(place: Place) -> Access:
    """Return the place's access."""
    return Access(place.instance, place.username, Secret(place.password))


def commands_of(bench: Bench) -> list[Command]:
    """Return every command of a dump and of a restore of `shop`."""
    row = bench.backup("shop")
    prepared = prepare(bench.workspace, Wish(backup=row.backup_id, to="copy"), silent)
    steps = prepared.engine.restore(replace(prepared.request, exists=False))
    found = [step.command for step in _answered(steps) if hasattr(step, "command")]
    assert found
    return found


def _answered(steps: Any) -> Iterator[Any]:
    """Yield every step; what one asks of the server is answered with: there is none."""
    answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return
        answer = () if isinstance(step, Ask) else None
        yield step
