"""Describes the commands of the small program that alone opens SQLite files for writing, and explains its failures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vya_backup.engines.commands import Argument, Command
from vya_backup.errors import (
    ArtifactDamaged,
    BackupError,
    DumpBlocked,
    DumpFailed,
    PrivilegeMissing,
    RestoreRefused,
    SpaceMissing,
    StorageFailed,
)

FOLDER = Path(__file__).with_name("program")
# Isolated and without site-packages: a thousand databases start it a thousand times.
_INTERPRETER = (sys.executable, "-I", "-S")

_EXPLANATIONS: dict[str, tuple[type[BackupError], str]] = {
    "locked": (DumpBlocked, "Another program holds its lock for long; try again, or raise backup.lock_wait_seconds."),
    "not-a-database": (DumpFailed, "It is another kind of file, or encrypted; exclude it with exclude_databases."),
    "corrupt": (DumpFailed, "The database itself is damaged: restore it from the last good backup."),
    "space": (SpaceMissing, "Free some space there, or set TMPDIR to a folder with room for a copy of the database."),
    "unreadable": (
        PrivilegeMissing,
        "Give the account read permission on the file; in WAL mode also write permission on its folder.",
    ),
    "missing": (StorageFailed, "Restore it from its last good backup, or mend `path` of the instance."),
    "damaged-disk": (StorageFailed, "Reading or writing the disk failed; look into the kernel's log."),
    "taken": (RestoreRefused, "Nothing was overwritten; restore with --force to replace it."),
}


def program(verb: str, *arguments: Argument) -> Command:
    """Describe one call of the program."""
    return Command((*_INTERPRETER, str(FOLDER), verb, *arguments))


def scratch_folder() -> Path:
    """Return where temporary copies go when nobody says: /tmp may be memory, so it is not the first choice."""
    wanted = os.environ.get("TMPDIR", "")
    folders = (Path(wanted), Path("/var/tmp"), Path("/tmp")) if wanted else (Path("/var/tmp"), Path("/tmp"))  # noqa: S108  # the program makes a 0700 folder of its own there
    return next((folder for folder in folders if folder.is_dir() and os.access(folder, os.W_OK)), folders[-1])


def explain(status: int, stderr: str) -> BackupError:
    """Turn the program's last line, `CODE: message`, into an error of ours."""
    lines = [line for line in stderr.splitlines() if line.strip()] or [""]
    code, separator, message = lines[-1].partition(": ")
    if separator and code in _EXPLANATIONS:
        kind, hint = _EXPLANATIONS[code]
        return kind(message, hint)
    if separator and code == "failed":
        return StorageFailed(message)
    how = f"signal {-status}" if status < 0 else f"status {status}"
    return DumpFailed(f"the SQLite program ended with {how}: {lines[-1]}")


def explain_result(name: str, message: str) -> BackupError:
    """Turn what SQLite said on a connection into an error of ours; `name` is its result code, `SQLITE_BUSY`."""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return explain(1, f"locked: {message}")
    if name.startswith("SQLITE_NOTADB"):
        return explain(1, f"not-a-database: {message}")
    if name.startswith("SQLITE_CORRUPT"):
        return explain(1, f"corrupt: {message}")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY", "SQLITE_AUTH")):
        return explain(1, f"unreadable: {message}")
    return ArtifactDamaged(message) if name.startswith("SQLITE_IOERR") else DumpFailed(message)
