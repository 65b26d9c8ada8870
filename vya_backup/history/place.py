"""The place of a catalog: a private file in a private folder on a local disk.

WAL shares memory between processes, which no network file system does; a reader's files beside the catalog would lock
the writer out. So both are refused before SQLite opens anything.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from vya_backup.errors import CatalogError, CatalogMissing
from vya_backup.resources import resource

# statfs(2), and linux/magic.h
NETWORK_FILE_SYSTEMS: Final = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB2",
    0x01021997: "9P",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x5346414F: "AFS",
    0x73757245: "Coda",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
}


def prepare(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) where they are missing, and refuse an unfit place.

    Raises:
        CatalogError: the folder is writable by others, on a network file system, or nothing can be created there.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check(path)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise unreachable(path, error) from error


def must_exist(path: Path) -> None:
    """Accept a catalog that is there and whose place is fit.

    Raises:
        CatalogMissing: there is no such file.
        CatalogError: it cannot be reached, or the place is unfit.
    """
    try:
        path.stat()
    except FileNotFoundError as error:
        raise CatalogMissing(f"there is no catalog {path} yet", "The first `doit backup` creates it.") from error
    except OSError as error:
        raise unreachable(path, error) from error
    check(path)


def check(path: Path) -> None:
    """Refuse a folder on a network file system, or one where other accounts could put files beside the catalog.

    Raises:
        CatalogError: says which.
    """
    kind = network_file_system(file_system_magic(path.parent))
    if kind:
        raise CatalogError(
            f"the catalog {path} would lie on a network file system ({kind})",
            "SQLite's shared memory works on local disks only: set catalog.path to a folder on one.",
        )
    if path.parent.stat().st_mode & 0o022 and not _is_in_checkout(path.parent):
        raise CatalogError(
            f"other accounts may write into {path.parent}, the folder of the catalog",
            f"Give the catalog a folder of its own: chmod 700 '{path.parent}'.",
        )


def network_file_system(magic: int) -> str:
    """Return the name of the network file system that has this magic number, or an empty text for all others."""
    return NETWORK_FILE_SYSTEMS.get(magic, "")


def file_system_magic(folder: Path) -> int:
    """Return `f_type` of statfs(2).

    Raises:
        OSError: the folder cannot be looked at.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    answer = (ctypes.c_ulong * 64)()  # struct statfs is 120 bytes at most, and begins with f_type
    if libc.statfs(os.fsencode(folder), answer) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))
    return int(answer[0]) & 0xFFFFFFFF


def unreachable(path: Path, error: OSError) -> CatalogError:
    """Return the one clear line for a catalog that the operating system keeps from us."""
    reason = error.strerror or type(error).__name__
    hint = "Run as the account that owns the backups, or set catalog.path."
    return CatalogError(f"the catalog {path} cannot be opened: {reason.lower()}", hint)


def _is_in_checkout(folder: Path) -> bool:
    """Say whether this is the `catalog/` of a source tree, whose modes follow its owner's umask."""
    return folder.resolve() == resource("catalog/migrations").parent
