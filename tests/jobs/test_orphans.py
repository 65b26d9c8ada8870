"""What a crash leaves open is closed by the next run: adopted where the dump stands, abandoned and swept elsewhere.

Each test builds what is on the disk and in the catalog when a run dies between two of its effects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.engines.contract import ITEMS, Accounts, Bench
from tests.engines.places import SqlitePlace
from vya_backup.decisions.naming import ArtifactName
from vya_backup.engines.contract import Access, Unfinished
from vya_backup.engines.sqlite.restoring import Places, places_of
from vya_backup.errors import CatalogError
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Process
from vya_backup.history.events import Dumped, Started
from vya_backup.history.identifiers import new_id
from vya_backup.history.restore_events import Restored, RestoreStarted
from vya_backup.history.restores import restores
from vya_backup.history.views import BackupRow, backups
from vya_backup.jobs.dumping import Order, dump_database
from vya_backup.jobs.orphans import close_orphans
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import Application, CatalogSettings, Configuration
from vya_backup.settings.storage_model import Storage
from vya_backup.transport.liveness import this_process
from vya_backup.transport.locks import hold
from vya_backup.transport.pipeline import silent
from vya_backup.transport.storage import Store

HOST = "testhost"
GONE = Process(host=HOST, boot_id="another boot", pid=1, started_ticks=1)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A workspace with one SQLite database `shop`, on the host `testhost`."""
    place = SqlitePlace(tmp_path / "data")
    place.make("shop")
    catalog = Catalog.open(tmp_path / "catalog/catalog.db", host=HOST)
    configuration = Configuration(
        application=Application(hostname=HOST),
        instances=(place.instance,),
        catalog=CatalogSettings(path=tmp_path / "catalog/catalog.db"),
        storage=Storage(base_path=tmp_path / "backups"),
    )
    store = Store(configuration.storage.base_path)
    yield Bench(place, Workspace(configuration, catalog, store, Accounts(Login("", Secret("")))))  # type: ignore[arg-type]
    catalog.close()


def begin(bench: Bench, process: Process = GONE, *, like: BackupRow | None = None) -> ArtifactName:
    """Append `started` for a dump of `shop`; `like` takes id and path of a backup that was really made."""
    planned = bench.planned("shop")
    path = like.path if like else planned.artifact.dump
    bench.workspace.catalog.append(
        Started(
            instance="place",
            database="shop",
            backup_id=like.backup_id if like else new_id(),
            engine="sqlite",
            path=path or "",
            shape=planned.shape,
            slot_start=planned.slot.start,
            slot_end=planned.slot.end,
            reason="test",
            process=process,
        )
    )
    return ArtifactName(path or "")


def states(bench: Bench) -> list[str]:
    """Return the states of all backups, newest first."""
    return [row.state for row in backups(bench.workspace.catalog)]


def files(bench: Bench) -> list[str]:
    """Return the names of all files below the base path."""
    return sorted(p.name for p in bench.workspace.store.base_path.rglob("*") if p.is_file())


def test_a_dump_cut_off_in_mid_stream_is_abandoned_and_its_partial_file_swept(bench: Bench) -> None:
    """The process is gone, so is its lock on the hidden file."""
    artifact = begin(bench)
    folder = bench.workspace.store.path(artifact.dump).parent
    folder.mkdir(parents=True)
    (folder / f".{artifact.file}.abcd.partial").write_bytes(b"half a dump")

    (told,) = close_orphans(bench.workspace)

    assert states(bench) == ["abandoned"]
    assert files(bench) == []
    assert re.fullmatch(r"the dump of place/shop that began at [0-9: -]{19} was cut off; it counts as abandoned", told)


def test_sidecars_without_their_dump_are_swept(bench: Bench) -> None:
    """Cut off between the sidecars and the dump's final name."""
    artifact = begin(bench)
    bench.workspace.store.write_sidecar(artifact.metadata, b"{}")
    bench.workspace.store.write_sidecar(artifact.checksum, b"x")

    close_orphans(bench.workspace)

    assert states(bench) == ["abandoned"]
    assert files(bench) == []


