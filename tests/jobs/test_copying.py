"""The catalog is copied into the tree of backups: every event once, whole files only, at the cost of what is new."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.history.samples import DAY, Steps, good
from tests.jobs.copies import files, is_whole, rows, tamper, workspace_in
from vya_backup.errors import AlreadyRunning, ArtifactDamaged, CatalogError, StorageFailed
from vya_backup.history.chain import HASHED
from vya_backup.history.journal import failures
from vya_backup.jobs import copying
from vya_backup.jobs.copying import copy_out, own_folder
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.drafts import ARTIFACT
from vya_backup.transport.locks import hold


@pytest.fixture
def clock() -> Steps:
    """A clock that is set by hand."""
    return Steps()


@pytest.fixture
def workspace(tmp_path: Path, clock: Steps) -> Iterator[Workspace]:
    """A catalog with four events, never copied."""
    made = workspace_in(tmp_path, clock)
    made.catalog.append(*good("b1"))
    yield made
    made.catalog.close()


def copied(workspace: Workspace) -> list[tuple[object, ...]]:
    """Return the events in all segments, in the order of the segments' names: columns, then hash."""
    lines = [json.loads(line) for path in files(workspace, "*.jsonl") for line in path.read_bytes().splitlines()]
    return [(*line["event"], line["hash"]) for line in lines]


def recorded(workspace: Workspace) -> list[tuple[object, ...]]:
    """Return the events of the catalog in the same form."""
    sql = f"SELECT {', '.join(HASHED)}, hash FROM events ORDER BY position"
    return [tuple(row) for row in workspace.catalog.rows(sql)]


def test_each_copy_holds_what_is_new_and_nothing_else(workspace: Workspace) -> None:
    """The first segment four events, the second three: its size follows the run, not the history."""
    assert copy_out(workspace) == 4
    workspace.catalog.append(*good("b2"))
    assert copy_out(workspace) == 3
    assert copy_out(workspace) == 0

    assert [path.name for path in files(workspace, "*.jsonl")] == [
        "000000000001-000000000004.jsonl",
        "000000000005-000000000007.jsonl",
    ]
    assert copied(workspace) == recorded(workspace)


def test_copies_are_private_and_no_artifacts(workspace: Workspace) -> None:
    """0600 in 0700; what looks for backups in the tree passes them by."""
    copy_out(workspace)

    found = files(workspace)
    assert len(found) == 3
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in found} == {0o700}
    assert not [path for path in found if ARTIFACT.fullmatch(path.name)]
    assert list(workspace.store.walk()) == []
    assert workspace.store.sweep() == []


def test_a_snapshot_is_the_whole_catalog_and_its_checksum_fits(workspace: Workspace, tmp_path: Path) -> None:
    """gunzip and sha256sum are all that reading one takes."""
    copy_out(workspace)
    (snapshot,) = files(workspace, "*.gz")
    unpacked = tmp_path / "unpacked.db"
    unpacked.write_bytes(gzip.decompress(snapshot.read_bytes()))

    assert snapshot.name == "snapshot-000000000004.sqlite.gz"
    assert is_whole(unpacked)
    assert rows(unpacked) == rows(workspace.catalog.path)
    check = ["sha256sum", "-c", f"{snapshot.name}.sha256"]
    assert subprocess.run(check, cwd=snapshot.parent, capture_output=True, check=False).returncode == 0
    assert not list(workspace.state.glob("catalog-snapshot*"))


def test_a_week_later_a_new_series_begins(workspace: Workspace, clock: Steps) -> None:
    """Its segment follows the last one; a series that is over and has nothing new stays the newest."""
    copy_out(workspace)
    clock.at += 6 * DAY
    workspace.catalog.append(*good("b2"))
    copy_out(workspace)
    clock.at += 2 * DAY
    assert copy_out(workspace) == 0
    assert len(own_folder(workspace).series()) == 1
    workspace.catalog.append(*good("b3"))
    copy_out(workspace)

    series = own_folder(workspace).series()
    assert [(one.first, one.name[13:21]) for one in series] == [(1, "20260109"), (8, "20260117")]
    assert [own_folder(workspace).snapshots(one) for one in series] == [[4], [10]]
    assert copied(workspace) == recorded(workspace)


def test_a_clock_that_was_set_back_does_not_end_the_snapshots(workspace: Workspace, clock: Steps) -> None:
    """A series dated in the future would otherwise last until then."""
    clock.at += 400 * DAY
    copy_out(workspace)
    clock.at -= 400 * DAY
    workspace.catalog.append(*good("b2"))
    copy_out(workspace)
    assert len(files(workspace, "*.gz")) == 2


def test_a_catalog_without_history_is_not_copied(tmp_path: Path) -> None:
    """What changed nothing leaves no trace."""
    empty = workspace_in(tmp_path, Steps())
    assert copy_out(empty) == 0
    assert files(empty) == []
    empty.catalog.close()


