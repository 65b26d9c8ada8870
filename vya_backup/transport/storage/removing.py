"""Removes what nothing claims: drafts without a writer, and folders of throwaway data."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from vya_backup import clock
from vya_backup.transport.disk import explained
from vya_backup.transport.drafts import locked

REMOVAL_ATTEMPTS = 100
REMOVAL_PAUSE_SECONDS = 0.05


def remove_tree(folder: Path) -> None:
    """Remove a folder of throwaway data with everything in it; what dying processes still write to is tried again.

    Raises:
        StorageFailed: something stays.
    """
    for _ in range(REMOVAL_ATTEMPTS):
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
        if not folder.exists():
            return
        clock.nap(REMOVAL_PAUSE_SECONDS)
    with explained("remove", folder):
        shutil.rmtree(folder)


def discard(path: Path) -> None:
    """Remove a file, if it is there."""
    path.unlink(missing_ok=True)


def removed_unless_written(path: Path) -> bool:
    """Remove a partial file whose writer is gone: the kernel gave up its lock with it."""
    with explained("remove", path):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            if not locked(descriptor):
                return False
            discard(path)
        finally:
            os.close(descriptor)
    return True
