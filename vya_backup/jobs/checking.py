"""Read a published dump back from the disk; only what equals the streamed bytes becomes a good backup.

`verifying` looks at far more, later and again and again.
"""

from __future__ import annotations

from vya_backup import log
from vya_backup.clock import monotonic
from vya_backup.decisions.hooks import Occasion
from vya_backup.decisions.naming import Key
from vya_backup.decisions.verdict import Finding, SeenDump, dump_faults, in_words
from vya_backup.engines import engine_of
from vya_backup.errors import ArtifactDamaged, BackupError
from vya_backup.history.events import Checksummed, Damaged, Failed, Missing
from vya_backup.history.views import BackupRow
from vya_backup.jobs import hooks
from vya_backup.jobs.accounts_changes import changes_since
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline, reading_back
from vya_backup.transport.compression import of_path


def checksum(workspace: Workspace, row: BackupRow, progress: pipeline.Progress) -> float:
    """Read the file of a backup back and append `checksummed`; return seconds.

    Raises:
        ArtifactDamaged: the file is missing or differs, which is in the catalog as `missing` or `damaged`.
        BackupError: it could not be read; in the catalog as a failure of the database, while the backup stays to be
            checked: nothing is known against it.
    """
    key = Key(row.instance, row.database)
    with log.about(backup_id=row.backup_id), workspace.locked(key, f"checksum of {key}"):
        started = monotonic()
        try:
            seen = read_back(workspace, row, progress)
        except ArtifactDamaged:
            raise
        except BackupError as error:
            workspace.catalog.append(_failure(row, error))
            raise
        seconds = monotonic() - started
        changed = changes_since(workspace, row) if key.is_users else []
        workspace.catalog.append(checksummed(workspace, row, seen, seconds), *changed)
    return seconds


def check(workspace: Workspace, row: BackupRow, progress: pipeline.Progress) -> float:
    """Do the same for a backup of this run, and call the hooks that wait for what came of it; return seconds.

    Raises:
        BackupError: as `checksum`.
    """
    path = str(workspace.store.path(row.path or ""))
    occasion = Occasion(row.instance, row.database, backup_id=row.backup_id, path=path)
    try:
        seconds = checksum(workspace, row, progress)
    except BackupError as error:
        hooks.after(workspace, "after_check", occasion.ended("failed", error.code, error.message))
        hooks.failed(workspace, occasion, error)
        raise
    hooks.after(workspace, "after_check", occasion.ended("ok"))
    return seconds


def read_back(workspace: Workspace, row: BackupRow, progress: pipeline.Progress) -> reading_back.ReadBack:
    """Read a backup's file from the disk to its last byte and compare it with what the catalog says.

    The bytes that were streamed out had their end seen and their objects counted: equal bytes are as good as they.

    Raises:
        ArtifactDamaged: the file is missing or differs; the fact is appended first.
    """
    path = _present(workspace, row)
    seen = reading_back.read_back(workspace.store, path, progress)
    _judge(workspace, row, seen_dump(seen))
    return seen


def unpack(workspace: Workspace, row: BackupRow, progress: pipeline.Progress) -> reading_back.Unpacked:
    """Read a backup's file from the disk, decode it to its last byte, compare both, and look at what it holds.

    Raises:
        ArtifactDamaged: the file is missing, differs, or does not decode; the fact is appended first.
    """
    path = _present(workspace, row)
    observer = engine_of(row.engine or "", row.database).observer()
    seen = reading_back.unpack(workspace.store, path, of_path(path), observer, progress)
    _judge(workspace, row, seen_dump(seen))
    return seen


def seen_dump(seen: reading_back.ReadBack) -> SeenDump:
    """Return what was read as the pure checks take it."""
    if not isinstance(seen, reading_back.Unpacked):
        return SeenDump(seen.size_bytes, seen.sha256)
    return SeenDump(seen.size_bytes, seen.sha256, seen.undecodable, seen.incomplete, seen.plain_sha256)


def is_present(workspace: Workspace, row: BackupRow) -> bool:
    """Say whether a backup's dump lies where it was published.

    Raises:
        StorageFailed: it could not be looked for; not even the tree that it lies in is there.
    """
    path = row.path or ""
    if workspace.store.size(path) is not None:
        return True
    workspace.store.demand_tree(path)
    return False


def columns(row: BackupRow) -> dict[str, str]:
    """Return the columns of an event about a backup."""
    return {"instance": row.instance, "database": row.database, "backup_id": row.backup_id}


def damaged(row: BackupRow, faults: tuple[Finding, ...]) -> Damaged:
    """Return the event that says what was found against a dump, and by which checks."""
    checks = ", ".join(dict.fromkeys(str(fault.check) for fault in faults))
    return Damaged(path=row.path or "", reason=in_words(faults), check=checks, **columns(row))


def checksummed(workspace: Workspace, row: BackupRow, seen: reading_back.ReadBack, seconds: float) -> Checksummed:
    """Return the event that makes a backup good; as long as the file is the one it names, nobody need read it again."""
    found = workspace.store.identity(row.path or "")
    return Checksummed(
        path=row.path or "",
        size_bytes=seen.size_bytes,
        sha256=seen.sha256,
        duration_seconds=seconds,
        from_disk=seen.from_disk,
        inode=found.inode if found else None,
        modified_ns=found.modified_ns if found else None,
        **columns(row),
    )


def _present(workspace: Workspace, row: BackupRow) -> str:
    path = row.path or ""
    if not is_present(workspace, row):
        workspace.catalog.append(Missing(path=path, **columns(row)))
        raise ArtifactDamaged(f"the file of backup {row.backup_id} is missing: {path}")
    return path


def _judge(workspace: Workspace, row: BackupRow, seen: SeenDump) -> None:
    faults = tuple(dump_faults(row, seen))
    if faults:
        workspace.catalog.append(damaged(row, faults))
        raise ArtifactDamaged(f"{row.path} is damaged: {in_words(faults)}", "Dump again with: doit backup")


def _failure(row: BackupRow, error: BackupError) -> Failed:
    return Failed(
        instance=row.instance,
        database=row.database,
        step="checksum",
        code=error.code,
        message=error.message,
        hint=error.hint,
    )
