"""The place of a copy that others may read: its readers may look into the folder, and write nothing there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from vya_backup.errors import ConfigurationError
from vya_backup.history import place

FOLDER_MODE: Final = 0o750
FILE_MODE: Final = 0o640


def prepare_folder(folder: Path, group: str) -> None:
    """Make a folder that readers may enter, where it is missing; one that is there is left as it is.

    Whether it is fit is judged by `place`, when something is opened in it.

    Raises:
        CatalogError: it cannot be made.
        ConfigurationError: the group does not exist, or this account may not give files to it.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(0o700, parents=True)
            _give(folder, FOLDER_MODE, group)
    except OSError as error:
        raise place.unreachable(folder, error) from error


def show(copy: Path, group: str) -> None:
    """Let the group read a copy, and nobody write it but its owner.

    Raises:
        CatalogError: the file cannot be changed.
        ConfigurationError: as `prepare_folder`.
    """
    try:
        _give(copy, FILE_MODE, group)
    except OSError as error:
        raise place.unreachable(copy, error) from error


def _give(path: Path, mode: int, group: str) -> None:
    """Set group and mode; the group first, so that no other one may read meanwhile."""
    try:
        if group and path.group() != group:
            shutil.chown(path, group=group)
    except LookupError as error:
        raise ConfigurationError(
            f"there is no group {group!r}, which catalog.reader_group names", f"Make it: groupadd --system {group}"
        ) from error
    except PermissionError as error:
        raise ConfigurationError(
            f"this account may not give {path} to the group {group}, which catalog.reader_group names",
            f"Make it a member: usermod --append --groups {group} ACCOUNT",
        ) from error
    if path.stat().st_mode & 0o7777 != mode:
        path.chmod(mode)
