"""Two runs never work on the same database at once, and the second says who is at it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.transport.fakes import ROOT
from vya_backup import clock
from vya_backup.errors import AlreadyRunning
from vya_backup.transport.locks import hold

HOLDER = """
import sys
from pathlib import Path
from vya_backup.transport.locks import hold

with hold(Path(sys.argv[1]), "i/shop", "backup of i/shop"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_named(tmp_path: Path) -> None:
    """Pid, host, time and command of the holder are in the message; when it is gone the lock is free."""
    argv = [sys.executable, "-c", HOLDER, str(tmp_path / "locks")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        wanted = rf"i/shop is at work in process {holder.pid} on .+ since 2\d\d\d-.+ \(backup of i/shop\)"
        with pytest.raises(AlreadyRunning, match=wanted), hold(tmp_path / "locks", "i/shop", "second"):
            pass
        holder.kill()
    with hold(tmp_path / "locks", "i/shop", "after a crash"):
        pass


def test_another_thread_of_the_same_process_is_kept_out_too(tmp_path: Path) -> None:
    """A lock belongs to its block, not to the process."""
    with hold(tmp_path, "i/a", "first"):
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"), hold(tmp_path, "i/a", "second"):
            pass
        with hold(tmp_path, "i/b", "another database"):
            pass


def test_a_child_that_has_not_begun_its_program_yet_keeps_no_lock(tmp_path: Path) -> None:
    """Between fork and exec a tool of another thread has every descriptor of this process, that of the lock too."""
    wait, go = os.pipe()
    with hold(tmp_path, "shop", "backup of shop"):
        child = os.fork()
        if child == 0:
            os.read(wait, 1)
            os._exit(0)

    try:
        with hold(tmp_path, "shop", "checksum of shop"):
            pass
    finally:
        os.write(go, b"x")
        os.waitpid(child, 0)
        os.close(wait)
        os.close(go)


@pytest.mark.parametrize("key", ["i/../../etc", "i/a b\n", "i/" + "ü" * 300, "i/@users"])
def test_any_name_of_a_database_makes_a_private_file_in_the_folder(tmp_path: Path, key: str) -> None:
    """Names come from servers."""
    with hold(tmp_path / "locks", key, "x"):
        (file,) = (tmp_path / "locks").iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_long_names_that_begin_alike_are_two_locks(tmp_path: Path) -> None:
    """What is cut off a file's name still counts."""
    with hold(tmp_path, "i/" + "x" * 300 + "1", "first"), hold(tmp_path, "i/" + "x" * 300 + "2", "second"):
        pass


def test_a_patient_one_gets_the_lock_when_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder lets go while the other one waits; nobody is told that it is at work."""
    first = ExitStack()
    first.enter_context(hold(tmp_path, "i/a", "first"))
    monkeypatch.setattr(clock, "nap", lambda seconds: first.close())
    with hold(tmp_path, "i/a", "second", patience_seconds=3600):
        pass


def test_patience_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the clock that never steps."""
    ticks = iter(range(0, 100, 10))
    monkeypatch.setattr(clock, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(clock, "nap", lambda seconds: None)
    with hold(tmp_path, "i/a", "first"), pytest.raises(AlreadyRunning), hold(tmp_path, "i/a", "second", 30):
        pass
    assert next(ticks) == 50
