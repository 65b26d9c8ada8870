"""A restore is what the tool says about it, never what the broken pipe says."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from tests.transport.fakes import ENGINE, Children, dump, python, shell
from vya_backup.decisions.manifest import PartSpan
from vya_backup.engines.commands import Command
from vya_backup.errors import ArtifactDamaged, DumpFailed, RestoreFailed, StorageFailed, TimedOut
from vya_backup.transport import pipeline
from vya_backup.transport.limits import Limits
from vya_backup.transport.storage import Store

PLAIN = b"".join(b"%d\n" % number for number in range(1, 300001)) + b"END\n"


@pytest.fixture
def artifact(store: Store) -> Path:
    """A published dump of two megabytes."""
    return store.path(dump(store, "a.sql.gz", shell("seq 300000; echo END"))[0])


def load(path: Path, command: Command, **more: object) -> pipeline.Loaded:
    """Feed a dump to a command."""
    return pipeline.load(path, "gzip", command, engine=ENGINE, **more)  # type: ignore[arg-type]


def test_a_tool_gets_every_byte(artifact: Path, tmp_path: Path) -> None:
    """And the digest of what was read from the disk is told."""
    loaded = load(artifact, shell("cat > $1; echo notice >&2", str(tmp_path / "out")))
    assert (tmp_path / "out").read_bytes() == PLAIN
    assert (loaded.plain_bytes, loaded.stderr) == (len(PLAIN), "notice\n")
    assert loaded.sha256 == hashlib.sha256(artifact.read_bytes()).hexdigest()


def test_a_slow_tool_is_waited_for(artifact: Path, tmp_path: Path) -> None:
    """A full pipe is no failure."""
    script = "import sys, time\ntime.sleep(0.5)\nopen(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    load(artifact, python(script, str(tmp_path / "out")))
    assert (tmp_path / "out").read_bytes() == PLAIN


def test_only_the_named_spans_are_fed(artifact: Path, tmp_path: Path) -> None:
    """Parts are cut out of the plain stream by their bytes, wherever the chunks end."""
    spans = (PartSpan("a", 2, 4), PartSpan("b", len(PLAIN) - 4, 4), PartSpan("c", 1_000_000, 300_000))
    loaded = load(artifact, shell("cat > $1", str(tmp_path / "out")), spans=spans)
    assert (tmp_path / "out").read_bytes() == PLAIN[2:6] + PLAIN[1_000_000:1_300_000] + PLAIN[-4:]
    assert loaded.plain_bytes == 300_008
    assert loaded.sha256 is None


def test_a_span_behind_the_end_is_damage(artifact: Path) -> None:
    """A manifest that promises more than there is must not load less in silence."""
    with pytest.raises(ArtifactDamaged, match="before the end of its parts"):
        load(artifact, shell("cat > /dev/null"), spans=(PartSpan("a", len(PLAIN) - 1, 2),))


def test_a_small_part_can_be_edited_as_a_whole(artifact: Path, tmp_path: Path) -> None:
    """Events are created disabled by changing their text."""
    loaded = load(
        artifact,
        shell("cat > $1", str(tmp_path / "out")),
        spans=(PartSpan("a", 0, 4),),
        edit=lambda part: part.upper() + b"!",
    )
    assert (tmp_path / "out").read_bytes() == b"1\n2\n!"
    assert loaded.plain_bytes == 5


def test_a_tool_that_fails_in_the_middle_is_heard(artifact: Path) -> None:
    """Its own words are the failure, not the broken pipe that they cause."""
    with pytest.raises(DumpFailed, match="sh ended with 3: ERROR: relation exists") as caught:
        load(artifact, shell("head -c 1000 >/dev/null; echo ERROR: relation exists >&2; exit 3"))
    assert caught.value.stderr == "ERROR: relation exists\n"


def test_a_tool_that_fails_at_the_end_is_heard(artifact: Path) -> None:
    """Having taken every byte is not success."""
    with pytest.raises(DumpFailed, match="ended with 1"):
        load(artifact, shell("cat > /dev/null; exit 1"))


def test_a_tool_that_stops_reading_and_says_success_failed(artifact: Path) -> None:
    """Half a dump loaded is not a restore."""
    with pytest.raises(RestoreFailed, match="stopped reading"):
        load(artifact, shell("head -c 1000 >/dev/null; exit 0"))


def test_a_pipe_that_the_system_refuses_is_one_clear_line(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither a bug nor the tool's fault."""
    whole = os.write

    def refused(descriptor: int, data: bytes) -> int:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(descriptor, data)

    monkeypatch.setattr(os, "write", refused)
    with pytest.raises(StorageFailed, match="the pipe to sh failed: No space left on device"):
        load(artifact, shell("cat > /dev/null"))


def test_a_tool_that_reads_nothing_is_ended_at_the_deadline(artifact: Path, new_children: Children) -> None:
    """A full pipe can't hold up the run."""
    with pytest.raises(TimedOut):
        load(artifact, shell("sleep 1000"), limits=Limits.of_seconds(0.3))
    assert new_children() == set()


def test_a_tool_never_takes_a_damaged_dump_for_a_whole_one(artifact: Path, tmp_path: Path) -> None:
    """When the file breaks off, the tool is ended before it can take the silence for the end of its input."""
    artifact.write_bytes(artifact.read_bytes()[:-100])
    with pytest.raises(ArtifactDamaged, match="cut short"):
        load(artifact, shell("cat > /dev/null; touch $1", str(tmp_path / "finished")))
    assert not (tmp_path / "finished").exists()


def test_a_tool_without_input_is_run_for_its_status() -> None:
    """Its standard error is what it has to say."""
    assert pipeline.run(shell("echo done >&2"), engine=ENGINE) == "done\n"
    with pytest.raises(DumpFailed, match="ended with 4"):
        pipeline.run(shell("exit 4"), engine=ENGINE)
