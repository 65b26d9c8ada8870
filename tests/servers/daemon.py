"""A server process: started as an unprivileged user, ended by its pid, and by the kernel when the tests die first.

The rule: only processes that were started here are ever signalled.
"""

from __future__ import annotations

import os
import pwd
import random
import select
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

GRACE_SECONDS = 60


class DidNotStart(Exception):
    """The server ended before it accepted connections; the message holds the end of its log."""


def as_user(user: str, death_signal: str = "") -> list[str]:
    """Return the words in front of a command that run it as `user` (only root can change that)."""
    words = ["setpriv"]
    if os.getuid() == 0:
        group = str(pwd.getpwnam(user).pw_gid)
        words += [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return words + ([f"--pdeathsig={death_signal}"] if death_signal else []) + ["--"]


def unprivileged(*names: str) -> str:
    """Return the first of these accounts that exists, `nobody` for root otherwise, ourselves when we are not root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in names if name in known), "nobody")


def give(path: Path, user: str) -> None:
    """Make `path` belong to `user`, where we may."""
    if os.getuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)


def free_port() -> int:
    """Return a loopback port that nothing uses, below the range from which the kernel serves outgoing connections.

    A port of that range could be taken by a client while its server restarts.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = range(10_000, lowest) if lowest > 11_000 else range(1_024, 65_536)
    return next(port for port in iter(lambda: random.choice(candidates), None) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def run_as(user: str, command: Sequence[str], log: Path, stdin: bytes = b"") -> None:
    """Run one preparing command as `user`.

    Raises:
        DidNotStart: it failed; the message holds the end of its log.
    """
    with log.open("ab") as output:
        done = subprocess.run(
            [*as_user(user), *command], input=stdin, stdout=output, stderr=output, cwd="/", check=False
        )
    if done.returncode:
        raise DidNotStart(f"{command[0]} ended with {done.returncode}:\n{tail(log)}")


def tail(log: Path, characters: int = 3000) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-characters:] if log.exists() else ""


class Daemon:
    """One server process. `stop_signal` ends it in order, `death_signal` is what the kernel sends when we are gone."""

    def __init__(self, command: Sequence[str], user: str, log: Path, *, stop_signal: int, death_signal: str) -> None:
        self.command = list(command)
        self.user = user
        self.log = log
        self.stop_signal = stop_signal
        self.death_signal = death_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the pid of the running server, 0 when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    def start(self, *extra: str) -> None:
        """Start the process; it may not accept connections yet (`waited`)."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*as_user(self.user, self.death_signal), *self.command, *extra],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
            )

    def waited(self, seconds: float = 0.1) -> None:
        """Let a moment pass, or see that the process has ended.

        Raises:
            DidNotStart: it ended.
        """
        assert self._process is not None
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise DidNotStart(f"{self.command[0]} ended with {status}:\n{tail(self.log)}")

    def stop(self) -> None:
        """End the server in order, or by force after a minute."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End the server at once, as a crash would; its children are waited for."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if not self.pid or self._process is None:
            return
        children = descendants(self._process.pid)
        self._process.send_signal(number)
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for child in children:
            wait_until_gone(child)


def descendants(pid: int) -> list[int]:
    """Return pidfds of the direct children (a PostgreSQL backend outlives a killed postmaster for a moment)."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = []
    for child in listed:
        try:
            found.append(os.pidfd_open(int(child)))
        except ProcessLookupError:
            continue
    return found


def wait_until_gone(pidfd: int) -> None:
    """Wait until the process behind the descriptor has ended, and close it."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.poll(GRACE_SECONDS * 1000)
    os.close(pidfd)