def test_a_failure_is_recorded_and_the_next_run_catches_up(workspace: Workspace, clock: Steps) -> None:
    """Something in the way of the folder, as a stand-in for a disk that refuses."""
    (workspace.store.base_path / "testhost").mkdir(parents=True)
    in_the_way = workspace.store.base_path / "testhost/@catalog"
    in_the_way.write_text("")
    for _ in range(2):
        with pytest.raises(StorageFailed):
            copy_out(workspace)
    assert [failure.step for failure in failures(workspace.catalog)] == ["copy of the catalog"] * 2

    in_the_way.unlink()
    copy_out(workspace)
    assert copied(workspace) == recorded(workspace)


def test_a_snapshot_that_failed_is_made_by_the_next_run(workspace: Workspace) -> None:
    """Also when a crash left its checksum, or the unpacked draft of it."""
    copy_out(workspace)
    (snapshot,) = files(workspace, "*.gz")
    snapshot.unlink()
    (workspace.state / "catalog-snapshot.db").write_text("half")
    copy_out(workspace)
    assert gzip.decompress(snapshot.read_bytes())[:15] == b"SQLite format 3"


def test_a_crash_in_the_middle_of_a_segment_is_swept_and_done_again(workspace: Workspace) -> None:
    """What is under a hidden name was never a copy."""
    copy_out(workspace)
    workspace.catalog.append(*good("b2"))
    folder = files(workspace, "*.jsonl")[0].parent
    (folder / ".000000000005-000000000007.jsonl.0123abcd.partial").write_text('{"hash":')
    copy_out(workspace)
    assert copied(workspace) == recorded(workspace)
    assert not [path for path in files(workspace) if path.name.startswith(".")]


def test_an_event_that_was_changed_is_never_copied(workspace: Workspace) -> None:
    """The copies stay what history was."""
    copy_out(workspace)
    workspace.catalog.append(*good("b2"))
    tamper(workspace.catalog.path, "UPDATE events SET actor = 'nobody' WHERE position = 6")
    with pytest.raises(CatalogError, match=r"position 6 .* its content does not give its hash"):
        copy_out(workspace)
    assert len(files(workspace, "*.jsonl")) == 1


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM events WHERE position > 3", "is gone: its end was cut off, or it is an older one"),
        ("UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE position = 4", "is not the one"),
    ],
)
def test_a_catalog_that_is_not_what_was_copied_is_told_at_once(workspace: Workspace, statement: str, said: str) -> None:
    """By the next run, without waiting for an audit."""
    copy_out(workspace)
    tamper(workspace.catalog.path, statement)
    with pytest.raises(CatalogError, match=said):
        copy_out(workspace)


def test_a_damaged_newest_segment_is_told_and_written_again_once_it_is_away(workspace: Workspace) -> None:
    """As the message says."""
    copy_out(workspace)
    workspace.catalog.append(*good("b2"))
    copy_out(workspace)
    newest = files(workspace, "*.jsonl")[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.raises(ArtifactDamaged, match="is damaged: line 3 is no event, or is cut short"):
        copy_out(workspace)
    newest.unlink()
    copy_out(workspace)
    assert copied(workspace) == recorded(workspace)


def test_two_never_copy_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else both would find the same events to be missing."""
    monkeypatch.setattr(copying, "PATIENCE_SECONDS", 0)
    with hold(workspace.state / "locks", copying.LOCK, "another"), pytest.raises(AlreadyRunning):
        copy_out(workspace)
    assert files(workspace) == []


MANY = """
import sys
from pathlib import Path
from tests.history.samples import Steps, good
from tests.jobs.copies import workspace_in
from vya_backup.clock import now
from vya_backup.jobs import copying
from vya_backup.jobs.copying import copy_out
workspace = workspace_in(Path(sys.argv[1]), now)
for number in range(6):
    workspace.catalog.append(*good(f"{sys.argv[2]}-{number}"))
    copy_out(workspace)
"""


def test_processes_that_append_and_copy_at_once_lose_and_double_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """Four at a time; the segments are the chain."""
    command = [sys.executable, "-c", MANY, str(tmp_path)]
    root = str(Path(__file__).parents[2])
    running = [
        subprocess.Popen([*command, str(number)], cwd=root, env=os.environ | {"PYTHONPATH": root})
        for number in range(4)
    ]
    assert [process.wait(120) for process in running] == [0] * 4
    assert len(recorded(workspace)) == 4 + 4 * 6 * 3
    assert copied(workspace) == recorded(workspace)


def test_the_cost_of_a_copy_is_that_of_the_run(workspace: Workspace) -> None:
    """Counted in instructions of SQLite's machine: three events cost the same after 10 as after 1,000."""
    copy_out(workspace)
    workspace.catalog.append(*good("b2"))
    young = instructions(workspace)
    workspace.catalog.append(*(event for number in range(350) for event in good(f"x{number}")))
    copy_out(workspace)
    workspace.catalog.append(*good("b3"))
    old = instructions(workspace)

    assert young <= old <= 1.2 * young
    assert len(files(workspace, "*.jsonl")[-1].read_bytes().splitlines()) == 3


def instructions(workspace: Workspace) -> int:
    """Copy, and return what SQLite did for it."""
    count = 0

    def counted() -> int:
        nonlocal count
        count += 1
        return 0

    connection = workspace.catalog._connection()
    connection.set_progress_handler(counted, 1)
    assert copy_out(workspace) == 3
    connection.set_progress_handler(None, 1)
    return count
