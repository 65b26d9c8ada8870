"""What a crash leaves open is closed by the next run: adopted where the dump stands, abandoned and swept elsewhere.

Each test builds what is on the disk and in the catalog when a run dies between two of its effects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.engines.contract import Accounts, Bench
from tests.engines.places import SqlitePlace
from vya_backup.decisions.naming import ArtifactName
from vya_backup.history.catalog import Catalog
from vya_backup.history.events import Process, RestoreStarted, Started
from vya_backup.history.identifiers import new_id
from vya_backup.history.views import BackupRow, backups, restores
from vya_backup.jobs.orphans import close_orphans
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import Application, CatalogSettings, Configuration
from vya_backup.settings.storage_model import Storage
from vya_backup.transport.liveness import this_process
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

    close_orphans(bench.workspace)

    assert states(bench) == ["abandoned"]
    assert files(bench) == []


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
    begin(after, like=made)

    close_orphans(after.workspace)

    (row,) = backups(crashed)
    assert (row.state, row.dumped, row.sha256, row.plain_bytes) == ("running", True, made.sha256, made.plain_bytes)
    assert after.planned("shop", forced=False).decision.work == "checksum"
    crashed.close()


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


def test_a_restore_that_died_is_closed_and_says_what_to_look_for(bench: Bench) -> None:
    """Nothing is dropped by guess: a person is told the names."""
    bench.workspace.catalog.append(
        RestoreStarted(
            restore_id="r1",
            target_instance="place",
            target_database="shop",
            staging="vya_staging_1",
            retired="vya_retired_1",
            source_path="x",
            requested="newest good backup",
            process=GONE,
        )
    )

    (sentence,) = close_orphans(bench.workspace)

    assert "vya_staging_1" in sentence
    assert "vya_retired_1 holds the old database" in sentence
    (row,) = restores(bench.workspace.catalog)
    assert (row.state, row.code) == ("failed", "abandoned")
    assert close_orphans(bench.workspace) == []


def _fields(workspace: Workspace) -> dict[str, object]:
    return {name: getattr(workspace, name) for name in ("configuration", "catalog", "store", "credentials")}
