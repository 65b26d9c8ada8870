"""Gives files their final names, which are never taken from another file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from vya_backup.transport import folders
from vya_backup.transport.disk import explained

UNKNOWN_TO_FILE_SYSTEM = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
AT_FDCWD = -100
RENAME_NOREPLACE = 1

Placing = Callable[[Path, Path], None]


def link_and_unlink(source: Path, target: Path) -> None:
    """Move a file by a second link, which link(2) refuses to make over an existing name."""
    os.link(source, target)
    try:
        source.unlink()
    except OSError:
        target.unlink()  # the caller is told that it failed, so nothing may stand there
        raise


def rename_without_replacing(source: Path, target: Path) -> None:
    """Move a file by renameat2(2) with RENAME_NOREPLACE, for file systems that have no links."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), RENAME_NOREPLACE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def place(source: Path, target: Path, ways: tuple[Placing, ...] = (link_and_unlink, rename_without_replacing)) -> None:
    """Give a file its final name by the first way that its file system knows; none of them replaces anything.

    Raises:
        FileExistsError: the name is taken.
        OSError: no way worked.
    """
    for way in ways[:-1]:
        try:
            return way(source, target)
        except OSError as error:
            if error.errno not in UNKNOWN_TO_FILE_SYSTEM:
                raise
    return ways[-1](source, target)


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
