"""Verifying a backup: three verdicts, and what each leaves in the catalog."""

from __future__ import annotations

import threading
from functools import partial
from itertools import count

import pytest

from tests.engines.contract import Bench
from tests.history.samples import plain
from tests.jobs.looks import events, looked, now, paths
from vya_backup.errors import AlreadyRunning, ArtifactDamaged, Interrupted
from vya_backup.history.events import Pruned
from vya_backup.history.verifiable import verifiable
from vya_backup.history.views import BackupRow, backup, databases, restorable
from vya_backup.jobs import verifying
from vya_backup.jobs.dumping import Order, dump_database
from vya_backup.jobs.restore_source import Wish, choose
from vya_backup.jobs.verifying import verify
from vya_backup.transport.locks import hold
from vya_backup.transport.pipeline import silent
from vya_backup.transport.processes import stop


def test_an_intact_backup_passes_and_changes_no_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event tells what was read, and the backup is verified from then on."""
    row = bench.backup("shop")
    before = [path.stat() for path in paths(bench, row)]
    monkeypatch.setattr(verifying, "monotonic", partial(next, count(10, 2.5)))

    event = looked(bench, row)

    assert (event.verdict, event.reason, event.checks) == ("pass", "", ())
    assert (event.size_bytes, event.sha256) == (row.size_bytes, row.sha256)
    assert event.duration_seconds == 2.5
    after = now(bench, row)
    assert (after.state, after.verdict) == ("good", "pass")
    assert after.verified_at == after.looked_at is not None
    assert [path.stat().st_mtime_ns for path in paths(bench, row)] == [found.st_mtime_ns for found in before]


def test_a_read_back_is_no_verification(bench: Bench) -> None:
    """It compares digests; `verified_at` means more."""
    row = bench.backup("shop")
    assert (row.state, row.verified_at, row.looked_at) == ("good", None, None)


def test_damage_makes_a_database_due_and_the_backup_no_source(bench: Bench) -> None:
    """And nothing is due any more when the file is back."""
    row = bench.backup("shop")
    (dump, *_) = paths(bench, row)
    kept = dump.read_bytes()
    dump.write_bytes(kept[:-1])

    looked(bench, row)

    assert bench.planned("shop", forced=False).decision.reason == "no good backup yet"
    assert [found.due for found in databases(bench.workspace.catalog)] == [True]
    assert restorable(bench.workspace.catalog) == []
    dump.write_bytes(kept)
    assert looked(bench, row).verdict == "pass"
    assert not bench.planned("shop", forced=False).decision.is_due
    assert [found.due for found in databases(bench.workspace.catalog)] == [False]


def test_a_missing_file_is_missing_and_good_again_when_it_is_back(bench: Bench) -> None:
    """As after a disk that was copied back."""
    row = bench.backup("shop")
    (dump, *_) = paths(bench, row)
    kept = dump.read_bytes()
    dump.unlink()

    assert looked(bench, row).checks == ("presence",)
    assert now(bench, row).state == "missing"
    first = now(bench, row)
    dump.write_bytes(kept)
    assert looked(bench, row).verdict == "pass"
    again = now(bench, row)
    assert (again.state, first.verdict, again.verdict) == ("good", "fail", "pass")
    assert first.looked_at is not None
    assert again.looked_at is not None
    assert again.looked_at > first.looked_at


def test_a_dump_that_came_back_without_its_sidecars_is_good_again(bench: Bench) -> None:
    """What restores is there; what is not is still a fault of its own."""
    row = bench.backup("shop")
    dump, checksum, metadata = paths(bench, row)
    kept = dump.read_bytes()
    for path in (dump, checksum, metadata):
        path.unlink()
    looked(bench, row)
    dump.write_bytes(kept)

    event = looked(bench, row)

    assert (event.verdict, event.checks) == ("fail", ("checksum file", "metadata sidecar"))
    assert now(bench, row).state == "good"


def test_a_tree_that_is_not_mounted_makes_nothing_missing(bench: Bench) -> None:
    """The mount point is there and empty, or not even that."""
    row = bench.backup("shop")
    base = bench.workspace.store.base_path
    base.rename(base.with_name("elsewhere"))
    for make in (lambda: None, base.mkdir, (base / "lost+found").mkdir):
        make()
        event = looked(bench, row)
        assert (event.verdict, event.checks) == ("cannot judge", ("reading",))
        assert "mounted" in event.reason
        assert now(bench, row).state == "good"


@pytest.mark.parametrize("which", [0, 1, 2])
def test_what_cannot_be_read_is_not_judged(bench: Bench, which: int) -> None:
    """A disk that refuses says nothing against a backup: it stays what it was."""
    row = bench.backup("shop")
    path = paths(bench, row)[which]
    path.unlink()
    path.symlink_to(path)  # even root gets an error from a link that leads to itself

    event = looked(bench, row)

    assert event.verdict == "cannot judge"
    assert event.checks == (("reading", "checksum file", "metadata sidecar")[which],)
    assert "symbolic links" in event.reason
    assert now(bench, row).state == "good"
    assert now(bench, row).verified_at is None


def test_an_engine_that_this_version_does_not_know_is_not_judged(bench: Bench) -> None:
    """Its digests are compared all the same."""
    row = bench.backup("shop")
    forged(bench, row, "engine = 'oracle'")

    event = looked(bench, row)

    assert (event.verdict, event.checks) == ("cannot judge", ("end of dump",))
    assert "no engine 'oracle'" in event.reason
    (dump, *_) = paths(bench, row)
    dump.write_bytes(b"")
    assert looked(bench, row).verdict == "fail"


def test_a_compression_that_this_version_does_not_know_is_not_judged(bench: Bench) -> None:
    """A file of a newer program."""
    row = bench.backup("shop")
    dump, checksum, _metadata = paths(bench, row)
    dump.rename(dump.with_suffix(".xz"))
    forged(bench, row, f"path = '{(row.path or '').removesuffix('gz')}xz'")

    event = looked(bench, row)

    assert "decoding" in event.checks
    assert "neither .gz nor .zst" in event.reason
    assert now(bench, row).state == "good"
    assert checksum.exists()


def test_a_dump_that_was_never_read_back_becomes_good(bench: Bench) -> None:
    """Cut off between the two: a verification is more than a read-back."""
    assert dump_database(bench.workspace, Order(bench.planned("shop"), forced=True), silent)
    (waiting,) = verifiable(bench.workspace.catalog)
    row = backup(bench.workspace.catalog, waiting.backup_id)
    assert row is not None
    assert row.state == "running"

    assert looked(bench, row).verdict == "pass"
    assert now(bench, row).state == "good"


def test_what_was_pruned_meanwhile_is_left_alone(bench: Bench) -> None:
    """Chosen before, gone when its turn came: no event, no fault."""
    row = bench.backup("shop")
    bench.workspace.catalog.append(
        Pruned(
            instance=row.instance,
            database=row.database,
            backup_id=row.backup_id,
            path=row.path or "",
            reason="old",
            policy="keep 1",
        )
    )
    before = len(events(bench))

    assert verify(bench.workspace, row.backup_id, silent) is None
    assert verify(bench.workspace, "no such id", silent) is None
    assert len(events(bench)) == before
    assert verifiable(bench.workspace.catalog) == []


def test_a_database_that_another_process_works_on_is_not_looked_at(bench: Bench) -> None:
    """A verification holds the lock of the database, as a dump does."""
    row = bench.backup("shop")
    before = len(events(bench))
    with hold(bench.workspace.state / "locks", "place/shop", "a dump"), pytest.raises(AlreadyRunning, match="a dump"):
        verify(bench.workspace, row.backup_id, silent)
    assert len(events(bench)) == before


def test_threads_of_one_run_take_turns_on_one_database(bench: Bench) -> None:
    """Two backups of it at once: the second waits, and is no error."""
    rows = [bench.backup("shop") for _ in range(2)]
    entered, may_go = threading.Event(), threading.Event()

    def hold_up(_plain: int, _stored: int) -> None:
        entered.set()
        may_go.wait(30)

    first = threading.Thread(target=verify, args=(bench.workspace, rows[0].backup_id, hold_up))
    first.start()
    assert entered.wait(30)
    second = threading.Thread(target=verify, args=(bench.workspace, rows[1].backup_id, silent))
    second.start()
    may_go.set()
    for thread in (first, second):
        thread.join(30)
    assert [now(bench, row).verdict for row in rows] == ["pass", "pass"]


def test_a_stop_in_the_middle_is_no_verdict(bench: Bench) -> None:
    """Nothing is appended; the backup keeps its place in the queue."""
    row = bench.backup("shop")
    before = len(events(bench))
    stop.requested = 15
    try:
        with pytest.raises(Interrupted):
            verify(bench.workspace, row.backup_id, silent)
    finally:
        stop.requested = None
    assert len(events(bench)) == before


def test_a_restore_refuses_a_sidecar_that_is_not_what_was_written(bench: Bench) -> None:
    """One digit of a row count would be found only after hours of loading: it is told before, with the remedy."""
    row = bench.backup("shop")
    metadata = paths(bench, row)[2]
    metadata.write_bytes(metadata.read_bytes().replace(b'"item": 500', b'"item": 501'))

    with pytest.raises(ArtifactDamaged, match=r"is not what was written\. Move it away"):
        choose(bench.workspace, Wish(backup=row.backup_id))
    metadata.unlink()
    assert choose(bench.workspace, Wish(backup=row.backup_id)).sidecar is None


def forged(bench: Bench, row: BackupRow, change: str) -> None:
    """Change what the catalog knows of a backup, behind its back."""
    with plain(bench.workspace.catalog.path) as connection:
        connection.execute(f"UPDATE projected_backups SET {change} WHERE backup_id = ?", (row.backup_id,))
