"""Dumps of SQLite databases: whole, consistent, and loud when they cannot be."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.sqlite.conftest import EVERYTHING
from tests.engines.sqlite.drive import access_to, dump, ended, fresh_engine
from vya_backup.engines.commands import Command
from vya_backup.engines.dumping import Observation
from vya_backup.engines.sqlite.program.survey import quote
from vya_backup.engines.sqlite.program_command import FOLDER, explain, program
from vya_backup.errors import BackupError, DumpBlocked, DumpFailed, SpaceMissing, StorageFailed
from vya_backup.transport.connections import connect

Make = Callable[..., Path]
Writer = Callable[[Path], subprocess.Popen[str]]
HOSTILE = (
    "with space",
    "-h",
    "--all-databases",
    "a?mode=memory",
    "a#b%41%",
    "quote'\"`",
    "new\nline",
    "Straße 😀",
    "@users",
    "a=b",
    "[x]*",
    "file:memory",
    ":memory:",
    "x" * 63,
    "y" * 64,
    "ü" * 120,
)


def content_of(path: Path) -> dict[str, list[object]]:
    """Return the schema, and every row of every table."""
    connection = sqlite3.connect(path)
    schema = connection.execute("SELECT type, name, tbl_name, sql, rootpage FROM sqlite_master").fetchall()
    tables = [name for kind, name, _, _, root in schema if kind == "table" and root]
    content = {f: connection.execute(f"SELECT * FROM {f}").fetchall() for f in (quote(t) for t in tables)}
    connection.close()
    return content | {"": schema}


def in_file(content: bytes, path: Path) -> sqlite3.Connection:
    path.write_bytes(content)
    return sqlite3.connect(path)


def watched(content: bytes, piece: int = 1000) -> Observation:
    observer = fresh_engine().observer()
    for start in range(0, len(content), piece):
        observer.feed(content[start : start + piece])
    return observer.finish()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_dump_is_the_database_itself(make: Make, tmp_path: Path, journal: str) -> None:
    """Tables of all kinds, generated columns, views, triggers, indexes, virtual tables and properties."""
    path = make("shop.db", EVERYTHING, journal)

    dumped = dump(access_to(path), "shop")

    copy = in_file(dumped.content, tmp_path / "copy.sqlite")
    assert content_of(tmp_path / "copy.sqlite") == content_of(path)
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert copy.execute("SELECT count(*) FROM search WHERE search MATCH 'rumour'").fetchone() == (1,)
    assert [copy.execute(f"PRAGMA {p}").fetchone()[0] for p in ("user_version", "application_id")] == [42, 7]
    copy.close()


def test_the_manifest_counts_every_row_and_names_every_object(make: Make) -> None:
    """Shadow tables are counted, virtual ones are named, sequences are kept."""
    dumped = dump(access_to(make("shop.db", EVERYTHING)), "shop")

    manifest = dumped.observation.manifest
    assert dumped.observation.surveyed
    assert dumped.observation.complete
    assert manifest.rows_exact
    assert (
        manifest.rows.items() >= {"customer": 2, "stock": 2, "or\"der'`[x]": 1, "new\nline": 3, "empty_one": 0}.items()
    )
    assert manifest.sequences == {"customer": 3}
    assert manifest.objects["virtual_table"] == ("box", "search")
    assert manifest.objects["view"] == ("broken", "overview")
    assert manifest.objects["trigger"] == ("audit",)
    assert manifest.objects["index"] == ("computed", "partial")
    assert "search_content" in manifest.objects["table"]
    assert manifest.objects == dumped.survey.objects
    assert len(manifest.schema_hash) == 64


def test_the_survey_records_what_makes_the_file_again(make: Make) -> None:
    """Journal mode, encoding, version numbers, permissions and owner."""
    path = make("shop.db", "PRAGMA user_version = 3; CREATE TABLE t(x)", "wal")
    path.chmod(0o640)

    properties = dump(access_to(path), "shop").survey.properties

    assert properties.items() >= {"journal_mode": "wal", "encoding": "UTF-8", "user_version": 3, "mode": "640"}.items()
    assert properties["path"] == str(path)
    assert properties["owner"] == f"{path.stat().st_uid}:{path.stat().st_gid}"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_name_of_any_kind_is_only_a_name(make: Make, tmp_path: Path, name: str) -> None:
    """No name is an option, an address or a pattern."""
    make(f"{name}.db", f"CREATE TABLE t(x); INSERT INTO t VALUES ({len(name)});")

    dumped = dump(access_to(tmp_path), name)

    assert in_file(dumped.content, tmp_path / "copy").execute("SELECT x FROM t").fetchall() == [(len(name),)]


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("megabytes", [1, 80])
def test_a_dump_is_one_moment_of_a_database_that_is_written_to(
    make: Make, tmp_path: Path, writer: Writer, journal: str, megabytes: int
) -> None:
    """Each transaction moves a cent: in any one moment the sum is the same, and the writer never fails."""
    ballast = f"CREATE TABLE ballast(x); INSERT INTO ballast SELECT zeroblob(1000000) FROM generate(1, {megabytes});"
    script = ballast.replace(f"generate(1, {megabytes})", f"({' UNION ALL '.join(['SELECT 1'] * megabytes)})")
    path = make("bank.db", script, journal)
    application = writer(path)

    dumped = dump(access_to(path), "bank", wait=60)

    _, stderr = application.communicate(timeout=60)
    assert (application.returncode, stderr) == (0, "")
    copy = in_file(dumped.content, tmp_path / "copy")
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert copy.execute("SELECT sum(cents) FROM account").fetchone() == (1000,)
    bookings = copy.execute("SELECT count(*), max(turn) FROM booking").fetchone()
    assert bookings[0] == bookings[1] == dumped.observation.manifest.rows["booking"]
    assert copy.execute("SELECT cents FROM account WHERE id = 2").fetchone() == (500 + bookings[0],)
    live = sqlite3.connect(path).execute("SELECT count(*) FROM booking").fetchone()[0]
    assert live > bookings[0], "the writer stood still, so nothing was shown"


def test_what_lies_only_in_the_write_ahead_log_is_dumped(make: Make, tmp_path: Path) -> None:
    """The main file alone is not the database."""
    path = make("shop.db", journal="wal")
    application = sqlite3.connect(path, isolation_level=None)
    application.execute("PRAGMA wal_autocheckpoint = 0")
    application.execute("INSERT INTO t VALUES (2)")

    dumped = dump(access_to(path), "shop")

    assert dumped.observation.manifest.rows == {"t": 2}
    application.close()


def test_a_write_ahead_log_at_rest_leaves_no_companions_behind(make: Make, tmp_path: Path) -> None:
    """The folder of the application is as it was."""
    path = make("shop.db", journal="wal")

    dump(access_to(path), "shop")

    assert [p.name for p in tmp_path.iterdir()] == ["shop.db"]


def test_questions_alone_leave_no_companions_behind(make: Make, tmp_path: Path) -> None:
    """A connection that could only read would leave -wal and -shm, of an account that the application may not be."""
    path = make("shop.db", journal="wal")
    engine = fresh_engine()

    with connect(engine, access_to(path), "shop") as connection:
        engine.survey(connection, engine.server(connection), "shop")

    assert [p.name for p in tmp_path.iterdir()] == ["shop.db"]


def test_questions_cannot_write(make: Make) -> None:
    """Whatever is asked, the application's data stay as they are."""
    path = make("shop.db")

    with pytest.raises(BackupError, match="readonly"), connect(fresh_engine(), access_to(path), "shop") as connection:
        connection.exec_driver_sql("DELETE FROM t")


