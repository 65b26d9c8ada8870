"""The journal of systemd: its native protocol on a real datagram socket, and a journal that is away or hangs."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, new_project
from vya_backup import log
from vya_backup.log import Destination
from vya_backup.redaction import Secret


@pytest.fixture(autouse=True)
def _silent_again() -> Iterator[None]:
    yield
    log.configure(None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal of the test listens."""
    return tmp_path / "journal"


@pytest.fixture
def journal(path: Path) -> Iterator[socket.socket]:
    """A journal that takes datagrams as journald does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(5)
        yield listening


def to_journal(path: Path, *more: str, level: str = "INFO") -> Destination:
    return Destination(
        level, outputs=frozenset({"journal", *more}), file_path=path.parent / "app.log", journal_path=path
    )


def fields_of(datagram: bytes) -> dict[str, str]:
    """Read a datagram as systemd's description says."""
    found = {}
    while datagram:
        head, _, datagram = datagram.partition(b"\n")
        key, is_short, value = head.partition(b"=")
        if not is_short:
            (length,) = struct.unpack("<Q", datagram[:8])
            value, datagram = datagram[8 : 8 + length], datagram[8 + length + 1 :]
        found[key.decode()] = value.decode()
    return found


def received(journal: socket.socket) -> dict[str, str]:
    return fields_of(journal.recv(1 << 20))


def test_an_event_has_the_fields_that_one_selects_by(path: Path, journal: socket.socket) -> None:
    """`journalctl VYA_DATABASE=shop -p err`."""
    log.configure(to_journal(path), lambda: {"run_id": "r1"})

    with log.about(instance="prod", database="shop", backup_id="b1"):
        log.event("failed", level="error", code="dump", message="it broke")

    assert received(journal) == {
        "MESSAGE": "failed run_id=r1 instance=prod database=shop backup_id=b1 code=dump message=it broke",
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "vya-backupdb",
        "VYA_EVENT": "failed",
        "VYA_RUN_ID": "r1",
        "VYA_INSTANCE": "prod",
        "VYA_DATABASE": "shop",
        "VYA_BACKUP_ID": "b1",
        "VYA_CODE": "dump",
        "VYA_MESSAGE": "it broke",
    }


@pytest.mark.parametrize(("level", "priority"), [("debug", "7"), ("info", "6"), ("warning", "4"), ("critical", "2")])
def test_levels_are_priorities(path: Path, journal: socket.socket, level: log.Level, priority: str) -> None:
    """As syslog(3) counts them."""
    log.configure(to_journal(path, level="DEBUG"))
    log.event("happened", level=level)
    assert received(journal)["PRIORITY"] == priority


def test_values_of_several_lines_stay_whole(path: Path, journal: socket.socket) -> None:
    """A name with a line feed forges no field."""
    log.configure(to_journal(path))
    log.event("found", database="shop\nPRIORITY=0")
    got = received(journal)
    assert got["VYA_DATABASE"] == "shop\nPRIORITY=0"
    assert got["PRIORITY"] == "6"


def test_secrets_and_accounts_are_masked(path: Path, journal: socket.socket) -> None:
    """As in the file."""
    hidden = Secret("correct horse")
    log.configure(to_journal(path))
    log.event("tried", url=f"db://u:{hidden.reveal()}@h", user="administrator")
    got = received(journal)
    assert "correct horse" not in str(got)
    assert got["VYA_USER"] == "adm***"


def test_file_and_journal_get_the_same_event(path: Path, journal: socket.socket) -> None:
    """`output: [file, journal]`."""
    log.configure(to_journal(path, "file"))
    log.event("dumped", database="shop")
    assert received(journal)["VYA_EVENT"] == "dumped"
    assert '"event": "dumped"' in (path.parent / "app.log").read_text()


def test_no_journal_is_told_once_and_the_file_goes_on(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine without systemd."""
    log.configure(to_journal(path, "file"))
    log.event("one")
    log.event("two")
    assert capsys.readouterr().err.count("takes no lines") == 1
    assert len((path.parent / "app.log").read_text().splitlines()) == 2


def test_a_journal_that_comes_back_is_used_again(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """journald is restarted in mid-run."""
    log.configure(to_journal(path))
    log.event("lost")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as later:
        later.bind(str(path))
        later.settimeout(5)
        log.event("found")
        assert received(later)["VYA_EVENT"] == "found"


def test_a_journal_that_hangs_holds_nobody_up(
    path: Path, journal: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its queue is full; the lines are lost, and the run goes on: this test ends."""
    log.configure(to_journal(path))
    for number in range(2000):
        log.event("happened", number=number)
    assert capsys.readouterr().err.count("takes no lines") == 1
    assert received(journal)["VYA_NUMBER"] == "0"


def test_what_is_too_long_for_a_datagram_is_cut(path: Path, journal: socket.socket) -> None:
    """The file has it all."""
    log.configure(to_journal(path))
    log.event("told", words="x" * 1_000_000)
    assert len(received(journal)["VYA_WORDS"]) == 16 * 1024


def test_a_run_whose_journal_is_not_there_backs_up_all_the_same(tmp_path: Path) -> None:
    """By its configuration, to its end; this machine's journal, if it has one, is not asked."""
    project = new_project(tmp_path, CONFIGURATION + "logging: {output: [file, journal]}\n")
    project.execute("shop", "CREATE TABLE t (a)")
    done = project.run("backup")
    assert done.status == 0, done.said
    assert done.err.count("takes no lines") <= 1
    assert '"event": "checksummed"' in (tmp_path / "catalog/state/vya_backup.log").read_text()
