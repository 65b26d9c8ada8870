"""A file gets its final name only when it is complete, and takes it from nobody."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.transport.fakes import files_below
from vya_backup.errors import ConfigurationError, SpaceMissing, StorageFailed
from vya_backup.transport import folders
from vya_backup.transport.storage import Store
from vya_backup.transport.storage.log_files import expire_logs, write_log
from vya_backup.transport.storage.placing import link_and_unlink, place, rename_without_replacing


def publish(store: Store, relative: str, content: bytes) -> str:
    """Write and publish a file."""
    with store.draft(relative) as draft:
        draft.write(content)
        return draft.publish()


def test_before_it_is_published_a_file_has_only_a_hidden_name(store: Store) -> None:
    """Whoever watches the folder never sees a half-written file under a final name."""
    with store.draft("host/db/shop.sql.gz") as draft:
        draft.write(b"half")
        draft.sync()
        (name,) = files_below(store.base_path)
        assert name.startswith("host/db/.shop.sql.gz.")
        assert name.endswith(".partial")
        draft.write(b" and half")
        assert draft.publish() == "host/db/shop.sql.gz"
    assert files_below(store.base_path) == ["host/db/shop.sql.gz"]
    assert store.read_bytes("host/db/shop.sql.gz") == b"half and half"


def test_what_is_not_published_disappears(store: Store) -> None:
    """A failure in the middle leaves no file."""
    with store.draft("a/b.sql.gz") as draft:
        draft.write(b"half")
    assert files_below(store.base_path) == []


def test_a_file_that_cannot_be_made_private_is_not_left_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no name that anybody knows yet, so nobody but its maker could remove it before the next sweep."""

    def broken(descriptor: int, mode: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(os, "fchmod", broken)
    with pytest.raises(StorageFailed, match="cannot create"):
        store.draft("a/b.sql.gz")
    assert files_below(store.base_path) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_taken_name_gets_a_number_before_the_whole_suffix(store: Store) -> None:
    """Nothing is ever overwritten, and `.sql.gz` stays together."""
    names = [publish(store, "a/shop.v2_full.sql.gz", content) for content in (b"1", b"2", b"3")]
    assert names == ["a/shop.v2_full.sql.gz", "a/shop.v2_full-2.sql.gz", "a/shop.v2_full-3.sql.gz"]
    assert [store.read_bytes(name) for name in names] == [b"1", b"2", b"3"]


def test_a_planned_name_that_is_taken_is_an_error(store: Store) -> None:
    """Where the name was promised elsewhere, another one would be a lie."""
    publish(store, "a.sql.gz", b"first")
    with pytest.raises(StorageFailed, match="cannot publish"), store.draft("a.sql.gz") as draft:
        draft.publish(numbered=False)
    assert store.read_bytes("a.sql.gz") == b"first"
    assert files_below(store.base_path) == ["a.sql.gz"]


def test_a_name_that_may_not_survive_a_power_cut_is_taken_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder could not be synced: the caller hears of a failure, so no file may stand there."""

    def refuse(folder: Path) -> None:
        raise OSError(errno.EIO, "input/output error", str(folder))

    with store.draft("a/shop.sql.gz") as draft:
        draft.write(b"whole")
        monkeypatch.setattr(folders, "sync", refuse)
        with pytest.raises(StorageFailed):
            draft.publish()
    assert files_below(store.base_path) == []


def test_a_link_whose_hidden_name_stays_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a failed backup's dump would stand under its final name."""
    source, target = tmp_path / "hidden", tmp_path / "final"
    source.write_bytes(b"x")
    unlink = Path.unlink

    def refuse(path: Path) -> None:
        if path == source:
            raise PermissionError(errno.EACCES, "permission denied", str(path))
        unlink(path)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        link_and_unlink(source, target)
    assert files_below(tmp_path) == ["hidden"]


def test_a_sidecar_replaces_nothing(store: Store) -> None:
    """A second sidecar of the same name is refused and the first one stays."""
    store.write_sidecar("a.metadata.json", b"{}")
    with pytest.raises(StorageFailed):
        store.write_sidecar("a.metadata.json", b"[]")
    assert store.read_bytes("a.metadata.json") == b"{}"


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_folders_and_files_are_private_whatever_the_umask(store: Store, umask: int) -> None:
    """Dumps hold everything; nobody else may read them, and we always may."""
    before = os.umask(umask)
    try:
        publish(store, "a/b/c.sql.gz", b"x")
    finally:
        os.umask(before)
    folders = [store.base_path, *(path for path in store.base_path.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert stat.S_IMODE(store.path("a/b/c.sql.gz").stat().st_mode) == 0o600


@pytest.mark.parametrize("way", [link_and_unlink, rename_without_replacing])
def test_no_way_of_placing_replaces_a_file(tmp_path: Path, way) -> None:  # type: ignore[no-untyped-def]
    """Both moves are atomic and refuse a taken name."""
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    with pytest.raises(FileExistsError):
        way(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "old"
    way(tmp_path / "new", tmp_path / "free")
    assert files_below(tmp_path) == ["free", "old"]


def test_a_file_system_without_links_is_served_by_a_rename(tmp_path: Path) -> None:
    """What the first way can't do here, the second does."""

    def unknown_here(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links on this file system")

    (tmp_path / "new").write_text("new")
    place(tmp_path / "new", tmp_path / "final", (unknown_here, rename_without_replacing))
    assert files_below(tmp_path) == ["final"]


def test_partial_files_may_lie_in_a_temp_folder_of_the_same_file_system(tmp_path: Path) -> None:
    """With temp_path the final folder holds only finished files."""
    store = Store(tmp_path / "base", tmp_path / "temp")
    with store.draft("a.sql.gz") as draft:
        draft.write(b"x")
        assert files_below(store.base_path) == []
        draft.publish()
    assert files_below(tmp_path) == ["base/a.sql.gz"]


def test_a_temp_folder_in_another_file_system_is_refused(tmp_path: Path) -> None:
    """A rename across file systems would be a copy, which can break off under the final name."""
    store = Store(tmp_path / "base", Path("/dev/shm"))
    with pytest.raises(ConfigurationError, match="another file system"):
        store.draft("a.sql.gz")


@pytest.mark.parametrize("relative", ["/etc/passwd", "../outside", "a/../../outside", ""])
def test_no_path_leaves_the_base(store: Store, relative: str) -> None:
    """Names come from servers and from old events; none of them leads out."""
    with pytest.raises(StorageFailed, match="no path below"):
        store.path(relative)


def test_a_sweep_takes_what_a_crash_left_and_nothing_that_is_being_written(store: Store) -> None:
    """The kernel knows whether a writer lives: it holds a lock on its file."""
    publish(store, "a/done.sql.gz", b"x")
    orphan = store.base_path / "a" / ".dead.sql.gz.0011.partial"
    orphan.write_bytes(b"half")
    with store.draft("a/alive.sql.gz") as draft:
        assert store.sweep("a") == [orphan]
        draft.publish()
    assert files_below(store.base_path) == ["a/alive.sql.gz", "a/done.sql.gz"]


def test_a_sweep_spares_what_the_caller_calls_live(store: Store) -> None:
    """A predicate can protect more than the locks do."""
    store.base_path.mkdir()
    (store.base_path / ".x.0011.partial").touch()
    assert store.sweep(live=lambda path: True) == []
    assert len(store.sweep()) == 1


def test_walking_finds_artifacts_and_no_other_file(store: Store) -> None:
    """Sidecars, partial files and strangers are no artifacts; a folder that is not there holds none."""
    for name in ("b/2.sql.zst", "a/1.sql.gz", "a/1.sql.gz.sha256", "a/1.metadata.json", "a/notes.txt", "a/3.db.gz"):
        store.write_sidecar(name, b"x")
    (store.base_path / "a" / ".4.sql.gz.00.partial").touch()
    assert list(store.walk()) == ["a/1.sql.gz", "a/3.db.gz", "b/2.sql.zst"]
    assert list(store.walk("b")) == ["b/2.sql.zst"]
    assert list(store.walk("nowhere")) == []


def test_not_being_able_to_look_is_not_the_same_as_nothing_there(store: Store) -> None:
    """A missing file has no size; a path that can't be followed is an error."""
    publish(store, "a.sql.gz", b"12345")
    assert store.size("a.sql.gz") == 5
    assert store.size("b.sql.gz") is None
    with pytest.raises(StorageFailed, match="cannot look at"):
        store.size("a.sql.gz/below-a-file")


def test_room_is_demanded_before_the_first_byte(store: Store) -> None:
    """What certainly doesn't fit is refused with the numbers, also while the base path doesn't exist yet."""
    store.ensure_room(1)
    with pytest.raises(SpaceMissing, match="bytes free; the dump needs about"):
        store.ensure_room(store.room().free + 10**12)
    with pytest.raises(SpaceMissing):
        store.ensure_room(0, min_free_percent=100)


def test_removing_takes_one_file_and_says_when_it_is_not_there(store: Store) -> None:
    """An unlink that finds nothing is worth knowing."""
    publish(store, "a.sql.gz", b"x")
    store.unlink("a.sql.gz")
    assert files_below(store.base_path) == []
    with pytest.raises(StorageFailed, match="cannot remove"):
        store.unlink("a.sql.gz")


def test_tool_logs_are_private_continued_and_expire(tmp_path: Path) -> None:
    """The full words of a tool live for a while, for us alone."""
    old, new = write_log(tmp_path / "logs", "old.log", "one\n"), write_log(tmp_path / "logs", "new.log", "1\n")
    write_log(tmp_path / "logs", "old.log", "two\n")
    assert old.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    os.utime(old, (0, 0))
    assert expire_logs(tmp_path / "logs", datetime.now(UTC) - timedelta(days=30)) == 1
    assert files_below(tmp_path) == ["logs/new.log"]
    assert new.exists()
    assert expire_logs(tmp_path / "nowhere", datetime.now(UTC)) == 0