def test_what_a_crashed_writer_left_half_done_is_not_dumped(make: Make, tmp_path: Path) -> None:
    """A hot journal is rolled back, as every application would."""
    crash = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('PRAGMA cache_size = 1'); db.execute('BEGIN'); db.execute('DELETE FROM t');"
        "db.execute('INSERT INTO t SELECT zeroblob(500000) UNION ALL SELECT zeroblob(500001)'); os._exit(0)"
    )
    path = make("shop.db")
    subprocess.run([sys.executable, "-c", crash, str(path)], check=True)
    assert (tmp_path / "shop.db-journal").exists()

    assert dump(access_to(path), "shop").observation.manifest.rows == {"t": 1}


def test_a_database_that_may_only_be_read_is_dumped(
    make: Make, open_folder: Path, unprivileged: Callable[[], None]
) -> None:
    """The account of the backups need not be able to write."""
    path = open_folder / "shop.db"
    path.write_bytes(make("x.db").read_bytes())
    path.chmod(0o444)
    shutil.copytree(FOLDER, open_folder / "program")  # nobody may not look into root's checkout
    unprivileged()

    python = next(p for p in (sys.executable, "/usr/bin/python3") if os.access(p, os.X_OK, effective_ids=True))
    argv = (python, "-I", "-S", str(open_folder / "program"), "dump", str(path), "/dev/null", "/var/tmp", "1")
    status, output, _, _ = ended(Command(argv))

    assert status == 0
    assert watched(output).complete


