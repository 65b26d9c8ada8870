"""Restores of SQLite databases: under a free name, and into a file that an application has open."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines.sqlite.conftest import EVERYTHING
from tests.engines.sqlite.drive import Dumped, access_to, dump, fresh_engine, names, request_of, restore
from tests.engines.sqlite.test_dump import HOSTILE, content_of
from vya_backup.engines.answers import Finding
from vya_backup.engines.sqlite import restoring
from vya_backup.engines.steps import PointOfNoReturn, Run, Step
from vya_backup.errors import DumpBlocked, DumpFailed, RestoreFailed, RestoreRefused
from vya_backup.transport.connections import connect

Make = Callable[..., Path]
Writer = Callable[[Path], subprocess.Popen[str]]


def rows(path: Path, sql: str = "SELECT x FROM t ORDER BY x") -> list[object]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def run(path: Path, script: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def at(purpose: str, action: Callable[[], None]) -> Callable[[Step], None]:
    """Do something right before the step whose purpose begins so."""

    def look(step: Step) -> None:
        if step.purpose.startswith(purpose):
            action()

    return look


def fail() -> None:
    raise RestoreFailed("the test says stop")


# ------------------------------------------------------------------ under a free name


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_lost_database_comes_back_as_it_was(make: Make, tmp_path: Path, journal: str) -> None:
    """Content, journal mode and permissions; nothing else appears in the folder."""
    path = make("shop.db", EVERYTHING, journal)
    path.chmod(0o640)
    dumped, before = dump(access_to(tmp_path), "shop"), content_of(path)
    path.unlink()

    restore(dumped, request_of(dumped, access_to(tmp_path)))

    assert content_of(path) == before
    assert rows(path, "PRAGMA journal_mode") == [(journal,)]
    assert path.stat().st_mode & 0o777 == 0o640
    assert listing(tmp_path) == ["shop.db"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_database_of_any_name_comes_back(make: Make, tmp_path: Path, name: str) -> None:
    """The name passes through paths, addresses and arguments unharmed."""
    path = make(f"{name}.db")
    dumped = dump(access_to(tmp_path), name)
    path.unlink()

    restore(dumped, request_of(dumped, access_to(tmp_path)))

    assert names(fresh_engine(), access_to(tmp_path)) == {name: ""}
    assert rows(path) == [(1,)]


def test_another_name_leaves_the_original_alone(make: Make, tmp_path: Path) -> None:
    """The copy lies beside it, with its suffix."""
    path = make("shop.sqlite")
    dumped = dump(access_to(tmp_path), "shop")
    run(path, "INSERT INTO t VALUES (2)")

    restore(dumped, request_of(dumped, access_to(tmp_path), "copy"))

    assert rows(path) == [(1,), (2,)]
    assert rows(tmp_path / "copy.sqlite") == [(1,)]


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_what_a_lost_database_left_behind_is_not_replayed(make: Make, tmp_path: Path, suffix: str) -> None:
    """A stale log beside the new file would be taken for its own: it is set aside, and its name is told before."""
    path = make("shop.db", journal="wal")
    dumped = dump(access_to(tmp_path), "shop")
    path.unlink()
    Path(f"{path}{suffix}").write_bytes(b"stale")
    request = request_of(dumped, access_to(tmp_path))

    assert any("will be set aside" in found.message for found in findings(request))
    restore(dumped, request)

    aside = [p for p in tmp_path.iterdir() if p.name.startswith(".shop.db") and p.name.endswith(suffix)]
    assert [p.read_bytes() for p in aside] == [b"stale"]
    assert rows(path) == [(1,)]


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(make: Make, tmp_path: Path) -> None:
    """The application may come back and make its file anew while the restore runs; its log is its own then."""
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    path.unlink()

    def come_back() -> None:
        path.write_text("mine")
        Path(f"{path}-wal").write_text("mine too")

    with pytest.raises(RestoreRefused, match="exists"):
        restore(dumped, request_of(dumped, access_to(tmp_path)), before=at("give the file its name", come_back))

    assert path.read_text() == "mine"
    assert listing(tmp_path) == ["shop.db", "shop.db-wal"]


def test_a_damaged_artifact_is_never_published(make: Make, tmp_path: Path) -> None:
    """SQLite's own check refuses it in the staging file, which is removed."""
    path = make("shop.db", "CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(20000));")
    dumped = dump(access_to(tmp_path), "shop")
    path.unlink()
    broken = replace(dumped, content=dumped.content[:4096] + b"\xff" * (len(dumped.content) - 4096))

    with pytest.raises(DumpFailed):
        restore(broken, request_of(dumped, access_to(tmp_path)))

    assert listing(tmp_path) == []


