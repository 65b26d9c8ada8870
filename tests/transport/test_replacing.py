"""A file that others read is replaced whole, readable, and without leaving anything beside it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from vya_backup.errors import StorageFailed
from vya_backup.transport.storage import replacing
from vya_backup.transport.storage.replacing import replace_readable


def test_it_is_readable_for_others_whatever_the_umask(tmp_path: Path) -> None:
    """node_exporter is another account."""
    before = os.umask(0o077)
    try:
        replace_readable(tmp_path / "v.prom", b"one 1\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "v.prom").stat().st_mode) == 0o644


def test_an_older_one_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    """Not the older one's mode either."""
    file = tmp_path / "v.prom"
    file.write_bytes(b"old")
    file.chmod(0o600)
    replace_readable(file, b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["v.prom"]


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    """Whoever opens it meanwhile has the old one or the new one."""
    file, over = tmp_path / "v.prom", threading.Event()
    contents = [letter * 300_000 for letter in (b"a", b"b", b"c")]
    replace_readable(file, contents[0])
    seen: list[bytes] = []

    def read() -> None:
        while not over.is_set():
            seen.append(file.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(30):
        replace_readable(file, contents[number % 3])
    over.set()
    reader.join()
    assert seen
    assert all(content in contents for content in seen)


def test_the_hidden_draft_has_no_name_that_node_exporter_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads every `*.prom`, hidden ones too."""
    names: list[str] = []
    monkeypatch.setattr(replacing, "_put", lambda draft, final: names.append(draft.name) or draft.rename(final))
    replace_readable(tmp_path / "v.prom", b"x")
    assert names
    assert not names[0].endswith(".prom")


def test_what_a_crash_left_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    """The kernel gave up the lock of the dead writer; other files are nobody's business here."""
    dead, foreign = tmp_path / ".v.prom.0a1b2c3d.partial", tmp_path / ".w.prom.0a1b2c3d.partial"
    dead.write_bytes(b"half")
    foreign.write_bytes(b"somebody else's")
    replace_readable(tmp_path / "v.prom", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [foreign.name, "v.prom"]


def test_a_missing_folder_is_named_with_the_remedy_and_not_made(tmp_path: Path) -> None:
    """It belongs to node_exporter, and a folder that nobody reads would be silence."""
    with pytest.raises(StorageFailed, match=r"there is no folder .*--collector\.textfile\.directory="):
        replace_readable(tmp_path / "no" / "v.prom", b"x")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_replaced_leaves_the_older_one_and_no_draft(tmp_path: Path) -> None:
    """Here something else has the name."""
    (tmp_path / "v.prom").mkdir()
    with pytest.raises(StorageFailed, match="cannot publish"):
        replace_readable(tmp_path / "v.prom", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["v.prom"]