def test_a_lock_that_does_not_end_is_a_failure_that_passes(make: Make) -> None:
    """The dump gives up after the time it was given, and may be tried again."""
    path = make("shop.db")
    application = sqlite3.connect(path, isolation_level=None)
    application.execute("BEGIN EXCLUSIVE")

    status, output, stderr, _ = ended(program("dump", str(path), "/dev/null", "/var/tmp", "0.1"))

    application.close()
    assert (status, output) == (1, b"")
    error = explain(status, stderr)
    assert isinstance(error, DumpBlocked)
    assert error.passes


def test_a_locked_database_is_told_by_the_survey_too(make: Make) -> None:
    """The questions before the dump meet the lock first."""
    path = make("shop.db")
    application = sqlite3.connect(path, isolation_level=None)
    application.execute("BEGIN EXCLUSIVE")
    engine, access = fresh_engine(), access_to(path)

    with pytest.raises(DumpBlocked), connect(engine, access, "shop", timeout_seconds=0.1) as connection:
        engine.survey(connection, engine.server(connection), "shop")
    application.close()


def test_a_corrupt_database_is_a_loud_failure(make: Make) -> None:
    """Not one byte of a database that SQLite's own check refuses is given out."""
    path = make("shop.db", "CREATE TABLE t(x); CREATE INDEX i ON t(x); INSERT INTO t VALUES (1), (2), (3);")
    content = bytearray(path.read_bytes())
    content[-20:] = b"\xff" * 20  # the last cells of the index
    path.write_bytes(content)

    status, output, stderr, report = ended(program("dump", str(path), "/dev/null", "/var/tmp", "1"))

    assert (status, output, report) == (1, b"", "")
    error = explain(status, stderr)
    assert isinstance(error, DumpFailed)
    assert "malformed" in error.message
    assert "restore it from the last good backup" in error.hint


def test_an_index_that_lacks_its_rows_is_a_loud_failure(make: Make) -> None:
    """A file whose pages are all well formed may still be wrong: only the integrity check sees it."""
    path = make(
        "shop.db",
        "CREATE TABLE t(x); CREATE INDEX i ON t(x); INSERT INTO t VALUES (1), (2); PRAGMA writable_schema = ON;"
        "CREATE TABLE other(x); CREATE INDEX j ON other(x);"
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'j') WHERE name = 'i';",
    )

    status, output, stderr, _ = ended(program("dump", str(path), "/dev/null", "/var/tmp", "1"))

    assert (status, output) == (1, b"")
    assert "the integrity check says" in explain(status, stderr).message


def test_a_file_that_is_no_database_is_a_loud_failure(tmp_path: Path) -> None:
    """Neither the questions nor the dump take it for an empty database."""
    path = tmp_path / "fake.db"
    path.write_bytes(b"This is not a database." * 100)

    with pytest.raises(DumpFailed, match="not a database"):
        dump(access_to(path), "fake")
    status, output, stderr, _ = ended(program("dump", str(path), "/dev/null", "/var/tmp", "1"))
    assert (status, output) == (1, b"")
    assert "exclude_databases" in explain(status, stderr).hint


def test_an_empty_file_is_no_empty_database(tmp_path: Path) -> None:
    """A backup of nothing would look like a success."""
    path = tmp_path / "lost.db"
    path.touch()

    with pytest.raises(BackupError):
        dump(access_to(path), "lost")


def test_a_database_that_went_away_is_a_failure(make: Make, tmp_path: Path) -> None:
    """It is not created by being looked at."""
    path = make("shop.db")
    path.unlink()

    with pytest.raises(StorageFailed, match="does not exist"):
        dump(access_to(path), str(path))
    status, _, stderr, _ = ended(program("dump", str(path), "/dev/null", "/var/tmp", "1"))
    assert "last good backup" in explain(status, stderr).hint
    assert list(tmp_path.iterdir()) == []


