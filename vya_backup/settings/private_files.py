"""Reads and writes files that only their owner may read: the credentials store and its key.

The rule: what is wider than 0600, or in a folder wider than 0700, is refused; a file is replaced whole or not at all.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from vya_backup.errors import ConfigurationError, CredentialsError

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def exists(path: Path) -> bool:
    """Say whether the file is there; what cannot be looked at counts as there, so that reading it says why."""
    try:
        return path.exists()
    except OSError:
        return True


def read_private(path: Path) -> bytes:
    """Return the content of a private file.

    Raises:
        CredentialsError: it is not there, cannot be read, or others may read it or its folder.
    """
    try:
        with path.open("rb") as file:
            if not _given_by_systemd(path):
                _refuse_wider(path, os.fstat(file.fileno()), FILE_MODE)
                _refuse_wider(path.parent, path.parent.stat(), FOLDER_MODE)
            return file.read()
    except FileNotFoundError as error:
        raise CredentialsError(f"{path} does not exist") from error
    except OSError as error:
        hint = "Run as the account that owns it." if isinstance(error, PermissionError) else ""
        raise CredentialsError(f"{path} cannot be read: {error.strerror}", hint) from error


def write_private(path: Path, content: bytes, *, replace: bool) -> None:
    """Write a file of mode 0600, in a folder that is made with mode 0700 when it is missing; all of it or nothing.

    Raises:
        CredentialsError: the file exists and `replace` is false, or it cannot be written.
    """
    try:
        _private_folder(path.parent)
        draft = _draft(path, content)
        try:
            _publish(draft, path, replace=replace)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError as error:
        raise CredentialsError(f"{path} exists already", "Add --force to replace it.") from error
    except OSError as error:
        raise CredentialsError(f"{path} cannot be written: {error.strerror}") from error


def rewrite(path: Path, content: bytes, *, like: Path) -> None:
    """Write a file whole or not at all, with mode and owner of `like`: its own, or those of the file it is a copy of.

    What root rewrites, the backup account must still be able to read; a link stays, and what it leads to is rewritten.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        meant = path.resolve()
    except (OSError, RuntimeError) as error:  # links that lead in a circle
        raise ConfigurationError(f"{path} cannot be written: {error}") from error
    _write(meant, content, like)


def write_new(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 where none is, in a folder that is made with mode 0700 when it is missing.

    Raises:
        ConfigurationError: there is one, or it cannot be written.
    """
    _write(path, content, None)


def _write(path: Path, content: bytes, like: Path | None) -> None:
    try:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        draft = _draft(path, content)
        try:
            if like is not None:
                known = like.stat()
                os.chown(draft, known.st_uid, known.st_gid)
                draft.chmod(stat.S_IMODE(known.st_mode))
            _publish(draft, path, replace=like is not None)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if folder.name.startswith("."):  # such as .secrets; any other folder could be meant for more than secrets
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) & FOLDER_MODE)
    _refuse_wider(folder, folder.stat(), FOLDER_MODE)


def _draft(path: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)  # mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _publish(draft: Path, path: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(path)
    else:
        path.hardlink_to(draft)  # unlike a rename, this never replaces
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_wider(path: Path, status: os.stat_result, allowed: int) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o777 & ~allowed:
        raise CredentialsError(f"{path} has mode {mode:04o}, so others may read it", f"Run: chmod {allowed:04o} {path}")


def _given_by_systemd(path: Path) -> bool:
    # LoadCredential= opens its files to the unit's account by an ACL, which shows as group bits; the folder is private.
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.parent == Path(folder or "")