def test_other_content_than_the_manifests_is_never_published(make: Make, tmp_path: Path) -> None:
    """A sound file with a row too few is not what was dumped."""
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    run(path, "DELETE FROM t")
    other = replace(dumped, content=dump(access_to(tmp_path), "shop").content)
    path.unlink()

    with pytest.raises(RestoreFailed, match="t has 0 rows instead of 1"):
        restore(other, request_of(dumped, access_to(tmp_path)))

    assert listing(tmp_path) == []


# ------------------------------------------------------------------ into the open file


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_an_application_that_has_the_file_open_goes_on_with_the_restored_content(
    make: Make, tmp_path: Path, journal: str
) -> None:
    """The file stays the same file: what is committed afterwards is not lost."""
    path = make("shop.db", journal=journal)
    path.chmod(0o604)
    dumped = dump(access_to(tmp_path), "shop")
    application = sqlite3.connect(path, isolation_level=None)
    application.executescript("DELETE FROM t; CREATE TABLE later(y)")
    inode = path.stat().st_ino

    restore(dumped, request_of(dumped, access_to(tmp_path), exists=True))

    assert application.execute("SELECT x FROM t").fetchall() == [(1,)]
    application.execute("INSERT INTO t VALUES (2)")
    application.close()
    assert rows(path) == [(1,), (2,)]
    assert rows(path, "SELECT name FROM sqlite_master") == [("t",)]
    assert rows(path, "PRAGMA journal_mode") == [(journal,)]
    assert (path.stat().st_ino, path.stat().st_mode & 0o777) == (inode, 0o604)
    assert listing(tmp_path) == ["shop.db"]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_an_application_that_writes_throughout_never_fails_and_never_mixes(
    make: Make, tmp_path: Path, writer: Writer, journal: str
) -> None:
    """Its transactions fall before or after the copy, and the sums stay right."""
    path = make("bank.db", journal=journal)
    application = writer(path)
    dumped = dump(access_to(tmp_path), "bank", wait=60)

    restore(dumped, request_of(dumped, access_to(tmp_path), exists=True))

    _, stderr = application.communicate(timeout=60)
    assert (application.returncode, stderr) == (0, "")
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT sum(cents) FROM account") == [(1000,)]
    assert rows(path, "SELECT turn FROM booking ORDER BY rowid DESC LIMIT 1") == [(-1,)]
    restored = dumped.observation.manifest.rows["booking"]
    ((count, newest),) = rows(path, "SELECT count(*) - 1, max(turn) FROM booking")  # type: ignore[misc]
    assert restored <= count < newest, "bookings between dump and restore are gone, those after it are there"


