"""What a prune takes, tells and finishes: once, with its reasons, and never before the event is on the disk."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from tests.engines.contract import Bench
from tests.jobs.pruning.nights import (
    ALL,
    BYTES_OF_ONE,
    HOST,
    KEPT,
    NIGHTS,
    NONE,
    events,
    files_of,
    pruned_now,
    states,
)
from vya_backup.decisions.retention import Candidate, Policy, decide
from vya_backup.errors import BackupError, StorageFailed
from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.events import Pruned, Removed
from vya_backup.history.keeping import to_be_removed
from vya_backup.history.views import BackupRow
from vya_backup.jobs.orphans import close_orphans
from vya_backup.jobs.pruning import finish_prunes
from vya_backup.transport.storage import Store


def test_a_prune_removes_what_fills_no_slot_and_nothing_else(bench: Bench, nights: list[BackupRow]) -> None:
    """Three of five nights go with their sidecars and folders, each with an event before and one after."""
    outcome = pruned_now(bench)

    assert outcome.problems == []
    assert states(bench) == ["pruned"] * 3 + ["good"] * KEPT
    assert [files_of(bench, row) for row in nights] == [NONE] * 3 + [ALL] * KEPT
    assert [p.name for p in sorted(bench.workspace.store.base_path.rglob("2026-*"))] == ["2026-01-13", "2026-01-14"]
    told = [(event.type, event.backup_id) for event in events(bench, Pruned, Removed)]
    gone = [row.backup_id for row in nights[:3]]
    assert told == [("pruned", one) for one in gone] + [("removed", one) for one in gone]
    assert outcome.freed_bytes > sum(row.size_bytes or 0 for row in nights[:3])
    assert audit(bench.workspace.catalog).ok
    assert bench.restore(nights[3], force=True).compared


def test_a_second_prune_changes_nothing(bench: Bench, nights: list[BackupRow]) -> None:
    """No event, no file."""
    pruned_now(bench)
    head = bench.workspace.catalog.head()

    outcome = pruned_now(bench)

    assert (outcome.pruned, outcome.problems) == ((), [])
    assert bench.workspace.catalog.head() == head


def test_anyone_can_make_the_decision_again(bench: Bench, nights: list[BackupRow]) -> None:
    """From the numbers of its first event, and what the catalog knew of the backups that it names and that name it."""
    pruned_now(bench)
    given_up = [event for event in events(bench, Pruned) if isinstance(event, Pruned)]
    event = next(one for one in given_up if one.backup_id == given_up[-1].decision)
    assert {one.decision for one in given_up} == {nights[0].backup_id}
    assert {one.backup_id for one in given_up} == {row.backup_id for row in nights[:3]}
    assert event.decided_at is not None
    survivors = {one.backup_id: one.reason for one in event.survivors}
    known = [Candidate(row.backup_id, row.sequence, "good", row.started_at) for row in nights]

    again = decide(known, Policy(**event.rules), event.decided_at, ZoneInfo(event.zone))  # type: ignore[arg-type]

    assert {fate.candidate.backup_id: fate.reason for fate in again.survivors} == survivors
    assert [(s.rule, s.period, s.backup_id) for s in again.slots] == [
        (s.rule, s.period, s.backup_id) for s in event.slots
    ]
    assert str(again.policy) == event.policy == "keep 2 daily"


def test_a_decision_is_told_once_however_many_it_gives_up(bench: Bench, nights: list[BackupRow]) -> None:
    """A first prune of years gives up thousands: what grows with them is their own facts alone."""
    pruned_now(bench)

    whole, *others = (event for event in events(bench, Pruned) if isinstance(event, Pruned))

    assert {one.backup_id for one in whole.survivors} == {row.backup_id for row in nights[3:]}
    assert others
    assert all((one.slots, one.survivors, one.rules, one.decided_at) == ((), (), {}, None) for one in others)
    assert all(len(one.data()) < BYTES_OF_ONE for one in others)


@pytest.mark.parametrize("removed", [0, 1, 2, 3])
def test_an_abort_after_the_event_is_finished_by_the_next_run(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    """Cut off before the first, second or third file of the oldest backup is gone, or before that is told."""
    with monkeypatch.context() as patched:
        _die_after(removed, patched)
        with pytest.raises(KeyboardInterrupt):
            pruned_now(bench)

    assert states(bench) == ["pruned"] * 3 + ["good"] * KEPT
    assert sum(files_of(bench, nights[0])) == 3 - removed
    assert [row.backup_id for row in to_be_removed(bench.workspace.catalog, HOST)] == [r.backup_id for r in nights[:3]]

    assert close_orphans(bench.workspace) == []
    assert [files_of(bench, row) for row in nights] == [NONE] * 3 + [ALL] * KEPT
    head = bench.workspace.catalog.head()
    assert close_orphans(bench.workspace) == []
    assert (bench.workspace.catalog.head(), to_be_removed(bench.workspace.catalog, HOST)) == (head, [])


def _die_after(removed: int, patched: pytest.MonkeyPatch) -> None:
    """Let the process end at the unlink after so many, or when `removed` is appended."""
    real, done = Store.unlink, []

    def unlink(store: Store, path: str) -> None:
        if len(done) == removed:
            raise KeyboardInterrupt
        done.append(path)
        real(store, path)

    append = Catalog.append

    def dying(catalog: Catalog, *events: Event) -> object:
        if any(isinstance(event, Removed) for event in events):
            raise KeyboardInterrupt
        return append(catalog, *events)

    patched.setattr(Store, "unlink", unlink)
    patched.setattr(Catalog, "append", dying)


def test_nothing_is_removed_before_the_event_is_on_the_disk(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append that fails leaves every file."""

    def full(catalog: Catalog, decided: Callable[[], object]) -> None:
        decided()
        raise BackupError("the disk is full")

    monkeypatch.setattr(Catalog, "append_decided", full)
    with pytest.raises(BackupError, match="disk is full"):
        pruned_now(bench)

    assert [files_of(bench, row) for row in nights] == [ALL] * NIGHTS


def test_a_disk_that_refuses_is_asked_again_by_the_next_run(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The problem is told by both, and the rest is done."""

    def refused(store: Store, path: str) -> None:
        raise StorageFailed(f"cannot remove {path}: Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "unlink", refused)
        outcome = pruned_now(bench)
        later = finish_prunes(bench.workspace)

    assert len(outcome.problems) == len(later) == 3
    assert "Input/output error" in later[0]
    assert finish_prunes(bench.workspace) == []
    assert [files_of(bench, row) for row in nights] == [NONE] * 3 + [ALL] * KEPT


def test_another_hosts_unfinished_prune_is_not_finished_here(bench: Bench, nights: list[BackupRow]) -> None:
    """In a catalog of several hosts: its files are in its own tree, and what has their names here is not its."""
    catalog, row = bench.workspace.catalog, nights[0]
    elsewhere = Catalog.open(catalog.path, host="otherhost", now=bench.workspace.clock)
    where = {"instance": "place", "database": "shop", "backup_id": row.backup_id}
    elsewhere.append(Pruned(**where, path=row.path or "", reason="fills no slot", policy="keep 2 daily"))
    elsewhere.close()

    assert finish_prunes(bench.workspace) == []

    assert files_of(bench, row) == ALL
    assert events(bench, Removed) == []
    assert [one.backup_id for one in to_be_removed(catalog, "otherhost")] == [row.backup_id]
