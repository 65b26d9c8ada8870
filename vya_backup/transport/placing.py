"""Gives a file that was made beside its place its final name, as soon as it is on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from vya_backup.transport import folders
from vya_backup.transport.disk import explained
from vya_backup.transport.storage import place


def put_in_place(draft: Path, final: Path) -> None:
    """Sync a file, move it to a name in the same folder that nobody has, and sync the folder.

    Raises:
        StorageFailed: the name is taken, or the disk refused.
    """
    with explained("put in place", final):
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        place(draft, final)
        folders.sync(final.parent)