def test_the_targets_own_journal_mode_stays(make: Make, tmp_path: Path) -> None:
    """The application chose it; the backup's is older."""
    path = make("shop.db", journal="wal")
    dumped = dump(access_to(tmp_path), "shop")
    run(path, "PRAGMA journal_mode = delete")

    restore(dumped, request_of(dumped, access_to(tmp_path), exists=True))

    assert rows(path, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_another_page_size_is_no_hindrance(make: Make, tmp_path: Path, journal: str) -> None:
    """SQLite refuses to copy into a WAL database of another page size; the copy goes around that."""
    path = make("shop.db", "PRAGMA page_size = 1024; VACUUM; CREATE TABLE t(x); INSERT INTO t VALUES (1);")
    dumped = dump(access_to(tmp_path), "shop")
    path.unlink()
    make("shop.db", "CREATE TABLE t(x); INSERT INTO t VALUES (2);", journal)

    restore(dumped, request_of(dumped, access_to(tmp_path), exists=True))

    assert rows(path) == [(1,)]


def test_a_failure_before_the_point_of_no_return_gives_the_old_content_back(make: Make, tmp_path: Path) -> None:
    """Even after it was replaced; the application sees the old rows in the same file."""
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    run(path, "INSERT INTO t VALUES (2)")
    application = sqlite3.connect(path)

    def look_and_fail() -> None:
        assert rows(path) == [(1,)]
        fail()

    with pytest.raises(RestoreFailed, match="the test says stop"):
        restore(
            dumped,
            request_of(dumped, access_to(tmp_path), exists=True),
            before=at("shop.db holds the restored", look_and_fail),
        )

    assert application.execute("SELECT x FROM t").fetchall() == [(1,), (2,)]
    application.close()
    assert listing(tmp_path) == ["shop.db"]


@pytest.mark.parametrize("step", ["write", "compare", "keep", "copy the restored"])
def test_a_failure_at_any_step_leaves_the_old_database(make: Make, tmp_path: Path, step: str) -> None:
    """And nothing of ours beside it."""
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    run(path, "INSERT INTO t VALUES (2)")

    with pytest.raises(RestoreFailed):
        restore(dumped, request_of(dumped, access_to(tmp_path), exists=True), before=at(step, fail))

    assert rows(path) == [(1,), (2,)]
    assert listing(tmp_path) == ["shop.db"]


def test_a_lock_that_does_not_end_leaves_the_old_database(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long transaction of the application stops the restore, not the other way round."""
    monkeypatch.setattr(restoring, "WAIT_SECONDS", "0.1")
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    run(path, "INSERT INTO t VALUES (2)")
    application = sqlite3.connect(path, isolation_level=None)
    application.execute("BEGIN IMMEDIATE")

    with pytest.raises(DumpBlocked):
        restore(dumped, request_of(dumped, access_to(tmp_path), exists=True))

    application.execute("ROLLBACK")
    application.close()
    assert rows(path) == [(1,), (2,)]
    assert listing(tmp_path) == ["shop.db"]


def test_a_failure_tells_the_command_that_brings_the_old_content_back(make: Make, tmp_path: Path) -> None:
    """Should the undo fail too, its purpose is what people are left with."""
    dumped = dump(access_to(make("shop.db").parent), "shop")

    steps = list(fresh_engine().restore(request_of(dumped, access_to(tmp_path), exists=True)))

    (replacing,) = [s for s in steps if isinstance(s, Run) and s.purpose.startswith("copy the restored")]
    assert f"sqlite3 {tmp_path}/shop.db '.restore {tmp_path}/.shop.db." in replacing.undo[0].purpose


def test_nothing_after_the_point_of_no_return_may_end_the_restore(make: Make, tmp_path: Path) -> None:
    """What is left then is cleaning up."""
    dumped = dump(access_to(make("shop.db").parent), "shop")

    steps = list(fresh_engine().restore(request_of(dumped, access_to(tmp_path), exists=True)))

    point = next(i for i, step in enumerate(steps) if isinstance(step, PointOfNoReturn))
    assert [getattr(step, "may_fail", False) for step in steps[point + 1 :]] == [True]


@pytest.mark.parametrize("wreck", [b"garbage" * 1000, b"", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_wrecked_database_is_replaced_and_keeps_its_permissions(make: Make, tmp_path: Path, wreck: bytes) -> None:
    """The usual reason for a restore is a file that SQLite can no longer read."""
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    path.write_bytes(wreck)
    path.chmod(0o604)

    restore(dumped, request_of(dumped, access_to(tmp_path), exists=True))

    assert rows(path) == [(1,)]
    assert path.stat().st_mode & 0o777 == 0o604
    assert listing(tmp_path) == ["shop.db"]


@pytest.mark.parametrize("wreck", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_even_a_wreck_is_given_back_when_the_restore_fails(make: Make, tmp_path: Path, wreck: bytes) -> None:
    """Somebody may still want to recover rows from it."""
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    path.write_bytes(wreck)

    with pytest.raises(RestoreFailed):
        restore(
            dumped,
            request_of(dumped, access_to(tmp_path), exists=True),
            before=at("shop.db holds the restored", fail),
        )

    assert path.read_bytes() == wreck


def test_a_truncated_database_is_replaced(make: Make, tmp_path: Path) -> None:
    """Its header is right and its pages are gone."""
    path = make("shop.db", "CREATE TABLE t(x); INSERT INTO t VALUES (1); CREATE TABLE u(x);")
    dumped = dump(access_to(tmp_path), "shop")
    path.write_bytes(path.read_bytes()[:4096])

    restore(dumped, request_of(dumped, access_to(tmp_path), exists=True))

    assert rows(path) == [(1,)]


# ------------------------------------------------------------------ before the first byte


def findings(request: object) -> tuple[Finding, ...]:
    return fresh_engine().check_target(None, request)  # type: ignore[arg-type]


def blockers(dumped: Dumped, folder: Path, to: str | None = None, *, exists: bool = False) -> list[str]:
    found = findings(request_of(dumped, access_to(folder), to, exists=exists))
    return [finding.message for finding in found if finding.blocks]


def test_a_free_name_has_nothing_against_it_and_shows_its_path(make: Make, tmp_path: Path) -> None:
    """What is shown is what is done."""
    path = make("shop.db")
    dumped = dump(access_to(tmp_path), "shop")
    path.unlink()

    found = findings(request_of(dumped, access_to(tmp_path)))

    assert [(f.blocks, f.message) for f in found] == [(False, f"the file is {path}")]


def test_a_path_that_no_instance_lists_is_refused_when_something_lies_there(make: Make, tmp_path: Path) -> None:
    """Only the file system can tell that `--to PATH` exists."""
    dumped = dump(access_to(make("shop.db").parent), "shop")
    other = tmp_path / "elsewhere.bin"
    other.write_text("precious")

    assert blockers(dumped, tmp_path, str(other)) == [f"{other} exists and is not empty"]
    with connect(fresh_engine(), access_to(tmp_path)) as connection:
        assert fresh_engine().target_exists(connection, request_of(dumped, access_to(tmp_path), str(other)))


def test_a_folder_that_does_not_exist_is_refused(make: Make, tmp_path: Path) -> None:
    """It is not made up from a mistyped path."""
    dumped = dump(access_to(make("shop.db").parent), "shop")

    assert blockers(dumped, tmp_path, "/no/such/shop.db") == ["the folder /no/such does not exist"]


def test_a_folder_in_the_place_of_the_file_is_refused(make: Make, tmp_path: Path) -> None:
    """Even with force there is nothing to replace."""
    dumped = dump(access_to(make("shop.db").parent), "shop")
    (tmp_path / "folder.db").mkdir()

    assert blockers(dumped, tmp_path, "folder", exists=True) == [f"{tmp_path / 'folder.db'} is not a file"]


def test_without_write_permission_nothing_is_begun(
    make: Make, open_folder: Path, unprivileged: Callable[[], None]
) -> None:
    """The account that restores must own the folder."""
    dumped = dump(access_to(make("shop.db").parent), "shop")
    unprivileged()

    assert blockers(dumped, open_folder) == [f"the folder {open_folder} may not be written to"]
