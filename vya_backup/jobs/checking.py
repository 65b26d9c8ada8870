"""Read a published dump back from the disk; only what equals the streamed bytes becomes a good backup."""

from __future__ import annotations

from typing import Any

from vya_backup.clock import monotonic
from vya_backup.engines import engine_for
from vya_backup.errors import ArtifactDamaged, BackupError
from vya_backup.history.events import Checksummed, Damaged, Event, Failed, Missing, Verified
from vya_backup.history.views import BackupRow
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline
from vya_backup.transport.compression import of_path
from vya_backup.transport.locks import hold


def checksum(workspace: Workspace, row: BackupRow, progress: pipeline.Progress) -> float:
    """Read the file of a backup back and append `checksummed`, or `verified` when it was good already; return seconds.

    Raises:
        ArtifactDamaged: the file is missing or differs, which is in the catalog as `missing` or `damaged`.
        BackupError: it could not be read; in the catalog as a failure of the database, while the backup stays to be
            checked: nothing is known against it.
    """
    key = f"{row.instance}/{row.database}"
    with hold(workspace.state / "locks", key, f"checksum of {key}"):
        started = monotonic()
        try:
            seen = read_back(workspace, row, progress)
        except ArtifactDamaged:
            raise
        except BackupError as error:
            workspace.catalog.append(_failure(row, error))
            raise
        seconds = monotonic() - started
        workspace.catalog.append(_success(workspace, row, seen, seconds))
    return seconds


def read_back(workspace: Workspace, row: BackupRow, progress: pipeline.Progress) -> pipeline.ReadBack:
    """Read a backup's file from the disk to its last byte and compare it with what the catalog says.

    The bytes that were streamed out had their end seen and their objects counted: equal bytes are as good as they.

    Raises:
        ArtifactDamaged: the file is missing or differs; the fact is appended first.
    """
    path = _present(workspace, row)
    seen = pipeline.read_back(workspace.store, path, progress)
    _judge(workspace, row, _difference(row, seen))
    return seen


def unpack(workspace: Workspace, row: BackupRow, progress: pipeline.Progress) -> pipeline.Unpacked:
    """Read a backup's file from the disk, decode it to its last byte, compare both, and look at what it holds.

    Raises:
        ArtifactDamaged: the file is missing, differs, or does not decode; the fact is appended first.
    """
    path = _present(workspace, row)
    observer = engine_for(row.engine or "").observer()
    seen = pipeline.unpack(workspace.store, path, of_path(path), observer, progress)
    _judge(workspace, row, _difference(row, seen) or seen.fault or _plain_difference(row, seen))
    return seen


def _present(workspace: Workspace, row: BackupRow) -> str:
    path = row.path or ""
    if workspace.store.size(path) is None:
        workspace.catalog.append(Missing(path=path, **_columns(row)))
        raise ArtifactDamaged(f"the file of backup {row.backup_id} is missing: {path}")
    return path


def _judge(workspace: Workspace, row: BackupRow, fault: str) -> None:
    if fault:
        path = row.path or ""
        workspace.catalog.append(Damaged(path=path, reason=fault, check="read back", **_columns(row)))
        raise ArtifactDamaged(f"{path} is damaged: {fault}", "Dump again with: doit backup")


def _columns(row: BackupRow) -> dict[str, str]:
    return {"instance": row.instance, "database": row.database, "backup_id": row.backup_id}


def _difference(row: BackupRow, seen: pipeline.ReadBack) -> str:
    if seen.size_bytes != row.size_bytes:
        return f"it has {seen.size_bytes:,} bytes instead of {row.size_bytes:,}"
    if seen.sha256 != row.sha256:
        return f"its SHA-256 is {seen.sha256} instead of {row.sha256}"
    return ""


def _plain_difference(row: BackupRow, seen: pipeline.Unpacked) -> str:
    return "" if seen.plain_sha256 == row.plain_sha256 else "it unpacks to other bytes than were dumped"


def _success(workspace: Workspace, row: BackupRow, seen: pipeline.ReadBack, seconds: float) -> Event:
    facts: dict[str, Any] = {
        **_columns(row),
        "path": row.path,
        "size_bytes": seen.size_bytes,
        "sha256": seen.sha256,
        "duration_seconds": seconds,
        "from_disk": seen.from_disk,
    }
    if row.state == "good":
        return Verified(verdict="pass", **facts)
    if found := workspace.store.identity(row.path or ""):  # as long as it is this file, nobody need read it again
        facts |= {"inode": found.inode, "modified_ns": found.modified_ns}
    return Checksummed(**facts)


def _failure(row: BackupRow, error: BackupError) -> Failed:
    return Failed(
        instance=row.instance,
        database=row.database,
        step="checksum",
        code=error.code,
        message=error.message,
        hint=error.hint,
    )
