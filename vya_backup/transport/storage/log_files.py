"""Private log files: written to, and removed when they are old."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from vya_backup.transport import folders
from vya_backup.transport.disk import explained
from vya_backup.transport.drafts import FILE_MODE


def write_log(folder: Path, name: str, text: str) -> Path:
    """Write a tool's full words into a private file; an older one of that name is continued.

    Raises:
        SpaceMissing, StorageFailed: it could not be written.
    """
    path = folder / name
    with explained("write", path):
        folders.make_private(folder)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, FILE_MODE)
            file.write(text)
    return path


def expire_logs(folder: Path, before: datetime) -> int:
    """Remove the files of a log folder that were last written before an aware instant; return how many.

    Raises:
        StorageFailed: the folder could not be read, or a file not removed.
    """
    with explained("expire logs in", folder):
        old = [path for path in _plain_files(folder) if path.stat().st_mtime < before.timestamp()]
        for path in old:
            path.unlink()
    return len(old)


def _plain_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
