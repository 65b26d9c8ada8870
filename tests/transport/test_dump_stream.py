"""A dump is only what every sign calls complete: exit status, end-of-dump line, every byte written."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
from pathlib import Path

import pytest
import zstandard

from tests.transport.fakes import (
    Children,
    FakeObserver,
    dump,
    files_below,
    is_running,
    python,
    shell,
    wait_until_gone,
    written_pid,
)
from vya_backup.engines.commands import Command, ReportPath
from vya_backup.errors import DumpBlocked, DumpFailed, DumpIncomplete, TimedOut, ToolMissing
from vya_backup.transport.limits import Limits
from vya_backup.transport.processes import Child
from vya_backup.transport.storage import Store

LINES = "seq 200000; echo END"
PLAIN = b"".join(b"%d\n" % number for number in range(1, 200001)) + b"END\n"


@pytest.mark.parametrize("name", ["a.sql.gz", "a.sql.zst"])
def test_digests_and_sizes_are_those_of_the_plain_and_of_the_stored_bytes(store: Store, name: str) -> None:
    """What is reported is what any other tool finds in the published file."""
    path, streamed = dump(store, name, shell(LINES), extra_digests=("md5",))
    stored = store.path(path).read_bytes()
    plain = (
        gzip.decompress(stored)
        if name.endswith("gz")
        else zstandard.ZstdDecompressor().decompressobj().decompress(stored)
    )
    assert plain == PLAIN
    assert (streamed.plain_bytes, streamed.plain_sha256) == (len(PLAIN), hashlib.sha256(PLAIN).hexdigest())
    assert (streamed.stored_bytes, streamed.stored_sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    assert streamed.md5 == hashlib.md5(stored).hexdigest()


def test_the_common_tools_read_the_artifact(store: Store) -> None:
    """`gzip -t` and `zcat` take a gzip artifact as their own."""
    path, _ = dump(store, "a.sql.gz", shell(LINES))
    assert subprocess.run(["gzip", "-t", store.path(path)], check=False).returncode == 0
    assert subprocess.run(["zcat", store.path(path)], check=True, capture_output=True).stdout == PLAIN


def test_parts_follow_each_other_in_one_stream(store: Store) -> None:
    """The outputs of several commands are one dump, and the observer hears where each part ends."""
    observer = FakeObserver()
    path, _ = dump(store, "a.sql.gz", shell("echo 1; echo END"), shell("echo 2; echo END"), observer=observer)
    assert gzip.decompress(store.path(path).read_bytes()) == b"1\nEND\n2\nEND\n"
    assert observer.parts == ["part1", "part2"]


def test_a_tool_that_says_success_without_the_end_of_dump_line_failed(store: Store) -> None:
    """Exit status 0 is not enough: the stream may have been cut short."""
    with pytest.raises(DumpIncomplete, match="no end-of-dump line"):
        dump(store, "a.sql.gz", shell("echo 1; exit 0"))
    assert files_below(store.base_path) == []


def test_a_tool_that_writes_behind_its_end_of_dump_line_failed(store: Store) -> None:
    """The line must be the last one, or something else is in the stream."""
    with pytest.raises(DumpIncomplete):
        dump(store, "a.sql.gz", shell("echo 1; echo END; echo more"))


def test_an_empty_dump_failed(store: Store) -> None:
    """Nothing, said with success, is not a dump."""
    with pytest.raises(DumpIncomplete):
        dump(store, "a.sql.gz", shell("exit 0"))
    assert files_below(store.base_path) == []


def test_a_tool_that_fails_after_its_last_line_failed(store: Store) -> None:
    """It closed its output in good order and then ended with 1: its own words are the failure."""
    with pytest.raises(DumpFailed, match="sh ended with 1: connection lost") as caught:
        dump(store, "a.sql.gz", shell("echo 1; echo END; exec 1>&-; echo connection lost >&2; exit 1"))
    assert caught.value.stderr == "connection lost\n"
    assert files_below(store.base_path) == []


def test_a_tool_ended_by_a_signal_failed(store: Store) -> None:
    """A killed tool shows as a negative status."""
    with pytest.raises(DumpFailed, match="ended with -9"):
        dump(store, "a.sql.gz", shell("echo END; kill -9 $$"))


def test_the_first_failing_part_ends_the_dump(store: Store, tmp_path: Path) -> None:
    """Nothing is run after a failure."""
    with pytest.raises(DumpFailed):
        dump(store, "a.sql.gz", shell("exit 2"), shell("touch $1; echo END", str(tmp_path / "ran")))
    assert not (tmp_path / "ran").exists()


def test_a_flood_on_standard_error_neither_blocks_nor_fills_memory(store: Store) -> None:
    """Of ten megabytes the first and the last lines are kept, at most 64 KiB and a note between them."""
    script = "echo first >&2; yes some long complaint of the tool | head -c 10000000 >&2; echo last >&2; echo END"
    _, streamed = dump(store, "a.sql.gz", shell(script))
    assert streamed.stderr.startswith("first\n")
    assert streamed.stderr.endswith("\nlast\n")
    assert "bytes left out]" in streamed.stderr
    assert len(streamed.stderr) < 66 * 1024


def test_a_tool_that_hangs_is_ended_at_the_deadline(store: Store, tmp_path: Path, new_children: Children) -> None:
    """Its whole process group goes, and no file stays."""
    script = "sleep 1000 & echo $! > $1; echo 1; wait"
    with pytest.raises(TimedOut, match="sh did not end within its time"):
        dump(store, "a.sql.gz", shell(script, str(tmp_path / "pid")), limits=Limits.of_seconds(0.3))
    wait_until_gone(written_pid(tmp_path / "pid"))
    assert new_children() == set()
    assert files_below(store.base_path) == []


def test_a_tool_that_moves_no_data_is_ended(store: Store) -> None:
    """The idle limit counts from the last byte."""
    with pytest.raises(TimedOut, match=r"moved no data for 0\.3 s"):
        dump(store, "a.sql.gz", shell("echo 1; sleep 1000"), limits=Limits(idle_seconds=0.3))


def test_a_tool_that_closes_its_output_and_stays_is_ended_at_the_deadline(store: Store, new_children: Children) -> None:
    """The end of the stream is not the end of the tool."""
    with pytest.raises(TimedOut):
        dump(store, "a.sql.gz", shell("echo END; exec 1>&-; sleep 1000"), limits=Limits.of_seconds(0.3))
    assert new_children() == set()


def test_whoever_watches_can_give_the_dump_up(store: Store, new_children: Children) -> None:
    """The reason of a watcher ends the dump and is its failure."""
    reason = DumpBlocked("sessions waited 70 s behind the dump")
    with pytest.raises(DumpBlocked, match="waited 70 s"):
        dump(store, "a.sql.gz", shell("echo 1; sleep 1000"), limits=Limits(given_up=lambda: reason))
    assert new_children() == set()


def test_a_tool_that_ignores_term_is_killed_after_the_grace(new_children: Children) -> None:
    """TERM is a question, KILL is not."""
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    script = f"{ignoring}; print(1, flush=True); time.sleep(1000)"
    with Child(python(script), answers=True, grace_seconds=0.2) as child:
        assert child.read() == b"1\n"
        pid = next(iter(new_children()))
    assert not is_running(pid)


def test_what_a_tool_leaves_running_is_ended_with_it(store: Store, tmp_path: Path) -> None:
    """A background process that a tool forgets does not outlive the dump."""
    dump(store, "a.sql.gz", shell("sleep 1000 >/dev/null 2>&1 & echo $! > $1; echo END", str(tmp_path / "pid")))
    wait_until_gone(written_pid(tmp_path / "pid"))


def test_a_missing_tool_is_named(store: Store) -> None:
    """A program that is not installed is no crash."""
    with pytest.raises(ToolMissing, match="pg_dump_of_nowhere is not there"):
        dump(store, "a.sql.gz", Command(argv=("pg_dump_of_nowhere",)))


def test_a_report_reaches_the_observer_before_the_part_ends(store: Store) -> None:
    """What a tool writes to its ReportPath is neither output nor standard error."""
    observer = FakeObserver()
    command = Command(argv=("/bin/sh", "-c", "echo counted > $1; echo END", "tool", ReportPath()))
    dump(store, "a.sql.gz", command, observer=observer)
    assert observer.reports == ["counted\n"]


def test_progress_tells_plain_and_stored_bytes(store: Store) -> None:
    """Both numbers grow and end at the totals, but for what the compressor still held."""
    seen: list[tuple[int, int]] = []
    _, streamed = dump(store, "a.sql.gz", shell(LINES), progress=lambda plain, stored: seen.append((plain, stored)))
    assert seen == sorted(seen)
    assert seen[-1][0] == streamed.plain_bytes
    assert 0 <= seen[-1][1] <= streamed.stored_bytes
