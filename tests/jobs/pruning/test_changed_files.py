"""Files that are not what was published are left and told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines.contract import Bench
from tests.history.samples import Steps
from tests.jobs.pruning.nights import (
    NIGHTS,
    SHOP,
    events,
    files_of,
    night,
    pruned_now,
    states,
    written,
)
from vya_backup.decisions.naming import ArtifactName
from vya_backup.history.events import Removed
from vya_backup.history.views import BackupRow
from vya_backup.jobs import pruning, removing
from vya_backup.jobs.pruning import consider, finish_prunes, prune
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.pipeline import silent
from vya_backup.transport.storage import Store


def test_a_changed_file_is_left_and_told(bench: Bench, clock: Steps) -> None:
    """One bit flipped in place: the backup is damaged, which keeps its file from every later prune."""
    row = night(bench, clock)
    night(bench, clock)
    night(bench, clock)
    path = bench.workspace.store.path(row.path or "")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    outcome = pruned_now(bench)

    assert states(bench) == ["pruned"] * NIGHTS + ["damaged", "good", "good"]
    assert len(outcome.problems) == 1
    assert "is damaged and is left: its SHA-256 is" in outcome.problems[0]
    assert path.read_bytes() == content
    assert pruned_now(bench).pruned == ()


def test_a_foreign_file_under_a_pruned_name_is_left_and_told_once(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came between the event and the removal."""
    path, row = bench.workspace.store.path(nights[0].path or ""), nights[0]
    real = removing.remove

    def late(workspace: Workspace, row: object, check: object) -> object:
        written(path, b"someone else's")
        monkeypatch.undo()
        return real(workspace, row, check)  # type: ignore[arg-type]

    monkeypatch.setattr(pruning, "remove", late)
    outcome = pruned_now(bench)

    assert outcome.problems == [f"{row.path} is left: it has 14 bytes instead of {row.size_bytes:,}"]
    assert path.read_bytes() == b"someone else's"
    assert [left.path for event in events(bench, Removed) for left in event.left] == [row.path]  # type: ignore[attr-defined]
    assert finish_prunes(bench.workspace) == []


@pytest.mark.parametrize("which", ["metadata", "checksum"])
def test_a_changed_sidecar_is_left_and_told(bench: Bench, nights: list[BackupRow], which: str) -> None:
    """Beside another backup's metadata the dump is left, too: it may be that one's."""
    path = getattr(ArtifactName(nights[0].path or ""), which)
    written(bench.workspace.store.path(path), b"{}")

    outcome = pruned_now(bench)

    assert any(problem.startswith(f"{path} is left") for problem in outcome.problems)
    assert files_of(bench, nights[0]) == ([True, False, True] if which == "metadata" else [False, True, False])


def test_a_link_is_no_backup_of_ours(bench: Bench, nights: list[BackupRow], tmp_path: Path) -> None:
    """Neither it nor what it points to is touched."""
    path = bench.workspace.store.path(nights[0].path or "")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    outcome = pruned_now(bench)

    assert "is left: it is a link" in outcome.problems[0]
    assert path.is_symlink()
    assert (tmp_path / "elsewhere").exists()
    assert states(bench) == ["good", "pruned", "pruned", "good", "good"]


def test_files_are_read_only_where_the_tree_was_moved(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same inode, time and size is the same file; a copied tree is judged by its digests."""
    read: list[str] = []
    real = removing.reading_back.read_back

    def counted(store: Store, path: str, progress: object) -> object:
        read.append(path)
        return real(store, path, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(removing.reading_back, "read_back", counted)
    base = bench.workspace.store.base_path
    consider(bench.workspace, SHOP)
    shutil.copytree(base, base.with_name("moved"))
    moved = replace(bench.workspace, store=Store(base.with_name("moved")))

    assert len(prune(moved, SHOP, silent).pruned) == 3
    assert read == [row.path for row in reversed(nights[:3])]
    assert [row.state for row in nights] == ["good"] * NIGHTS
    read.clear()
    assert finish_prunes(moved) == []
    assert read == []


def test_the_files_of_an_unmoved_tree_are_not_read_again(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prune must not cost another reading of everything."""

    def never(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(removing.reading_back, "read_back", never)

    assert len(pruned_now(bench).pruned) == 3
