"""One lock per database in a local folder, so that two runs never work on the same one; whoever holds it is named.

The kernel gives a lock up with its process, so a crash leaves none behind. Lock files themselves stay: removing one
could take it from under a process that has just opened it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from vya_backup import clock, log
from vya_backup.errors import AlreadyRunning
from vya_backup.transport import folders
from vya_backup.transport.disk import explained

LONGEST_NAME = 200
TICK_SECONDS = 0.05


@contextmanager
def hold(folder: Path, key: str, description: str, patience_seconds: float = 0) -> Iterator[None]:
    """Hold the lock of `key` (such as `INSTANCE/DATABASE`) while the block runs.

    `description` is what another process gets to read: the command that is at work. While another one holds the lock,
    this waits for as long as `patience_seconds`.

    Raises:
        AlreadyRunning: another process, or another thread of this one, holds it.
        StorageFailed: the lock file could not be made.
    """
    path = folder / _file_name(key)
    with explained("lock", path):
        folders.make_private(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with explained("lock", path):
            _take(descriptor, key, description, clock.monotonic() + patience_seconds)
        yield
    finally:
        # by word: closing alone leaves it to a child of another thread that has not begun its program yet
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _take(descriptor: int, key: str, description: str, until: float) -> None:
    waits = False
    while not _taken(descriptor):
        holder = _holder(os.pread(descriptor, 4096, 0))
        if clock.monotonic() >= until:
            raise AlreadyRunning(f"{key} is at work in {holder}", "Wait for it, or stop it by its pid.")
        if not waits:
            log.event("waits_for_lock", lock=key, holder=holder)
            waits = True
        clock.nap(TICK_SECONDS)
    told = {"pid": os.getpid(), "host": socket.gethostname(), "since": clock.rfc3339(clock.now())}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(told | {"command": description}).encode(), 0)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(content: bytes) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']} ({holder['command']})"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said its name yet"


def _file_name(key: str) -> str:
    name = quote(key, safe="@")
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    return f"{name}.lock"
