"""What the disk says, in our words: free space, and an operating system's error as ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vya_backup.errors import SpaceMissing, StorageFailed

WALLED = "Is the disk mounted for writing? The units of timers know old folders alone: doit schedule install"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Space:
    """The room of one file system, in bytes, as an unprivileged user sees it."""

    free: int
    total: int


def space(folder: Path) -> Space:
    """Measure the file system that a folder lies in, or will lie in once it exists.

    Raises:
        OSError: it could not be measured.
    """
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    found = os.statvfs(existing)
    return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


@contextmanager
def explained(deed: str, path: Path) -> Iterator[None]:
    """Turn an OSError of the block into ours, naming the deed (an infinitive) and the path.

    Raises:
        SpaceMissing: the disk, the quota or the file size limit is full.
        StorageFailed: anything else.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in NO_ROOM:
            raise SpaceMissing(f"cannot {deed} {path}: {reason}", "Free some space or raise the quota.") from error
        hint = WALLED if error.errno == errno.EROFS else ""
        raise StorageFailed(f"cannot {deed} {path}: {reason}", hint) from error
