"""Makes private folders that survive a power cut: every new level is 0700, and its parent is synced."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_MODE = 0o700


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents, each 0700 whatever the umask; existing ones are left as they are.

    Raises:
        OSError: one could not be made, or something else has its name.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)
    try:
        folder.mkdir(FOLDER_MODE)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return  # another thread was faster
    folder.chmod(FOLDER_MODE)
    sync(folder.parent)


def sync(folder: Path) -> None:
    """Make the entries of a folder survive a power cut.

    Raises:
        OSError: the disk refused.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
