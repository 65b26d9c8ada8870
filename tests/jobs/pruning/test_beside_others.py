"""A hold, a restore or another prune that comes in the middle of a prune."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import pytest

from tests.engines.contract import Bench
from tests.jobs.pruning.nights import (
    ALL,
    HOST,
    SHOP,
    files_of,
    pruned_now,
    states,
)
from vya_backup.errors import BackupError, RestoreRefused
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event, Process
from vya_backup.history.restore_events import RestoreStarted
from vya_backup.history.restores import restores
from vya_backup.history.views import BackupRow
from vya_backup.jobs.holding import hold_backup, release_backup
from vya_backup.jobs.pruning import consider
from vya_backup.jobs.restore_plan import prepare
from vya_backup.jobs.restore_source import Wish
from vya_backup.jobs.restoring import restore
from vya_backup.transport.liveness import this_process
from vya_backup.transport.pipeline import silent


def in_between(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Do something when a prune has decided what to look at, and is about to take the catalog's write lock."""
    real = Catalog.append_decided

    def late(catalog: Catalog, decide: Callable[[], Sequence[Event]]) -> object:
        monkeypatch.undo()
        deed()
        return real(catalog, decide)

    monkeypatch.setattr(Catalog, "append_decided", late)


def test_a_hold_beside_a_prune_is_heeded(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes at the last moment; a moment later there would be nothing to hold."""
    in_between(monkeypatch, lambda: hold_backup(bench.workspace, nights[1].backup_id, "audit"))

    pruned_now(bench)

    assert states(bench) == ["pruned", "good", "pruned", "good", "good"]
    assert files_of(bench, nights[1]) == ALL
    with pytest.raises(BackupError, match="is pruned: there is nothing to hold"):
        hold_backup(bench.workspace, nights[0].backup_id, "too late")
    assert "is released" in release_backup(bench.workspace, nights[1].backup_id, "done")
    assert len(pruned_now(bench).pruned) == 1


def test_a_restore_beside_a_prune_keeps_its_backup(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins at the last moment, and ends well."""
    row = nights[0]
    started = RestoreStarted(
        instance="place",
        database="shop",
        backup_id=row.backup_id,
        restore_id="r1",
        target_instance="place",
        target_database="copy",
        source_path=row.path or "",
        requested="test",
        process=Process(**asdict(this_process(HOST))),
    )
    in_between(monkeypatch, lambda: bench.workspace.catalog.append(started))

    pruned_now(bench)

    assert states(bench) == ["good", "pruned", "pruned", "good", "good"]
    assert files_of(bench, row) == ALL
    fates = {fate.candidate.backup_id: fate.reason for fate in consider(bench.workspace, SHOP).decision.fates}
    assert fates[row.backup_id] == "being restored"


def test_a_restore_that_comes_after_the_prune_is_refused_before_it_touches_anything(
    bench: Bench, nights: list[BackupRow]
) -> None:
    """Prepared while the backup was there."""
    prepared = prepare(bench.workspace, Wish(backup=nights[0].backup_id, to="copy"), silent)
    pruned_now(bench)

    with pytest.raises(RestoreRefused, match="was pruned meanwhile; nothing was touched"):
        restore(bench.workspace, prepared, lambda purpose: None, silent)

    assert bench.place.names() == ["shop"]
    assert restores(bench.workspace.catalog) == []


def test_a_restore_from_a_file_of_the_tree_names_the_backup_that_it_reads(
    bench: Bench, nights: list[BackupRow]
) -> None:
    """So that it counts as being restored."""
    file = bench.workspace.store.path(nights[0].path or "")
    prepared = prepare(bench.workspace, Wish(key=SHOP, file=file, to="copy"), silent)

    restore(bench.workspace, prepared, lambda purpose: None, silent)

    assert [row.backup_id for row in restores(bench.workspace.catalog)] == [nights[0].backup_id]
