"""Replaces a small file that other programs read: they see the old one or the new one, whole, and never a part."""

from __future__ import annotations

from pathlib import Path

from vya_backup.errors import StorageFailed
from vya_backup.transport.disk import explained
from vya_backup.transport.drafts import Draft, Target, is_partial
from vya_backup.transport.storage.removing import discard, removed_unless_written

READABLE_MODE = 0o644


def replace_readable(path: Path, content: bytes) -> None:
    """Write a file of mode 0644 under a hidden name, sync it, and put it in the place of an older one.

    Its folder must exist, because it is somebody else's; what a crash left there of an earlier writing is removed.

    Raises:
        SpaceMissing, StorageFailed: the older one, if any, is still there.
    """
    folder = path.parent
    with explained("look at", folder):
        if not folder.is_dir():
            raise StorageFailed(
                f"{path} cannot be written: there is no folder {folder}",
                "Make it, let the account of the backups write there, and point node_exporter at it: "
                f"--collector.textfile.directory={folder}",
            )
        leftovers = [
            found for found in folder.iterdir() if is_partial(found) and found.name.startswith(f".{path.name}.")
        ]
    for leftover in leftovers:
        removed_unless_written(leftover)
    with explained("create", path):
        draft = Draft(Target(folder, path, folder), _put, discard)
    with draft:
        draft.write(content)
        draft.publish(numbered=False)


def _put(draft: Path, final: Path) -> None:
    draft.chmod(READABLE_MODE)  # while it is still hidden, so that a reader never meets one that it may not open
    draft.replace(final)