def test_rows_that_break_a_rule_of_the_application_are_backed_up(make: Make) -> None:
    """Only the structure is SQLite's affair; a NULL where none should be is the application's."""
    path = make(
        "shop.db",
        "CREATE TABLE t(x INT, y TEXT); INSERT INTO t VALUES (-1, NULL); PRAGMA writable_schema = ON;"
        "UPDATE sqlite_master SET sql = 'CREATE TABLE t(x INT CHECK (x > 0), y TEXT NOT NULL)';",
    )
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchall() != [("ok",)]

    assert dump(access_to(path), "shop").observation.manifest.rows == {"t": 1}


def test_an_index_in_the_applications_own_order_does_not_stop_the_dump(make: Make, tmp_path: Path) -> None:
    """Its collation exists only inside the application."""
    path = tmp_path / "shop.db"
    application = sqlite3.connect(path)
    application.create_collation("backwards", lambda a, b: (a < b) - (a > b))
    application.executescript(
        "CREATE TABLE t(x COLLATE backwards); CREATE INDEX i ON t(x); INSERT INTO t VALUES (1),(2)"
    )
    application.close()

    assert dump(access_to(path), "shop").observation.manifest.rows == {"t": 2}


def test_a_scratch_folder_without_room_is_told_before_the_copy(make: Make, tmp_path: Path) -> None:
    """The message names the folder and the bytes."""
    path = make("shop.db", "CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(3000000));")
    scratch = tmp_path / "small"
    scratch.mkdir()
    argv = [str(word) for word in program("dump", str(path), "/dev/null", str(scratch), "1").argv]
    mounted = f'mount -t tmpfs -o size=1m none {scratch} && exec "$@"'

    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", *argv], capture_output=True, check=False
    )

    error = explain(done.returncode, done.stderr.decode())
    assert isinstance(error, SpaceMissing)
    assert str(scratch) in error.message
    assert "TMPDIR" in error.hint


def blocked_dump(path: Path, scratch: Path) -> subprocess.Popen[bytes]:
    """Start a dump that nobody reads from, and return it when it has its copy."""
    argv = [str(word) for word in program("dump", str(path), "/dev/null", str(scratch), "1").argv]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read(1)
    assert len(list(scratch.iterdir())) == 1
    return child


def end(child: subprocess.Popen[bytes], number: int) -> None:
    child.send_signal(number)
    child.wait(30)
    assert child.stdout is not None
    child.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_dump_leaves_no_copy(make: Make, tmp_path: Path, number: int) -> None:
    """What holds the whole database is not left in a folder for temporary files."""
    path = make("shop.db", "CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(9000000));")
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    end(blocked_dump(path, scratch), number)

    assert list(scratch.iterdir()) == []


def test_what_a_killed_dump_left_is_removed_by_the_next_one(make: Make, tmp_path: Path) -> None:
    """And what a dump that is alive has there is not."""
    path = make("shop.db", "CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(9000000));")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    end(blocked_dump(path, scratch), signal.SIGKILL)
    assert len(list(scratch.iterdir())) == 1
    alive = blocked_dump(path, scratch)

    dump(access_to(path), "shop", scratch=scratch)

    assert len(list(scratch.iterdir())) == 1
    end(alive, signal.SIGTERM)


@pytest.mark.parametrize("piece", [1, 7, 99, 100, 4096, 1 << 20])
def test_the_header_is_understood_in_pieces_of_any_size(make: Make, piece: int) -> None:
    """A pipe cuts where it likes."""
    observation = watched(make("shop.db").read_bytes(), piece)

    assert observation.complete
    assert not observation.surveyed


@pytest.mark.parametrize("lost", [1, 100, 4096])
def test_a_stream_that_ends_early_is_not_complete(make: Make, lost: int) -> None:
    """The header says how long the file has to be."""
    assert not watched(make("shop.db").read_bytes()[:-lost]).complete


@pytest.mark.parametrize("content", [b"", b"x" * 4096, b"SQLite format 3\0"])
def test_a_stream_that_is_no_database_is_not_complete(content: bytes) -> None:
    """Nor is one that ends within its header."""
    assert watched(content).fault == "the stream is no SQLite file"


def test_bytes_after_the_end_are_a_fault(make: Make) -> None:
    """A whole file and a page more is not the file."""
    assert "the header says" in watched(make("shop.db").read_bytes() + bytes(4096)).fault