def test_a_published_dump_whose_event_is_missing_is_adopted_and_then_only_checked(tmp_path: Path, bench: Bench) -> None:
    """Cut off between the final name and `dumped`: the sidecar says what the event would have."""
    made = bench.backup("shop")
    crashed = Catalog.open(tmp_path / "other/catalog.db", host=HOST)
    after = Bench(bench.place, Workspace(**(_fields(bench.workspace) | {"catalog": crashed})))
    artifact = begin(after, like=made)
    dump = bench.workspace.store.path(artifact.dump)
    dump.with_name(f".{dump.name}.abcd.partial").hardlink_to(dump)  # its hidden name is removed after it got its own

    assert close_orphans(after.workspace) == []

    assert not [name for name in files(bench) if name.endswith(".partial")]
    (row,) = backups(crashed)
    assert (row.state, row.dumped, row.sha256, row.plain_bytes) == ("running", True, made.sha256, made.plain_bytes)
    assert after.planned("shop", forced=False).decision.work == "checksum"
    crashed.close()


def test_a_published_dump_whose_event_cannot_be_appended_has_not_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalog's disk fails for a moment: as `failed` its files would be nobody's, so it is left to be adopted."""
    append = bench.workspace.catalog.append

    def refuse(*events: Any) -> Any:
        if any(isinstance(event, Dumped) for event in events):
            raise CatalogError("the disk failed")
        return append(*events)

    monkeypatch.setattr(bench.workspace.catalog, "append", refuse)
    with pytest.raises(CatalogError):
        dump_database(bench.workspace, Order(bench.planned("shop")), silent)

    assert states(bench) == ["running"]
    assert len(files(bench)) == 3


def test_a_dump_of_another_backup_under_the_same_name_is_left_alone(tmp_path: Path, bench: Bench) -> None:
    """Nothing is adopted or deleted on the strength of a name."""
    made = bench.backup("shop")
    crashed = Catalog.open(tmp_path / "other/catalog.db", host=HOST)
    after = Bench(bench.place, Workspace(**(_fields(bench.workspace) | {"catalog": crashed})))
    other = BackupRow(**(vars(made) | {"backup_id": new_id()}))
    begin(after, like=other)
    before = files(bench)

    close_orphans(after.workspace)

    assert states(after) == ["abandoned"]
    assert files(bench) == before
    crashed.close()


def test_a_dump_that_is_still_being_made_is_left_alone(bench: Bench) -> None:
    """Its process lives: this one."""
    artifact = begin(bench, Process(**asdict(this_process(HOST))))
    with bench.workspace.store.draft(artifact.dump) as draft:
        draft.write(b"going on")
        close_orphans(bench.workspace)

        assert len(files(bench)) == 1
    assert states(bench) == ["running"]


def test_another_hosts_dump_is_never_judged(bench: Bench) -> None:
    """Its processes cannot be seen from here."""
    begin(bench, GONE.model_copy(update={"host": "elsewhere"}))

    close_orphans(bench.workspace)

    assert states(bench) == ["running"]


def restoring(bench: Bench, **more: Any) -> Unfinished:
    """Append what a restore over `shop` appends first; its process is gone. Return what it told."""
    target = bench.place.folder / "shop.db"  # type: ignore[attr-defined]
    facts = {"target_instance": "place", "target_database": "shop", "staging": "vya_staging_1"} | more
    began = RestoreStarted(
        **({"process": GONE, "retired": "vya_retired_1", "place": str(target)} | facts),
        restore_id=new_id(),
        source_path="x",
        requested="newest good backup",
    )
    bench.workspace.catalog.append(began)
    return Unfinished(Access(bench.place.instance), "shop", began.staging, began.retired, began.place)


def hidden(bench: Bench) -> list[str]:
    """Return the hidden files beside the databases."""
    return sorted(path.name for path in bench.place.folder.glob(".*"))  # type: ignore[attr-defined]


def leave(left: Unfinished, *, staged: bytes = b"half", retired: bytes | None = None) -> Places:
    """Leave the files of a dead restore."""
    where = places_of(Path(left.place), left.staging)
    where.staged.write_bytes(staged)
    if retired is not None:
        where.retired.write_bytes(retired)
    return where


def test_what_a_dead_restore_left_is_removed_and_the_restore_closed(bench: Bench) -> None:
    """Cut off while it made the copy of the old database: the target is sound, so neither copy is needed."""
    leave(restoring(bench), retired=b"half a copy")

    (sentence,) = close_orphans(bench.workspace)

    assert "remove the staged file" in sentence
    assert hidden(bench) == []
    assert bench.place.items("shop") == ITEMS
    (row,) = restores(bench.workspace.catalog)
    assert (row.state, row.code, row.left_behind) == ("failed", "abandoned", "")
    assert close_orphans(bench.workspace) == []


def test_the_old_copy_stays_while_the_target_is_not_whole(bench: Bench) -> None:
    """It may be all there is; the restore stays open, and the next run asks again."""
    left = restoring(bench)
    leave(left, retired=b"the old database")
    Path(left.place).write_bytes(b"SQLite format 3\0 and then nothing that makes sense")

    (sentence,) = close_orphans(bench.workspace)

    assert "may hold the old database" in sentence
    assert len(hidden(bench)) == 2
    assert [row.state for row in restores(bench.workspace.catalog)] == ["running"]


def test_a_target_that_was_damaged_before_is_left_as_it_was(bench: Bench) -> None:
    """SQLite cannot read it, but it is byte for byte what the restore had copied."""
    left = restoring(bench)
    leave(left, retired=b"never was a database")
    Path(left.place).write_bytes(b"never was a database")

    close_orphans(bench.workspace)

    assert hidden(bench) == []
    assert Path(left.place).read_bytes() == b"never was a database"


def test_what_an_ended_restore_could_not_clean_up_goes_later(bench: Bench) -> None:
    """It stays a restored one, and the run after has nothing to do any more."""
    left = restoring(bench)
    leave(left, retired=b"a copy")
    (row,) = restores(bench.workspace.catalog)
    target = {"restore_id": row.restore_id, "target_instance": "place", "target_database": "shop"}
    bench.workspace.catalog.append(
        Restored(**target, duration_seconds=1, rows=1, plain_bytes=1, left="remove the staged file")
    )

    (sentence,) = close_orphans(bench.workspace)

    assert "had left something behind" in sentence
    assert hidden(bench) == []
    (row,) = restores(bench.workspace.catalog)
    assert (row.state, row.left_behind) == ("restored", "")
    assert close_orphans(bench.workspace) == []


@pytest.mark.parametrize("field", ["host", "boot_id"])
def test_a_restore_that_may_still_be_at_work_is_left_alone(bench: Bench, field: str) -> None:
    """On another host nobody can tell; here, its process lives."""
    alive = Process(**asdict(this_process(HOST)))
    process = GONE.model_copy(update={"host": "elsewhere"}) if field == "host" else alive
    leave(restoring(bench, process=process))

    assert close_orphans(bench.workspace) == []
    assert len(hidden(bench)) == 1


def test_an_instance_that_is_no_longer_configured_is_said_and_tried_again(bench: Bench) -> None:
    """As with a server that cannot be reached: nothing is closed before it is right."""
    restoring(bench, target_instance="gone")

    for _run in range(2):
        (sentence,) = close_orphans(bench.workspace)
        assert "the next run tries again" in sentence
        assert "no instance 'gone'" in sentence


def test_a_dump_whose_database_another_run_works_at_is_left_to_that_one(bench: Bench) -> None:
    """What it dumps now may have the same name: its sidecars would be swept from under it."""
    begin(bench)
    with hold(bench.workspace.state / "locks", "place/shop", "another run"):
        close_orphans(bench.workspace)

    assert states(bench) == ["running"]


def _fields(workspace: Workspace) -> dict[str, object]:
    return {name: getattr(workspace, name) for name in ("configuration", "catalog", "store", "credentials")}
