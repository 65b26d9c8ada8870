"""Close what a crash left open: every command that does something runs this first.

A dump that was published before its event could be appended is adopted; every other unfinished backup of a process that
is certainly gone becomes `abandoned`, and what it left on the disk is swept.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from vya_backup.decisions.metadata import Sidecar, decode
from vya_backup.decisions.naming import ArtifactName, show
from vya_backup.errors import BackupError
from vya_backup.history.events import Abandoned, Process, RestoreFailed
from vya_backup.history.views import BackupRow, RestoreRow, unfinished, unfinished_restores
from vya_backup.jobs import drill_ground
from vya_backup.jobs.facts import dumped_event
from vya_backup.jobs.pruning import finish_prunes
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.liveness import ProcessIdentity, is_gone


def close_orphans(workspace: Workspace) -> list[str]:
    """Adopt or abandon every unfinished backup whose process is gone, close restores that died, finish prunes.

    Returns a sentence for each thing that a person should look at.
    """
    drill_ground.sweep(workspace)
    host = workspace.configuration.application.host()
    for row in unfinished(workspace.catalog):
        process = row.process
        if not row.dumped and process and is_gone(ProcessIdentity(**process), host):
            _close(workspace, row)
    said = [
        _close_restore(workspace, restore) for restore in unfinished_restores(workspace.catalog) if _died(restore, host)
    ]
    return said + finish_prunes(workspace)


def _died(restore: RestoreRow, host: str) -> bool:
    return restore.process is not None and is_gone(ProcessIdentity(**restore.process), host)


def _close_restore(workspace: Workspace, restore: RestoreRow) -> str:
    """Append what is certain: where the old database may be found. Dropping anything is left to a person."""
    target = f"{restore.target_instance}/{show(restore.target_database)}"
    names = " and ".join(name for name in (restore.staging, restore.retired) if name)
    old = f"; {restore.retired} holds the old database if it exists" if restore.retired else ""
    left = f"look for {names} on {restore.target_instance}{old}"
    workspace.catalog.append(
        RestoreFailed(
            instance=restore.instance,
            database=restore.database,
            backup_id=restore.backup_id,
            restore_id=restore.restore_id,
            target_instance=restore.target_instance,
            target_database=restore.target_database,
            code="abandoned",
            message=f"the process that restored {target} is gone",
            left=left,
        )
    )
    return f"a restore of {target} was cut off on its way: {left}"


def _close(workspace: Workspace, row: BackupRow) -> None:
    artifact = ArtifactName(row.path or "")
    sidecar = _published_sidecar(workspace, row, artifact)
    if sidecar is not None:
        metadata = workspace.store.read_bytes(artifact.metadata)
        workspace.catalog.append(dumped_event(sidecar, artifact.dump, metadata))
        return
    # the event first: an abort between the two leaves files that no backup claims, which the next sweep removes
    workspace.catalog.append(
        Abandoned(
            instance=row.instance,
            database=row.database,
            backup_id=row.backup_id,
            reason="its process is gone",
            process=Process(**row.process) if row.process else None,
        )
    )
    for path in (artifact.metadata, artifact.checksum):
        if workspace.store.size(artifact.dump) is None and workspace.store.size(path) is not None:
            workspace.store.unlink(path)
    workspace.store.sweep(str(PurePosixPath(artifact.dump).parent))


def _published_sidecar(workspace: Workspace, row: BackupRow, artifact: ArtifactName) -> Sidecar | None:
    """Return the sidecar of a dump that stands under its final name and is this very backup's."""
    store = workspace.store
    if store.size(artifact.dump) is None or store.size(artifact.metadata) is None:
        return None
    try:
        sidecar = decode(store.read_bytes(artifact.metadata))
    except (ValueError, BackupError):
        return None
    is_ours = sidecar.backup_id == row.backup_id and sidecar.size_bytes == store.size(artifact.dump)
    return sidecar if is_ours else None
