"""A drill's own ground: a folder that goes again whatever happens, and a server in it that ends with the drill.

The rule: whoever made a folder holds its lock. The kernel gives the lock up with the process, so a folder without a
holder is what a crash left, and the next drill or run removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vya_backup import clock
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access, Engine
from vya_backup.errors import BackupError, SandboxMissing, ServerUnreachable
from vya_backup.transport.connections import connect
from vya_backup.transport.disk import explained
from vya_backup.transport.limits import Limits
from vya_backup.transport.processes import Child
from vya_backup.transport.sandbox import Account
from vya_backup.transport.stopping import stop
from vya_backup.transport.storage.removing import remove_tree
from vya_backup.transport.threads import start

PREFIX = "vya-drill-"
START_SECONDS = 120
PASSABLE = 0o711  # the server's account passes through to its own folder, and sees nothing else


@dataclass(frozen=True)
class Scratch:
    """The folders of one drill."""

    system: Path
    """Ours: what the sandbox shows in the place of /etc."""
    work: Path
    """The account's: data folder, socket, and nothing else."""


@contextmanager
def scratch(parent: Path, account: Account | None) -> Iterator[Scratch]:
    """Make the folders of a drill below `parent`, and remove them after the block.

    Raises:
        StorageFailed, SpaceMissing: they could not be made.
    """
    sweep(parent)
    with explained("make a folder in", parent):
        folder, lock = _claimed(parent)
    try:
        with explained("make a folder in", folder):
            made = _furnished(folder, account)
        yield made
    finally:
        with stop.shielded():
            remove_tree(folder)
        os.close(lock)


def sweep(parent: Path) -> list[Path]:
    """Remove the folders below `parent` whose drill is gone; return them. Those of other accounts are left."""
    swept = []
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.lstat().st_uid != os.geteuid():
                continue
            lock = _locked(folder)
            if lock is None:
                continue
            try:
                remove_tree(folder)
                swept.append(folder)
            finally:
                os.close(lock)
    return swept


def _claimed(parent: Path) -> tuple[Path, int]:
    """Make a folder and take its lock; when a sweep came between the two, make another."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with contextlib.suppress(FileNotFoundError):
            lock = _locked(folder)
            if lock is not None and _is_still(folder, lock):
                return folder, lock
            if lock is not None:
                os.close(lock)


def _locked(folder: Path) -> int | None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _is_still(folder: Path, descriptor: int) -> bool:
    return folder.exists() and os.path.samestat(folder.lstat(), os.fstat(descriptor))


def _furnished(folder: Path, account: Account | None) -> Scratch:
    folder.chmod(PASSABLE)
    made = Scratch(folder / "system", folder / "work")
    for path in (made.system, made.work):
        path.mkdir(0o700)
    if account:
        os.chown(made.work, account.uid, account.gid)
    return made


class PrivateServer:
    """A server that runs while the block does, looked after by a thread of its own."""

    def __init__(
        self, command: Command, grace_seconds: float, given_up: Callable[[], BackupError | None] | None = None
    ) -> None:
        self._command = command
        self._given_up = given_up
        self._grace_seconds = grace_seconds
        self._wanted = True
        self._error: BackupError | OSError | None = None
        self._words = ""
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> PrivateServer:
        start(self._thread, "to look after the private server", SandboxMissing)
        return self

    def __exit__(self, *_: object) -> None:
        self._wanted = False
        self._thread.join()

    @property
    def is_lost(self) -> bool:
        """Say whether it is gone although it is still wanted."""
        return self._wanted and not self._thread.is_alive()

    @property
    def lost(self) -> str:
        """Return why it is gone although it is still wanted, or an empty text."""
        return str(self._error or "the private server ended by itself") if self.is_lost else ""

    def wait_until_ready(self, engine: Engine, access: Access) -> None:
        """Return as soon as it accepts a connection.

        Raises:
            ServerUnreachable: it ended, or is not there after two minutes; the message holds its last words.
            Interrupted: it is time to give up.
        """
        give_up = clock.monotonic() + START_SECONDS
        while True:
            stop.check()
            with contextlib.suppress(BackupError), connect(engine, access):
                return
            if self.is_lost or clock.monotonic() > give_up:
                last = (self._words.strip().splitlines() or [str(self._error or "it said nothing")])[-1]
                raise ServerUnreachable(f"the private server did not start: {last}")
            clock.nap(0.05)

    def _live(self) -> None:
        try:
            with Child(self._command, grace_seconds=self._grace_seconds) as child:
                try:
                    child.wait(Limits(given_up=self._dismissed))
                finally:
                    self._words = child.stderr
        except (BackupError, OSError) as error:
            self._error = error

    def _dismissed(self) -> BackupError | None:
        if not self._wanted:
            return ServerUnreachable("no longer needed")
        return self._given_up() if self._given_up else None
