"""Runs described commands: the only owner of child processes.

A child lives in a process group of its own. Nobody waits for it without looking at the stop flag and the limits, and
whoever lets go of it ends the whole group: TERM, a grace, KILL. Should this process itself be killed, the kernel ends
the child where `setpriv` can ask it to; elsewhere the child meets a closed pipe.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

from vya_backup import clock, log
from vya_backup.engines.commands import Command
from vya_backup.errors import BackupError, StorageFailed, ToolMissing
from vya_backup.transport import memory_files
from vya_backup.transport.evidence import Evidence
from vya_backup.transport.limits import UNLIMITED, Limits
from vya_backup.transport.memory_files import MemoryFiles
from vya_backup.transport.pipes import descriptor_of, widen
from vya_backup.transport.stopping import Stop, stop

__all__ = ["CHUNK_BYTES", "Child", "Finished", "Stop", "capture", "stop", "tool_name"]

CHUNK_BYTES = 256 * 1024
TICK_SECONDS = 0.2
GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Finished:
    """What a small tool left behind. A negative status is the number of the signal that ended it."""

    status: int
    stdout: bytes
    stderr: str


def capture(command: Command, *, timeout_seconds: float, limit_bytes: int = 1024 * 1024) -> Finished:
    """Run a small tool without input; of its output the first `limit_bytes` are kept.

    Raises:
        ToolMissing: there is no such program, or the system starts no more.
        TimedOut, Interrupted: it was ended before it was done.
    """
    limits = Limits.of_seconds(timeout_seconds)
    kept = bytearray()
    with Child(command, answers=True) as child:
        while chunk := child.read(limits):
            kept += chunk[: limit_bytes - len(kept)]
        status = child.wait(limits)
    return Finished(status, bytes(kept), child.stderr)


class Child:
    """One running tool. A context manager: leaving it ends whatever is left of the process group.

    `answers` gives its standard output to `read`, `feeds` its standard input to `write`; what is not asked for is
    /dev/null. Standard error is drained in passing, and with `mixed` standard output beside it, in the order in which
    it is said: `stderr` has both. A child belongs to the thread that started it.
    """

    def __init__(
        self,
        command: Command,
        *,
        feeds: bool = False,
        answers: bool = False,
        mixed: bool = False,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.name = tool_name(command)
        self._grace_seconds = grace_seconds
        self._evidence = Evidence()
        with _explained(self.name), memory_files.opened(command) as files:
            self._popen = _started(command, files, feeds=feeds, answers=answers or mixed, mixed=mixed)
            self._report = None if files.report is None else os.dup(files.report)
        self._words = self._popen.stdout if mixed else self._popen.stderr
        self._stderr_descriptor = descriptor_of(self._words)
        self._poll = select.poll()
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                widen(pipe.fileno())
        self._poll.register(self._stderr_descriptor, select.POLLIN)
        self._stderr_open = True

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()
        if self._report is not None:
            os.close(self._report)
            self._report = None
        if isinstance(error, BackupError):
            error.stderr = self.stderr

    @property
    def stderr(self) -> str:
        """Return what the tool said on standard error so far: scrubbed, at most 64 KiB."""
        return self._evidence.text()

    @property
    def report(self) -> str | None:
        """Return what the tool wrote to its `ReportPath`; None when its command has none, or once the child is left."""
        return None if self._report is None else memory_files.content(self._report)

    def read(self, limits: Limits = UNLIMITED, size: int = CHUNK_BYTES) -> bytes:
        """Return the next bytes of the tool's output, empty at its end.

        Raises:
            TimedOut, Interrupted: it is time to give up; leaving the context ends the tool.
        """
        descriptor = descriptor_of(self._popen.stdout)
        self._wait_until_ready(descriptor, select.POLLIN, limits)
        return os.read(descriptor, size)

    def write(self, data: bytes, limits: Limits = UNLIMITED) -> None:
        """Feed bytes to the tool.

        Raises:
            BrokenPipeError: it no longer reads. Why is told by `wait` and `stderr`.
            StorageFailed: the system refused, which is no fault of the tool's.
            TimedOut, Interrupted: it is time to give up; leaving the context ends the tool.
        """
        descriptor = descriptor_of(self._popen.stdin)
        rest = memoryview(data)
        while rest:
            self._wait_until_ready(descriptor, select.POLLOUT, limits)
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BrokenPipeError:
                raise
            except OSError as error:
                raise StorageFailed(f"the pipe to {self.name} failed: {error.strerror}") from error

    def close_input(self) -> None:
        """Tell the tool that there is no more to read."""
        if self._popen.stdin is not None:
            self._popen.stdin.close()

    def wait(self, limits: Limits = UNLIMITED) -> int:
        """Return the exit status, negative for a signal; what the tool left in its group is ended.

        Raises:
            TimedOut, Interrupted: it is time to give up; leaving the context ends the tool.
        """
        idle_since = clock.monotonic()
        pause = 0.001
        while not self._has_exited():
            self._look(limits, idle_since)
            self._drain_for(pause)
            pause = min(2 * pause, TICK_SECONDS)
        return self._reaped()

    def end(self) -> None:
        """End the whole process group: TERM, a grace, KILL. Does nothing when it was waited for."""
        if self._popen.returncode is not None:
            return
        self._signal_group(signal.SIGTERM)
        self._close_pipes()  # after the signal: a tool that loads must not take this for the end of its input
        give_up = clock.monotonic() + self._grace_seconds
        while not self._has_exited() and clock.monotonic() < give_up:
            self._drain_for(0.01)
        self._reaped()

    def _wait_until_ready(self, descriptor: int, event: int, limits: Limits) -> None:
        idle_since = clock.monotonic()
        self._poll.register(descriptor, event)
        while True:
            self._look(limits, idle_since)
            ready = self._poll.poll(TICK_SECONDS * 1000)
            if any(found == self._stderr_descriptor for found, _ in ready):
                self._take_stderr()
            if any(found == descriptor for found, _ in ready):
                return

    def _look(self, limits: Limits, idle_since: float) -> None:
        stop.check()
        limits.check(self.name, idle_since)

    def _take_stderr(self) -> bool:
        """Keep what lies in the pipe; say whether there was something."""
        try:
            data = os.read(self._stderr_descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return False
        self._evidence.add(data)
        if not data and self._stderr_open:
            self._poll.unregister(self._stderr_descriptor)
            self._stderr_open = False
        return bool(data)

    def _drain_for(self, seconds: float) -> None:
        """Wait, and keep what is said on standard error meanwhile."""
        if not self._stderr_open:
            clock.nap(seconds)
        elif select.select([self._stderr_descriptor], [], [], seconds)[0]:
            self._take_stderr()

    def _has_exited(self) -> bool:
        """Say whether the leader is done, and leave it unreaped: until then its group's number can't be another's."""
        return os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def _reaped(self) -> int:
        self._signal_group(signal.SIGKILL)
        while self._take_stderr():
            pass
        status = self._popen.wait()
        self._close_pipes()
        if self._words is not None:
            self._words.close()
        return status

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)

    def _close_pipes(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None and pipe is not self._words:
                pipe.close()


def tool_name(command: Command) -> str:
    """Return the name of a command's tool, behind a `stdbuf -o…` if there is one."""
    names = [Path(argument).name for argument in command.argv if isinstance(argument, str)]
    if names[0] != "stdbuf":
        return names[0]
    return next(name for name in names[1:] if not name.startswith("-"))


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what the system says to a new process into ours: too many of them, no memory, no descriptors."""
    try:
        yield
    except OSError as error:
        hint = "Look at the limits of processes and open files (ulimit -a) and into the kernel's log; then try again."
        raise ToolMissing(f"{name} could not be started: {error.strerror or error}", hint) from error


def _started(
    command: Command, files: MemoryFiles, *, feeds: bool, answers: bool, mixed: bool
) -> subprocess.Popen[bytes]:
    argv = [files.resolve(argument) for argument in command.argv]
    environment = _environment() | {name: files.resolve(value) for name, value in command.environment.items()}
    if shutil.which(argv[0], path=environment["PATH"]) is None:
        raise ToolMissing(
            f"{argv[0]} is not there, or may not be run", "Install it, or name its folder in backup.client_folders."
        )
    log.event("command", level="debug", argv=[*command.within, *argv], environment=sorted(command.environment))
    return subprocess.Popen(
        [*_leash(), *command.within, *argv],
        bufsize=0,
        stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
        stdout=subprocess.PIPE if answers else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if mixed else subprocess.PIPE,
        env=environment,
        pass_fds=files.descriptors,
        start_new_session=True,
        umask=0o077,
    )


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {"PATH": os.defpath, "HOME": "/"} | inherited | {"LC_ALL": "C.UTF-8"}


@cache
def _leash() -> tuple[str, ...]:
    """Return the words before a command that make the kernel end it when this process dies; none where unknown."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    words = (setpriv, "--pdeathsig", "TERM", "--")
    probe = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=10)
    return words if probe.returncode == 0 else ()
