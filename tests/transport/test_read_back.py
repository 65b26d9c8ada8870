"""Reading back tells every kind of damage, and judges nothing that it could not read."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.transport.fakes import FakeObserver, dump, shell
from vya_backup.errors import Interrupted, StorageFailed, TimedOut
from vya_backup.transport.limits import Limits
from vya_backup.transport.pipeline import Streamed
from vya_backup.transport.processes import stop
from vya_backup.transport.reading_back import beginning, read_back, unpack
from vya_backup.transport.storage import Store

SCRIPT = "seq 300000; echo END"


def fetched_from_storage() -> int:
    """Bytes that this process caused to be read from storage so far (proc(5), /proc/pid/io)."""
    counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counters["read_bytes"])


@pytest.fixture
def streamed(store: Store) -> Streamed:
    """A published dump."""
    return dump(store, "a.sql.gz", shell(SCRIPT))[1]


@pytest.fixture
def stopping() -> Iterator[None]:
    """This process, as after a SIGTERM."""
    stop.requested = signal.SIGTERM
    yield
    stop.requested = None


def test_an_intact_file_equals_what_was_streamed(store: Store, streamed: Streamed) -> None:
    """Sizes and digests of both kinds agree, and the observer is content again."""
    stored = read_back(store, "a.sql.gz")
    assert (stored.size_bytes, stored.sha256) == (streamed.stored_bytes, streamed.stored_sha256)
    seen = unpack(store, "a.sql.gz", "gzip", FakeObserver())
    assert (seen.size_bytes, seen.sha256) == (streamed.stored_bytes, streamed.stored_sha256)
    assert (seen.plain_bytes, seen.plain_sha256) == (streamed.plain_bytes, streamed.plain_sha256)
    assert seen.fault == ""
    assert seen.observation is not None
    assert seen.observation.complete


def test_from_disk_is_only_claimed_when_the_disk_was_read(store: Store, streamed: Streamed) -> None:
    """The kernel counts what a process fetched from the storage itself, and agrees."""
    before = fetched_from_storage()
    seen = read_back(store, "a.sql.gz")
    fetched = fetched_from_storage() - before
    assert fetched >= streamed.stored_bytes or not seen.from_disk


def test_a_file_in_memory_does_not_come_from_a_disk() -> None:
    """A tmpfs has no disk below it, and says so."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        store = Store(Path(folder))
        store.write_sidecar("a.sql.gz", b"x" * 100_000)
        with store.open_from_disk("a.sql.gz") as file:
            assert not file.from_disk


def test_a_flipped_byte_is_a_fault_and_the_whole_file_is_still_digested(store: Store, streamed: Streamed) -> None:
    """The digest differs, its size doesn't, and decoding says where the trouble is."""
    path = store.path("a.sql.gz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    seen = unpack(store, "a.sql.gz", "gzip", FakeObserver())
    assert "damaged" in seen.fault
    assert seen.size_bytes == streamed.stored_bytes
    assert seen.sha256 != streamed.stored_sha256


def test_a_truncated_file_is_a_fault(store: Store, streamed: Streamed) -> None:
    """What a full disk or a broken copy leaves."""
    path = store.path("a.sql.gz")
    path.write_bytes(path.read_bytes()[:-10])
    assert "cut short" in unpack(store, "a.sql.gz", "gzip", FakeObserver()).fault


def test_a_dump_without_its_end_is_a_fault_though_its_compression_is_intact(store: Store) -> None:
    """The end-of-dump line is demanded again when reading."""

    class Lenient(FakeObserver):
        def _demand_trailer(self, fault: str) -> None: ...

    dump(store, "b.sql.gz", shell("seq 10"), observer=Lenient())
    assert unpack(store, "b.sql.gz", "gzip", FakeObserver()).fault == "the end-of-dump line is missing"
    assert unpack(store, "b.sql.gz", "gzip").fault == ""


def test_a_missing_file_can_not_be_judged(store: Store) -> None:
    """Not to be there is no damage of the content; it is raised."""
    with pytest.raises(StorageFailed, match="cannot open"):
        unpack(store, "nowhere.sql.gz", "gzip")


def test_reading_ends_at_the_deadline(store: Store, streamed: Streamed) -> None:
    """A slow disk does not hold up the run for ever."""
    with pytest.raises(TimedOut, match=r"a\.sql\.gz did not end"):
        unpack(store, "a.sql.gz", "gzip", limits=Limits.of_seconds(-1))


@pytest.mark.usefixtures("stopping")
def test_reading_ends_when_a_stop_is_requested(store: Store) -> None:
    """A signal is heard between two chunks."""
    store.write_sidecar("a.sql.gz", b"x")
    with pytest.raises(Interrupted):
        unpack(store, "a.sql.gz", "gzip")


def test_the_beginning_is_read_without_the_rest(store: Store, streamed: Streamed) -> None:
    """A foreign dump is told by its first line."""
    assert beginning(store, "a.sql.gz", "gzip", 7) == b"1\n2\n3\n4"
    assert beginning(store, "a.sql.gz", "gzip", 10**9).endswith(b"END\n")


def test_what_an_observer_raises_is_heard(store: Store, streamed: Streamed) -> None:
    """It looks at the bytes in a thread of its own, and still nothing is swallowed."""

    class Broken(FakeObserver):
        def feed(self, chunk: bytes) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        unpack(store, "a.sql.gz", "gzip", Broken())


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a pipe", "a folder"])
def test_what_is_no_file_is_refused_at_once(store: Store, make: Callable[[Path], None]) -> None:
    """Opening a pipe that nobody writes to would wait for ever, and no signal would end it."""
    store.base_path.mkdir(exist_ok=True)
    make(store.path("odd.sql.gz"))
    with pytest.raises(StorageFailed, match="it is no regular file"):
        read_back(store, "odd.sql.gz")
