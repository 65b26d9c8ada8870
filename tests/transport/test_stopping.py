"""A signal ends the children and is told; even a killed parent leaves no child behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.transport.fakes import ROOT, is_running, wait_until_gone, written_pid
from vya_backup.errors import Interrupted
from vya_backup.transport.stopping import Stop

PARENT = textwrap.dedent(
    """
    import sys, threading
    from vya_backup.engines.commands import Command
    from vya_backup.errors import BackupError
    from vya_backup.transport.processes import Child, stop

    def work(pid_file, script):
        try:
            with Child(Command(argv=("/bin/sh", "-c", script, "tool", pid_file)), answers=True) as child:
                while child.read():
                    pass
        except BackupError as error:
            sys.stdout.write(f"{error.code} {error.message}\\n")  # in one piece, beside the other threads

    stop.install()
    threads = [threading.Thread(target=work, args=(pid_file, sys.argv[1])) for pid_file in sys.argv[2:]]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    sys.exit(128 + (stop.requested or 0))
    """
)
SILENT = "echo $$ > $1; exec sleep 1000"
BUSY = "echo $$ > $1; exec yes"


def parent(script: str, *pid_files: Path) -> subprocess.Popen[str]:
    """Another process that runs one child for each file, in threads."""
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, script, *map(str, pid_files)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("script", [SILENT, BUSY], ids=["silent", "busy"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_child_and_each_thread_hears_of_it(tmp_path: Path, script: str, number: int) -> None:
    """The children of all threads go, each thread gets to say `interrupted`, and the exit status tells the signal."""
    files = [tmp_path / "1", tmp_path / "2"]
    with parent(script, *files) as process:
        pids = [written_pid(file) for file in files]
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert output == f"interrupted stopped by {signal.Signals(number).name}\n" * 2
    assert not any(is_running(pid) for pid in pids)


@pytest.mark.parametrize("script", [SILENT, BUSY], ids=["silent", "busy"])
def test_a_killed_parent_leaves_no_child_behind(tmp_path: Path, script: str) -> None:
    """After kill -9 nobody is left to end the child; the kernel does."""
    with parent(script, tmp_path / "1") as process:
        pid = written_pid(tmp_path / "1")
        process.kill()
        process.communicate()
    wait_until_gone(pid)


def test_a_shielded_block_is_finished_first() -> None:
    """What takes a restore back is not itself interrupted."""
    stop = Stop()
    stop.requested = signal.SIGTERM
    with stop.shielded():
        stop.check()
    with pytest.raises(Interrupted, match="stopped by SIGTERM"):
        stop.check()


def test_a_second_interrupt_does_not_wait() -> None:
    """Somebody who presses Ctrl-C twice wants out."""
    script = (
        "import os, signal\n"
        "from vya_backup.transport.processes import stop\n"
        "stop.install()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "KeyboardInterrupt" in finished.stderr
