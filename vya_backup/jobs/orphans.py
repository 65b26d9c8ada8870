"""Close what a crash left open: every command that does something runs this first.

A dump that was published before its event could be appended is adopted; every other unfinished backup of a process that
is certainly gone becomes `abandoned`, and what it left on the disk is swept.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from vya_backup.decisions.metadata import Sidecar, decode
from vya_backup.decisions.naming import ArtifactName, Key
from vya_backup.errors import AlreadyRunning, BackupError
from vya_backup.history.event import Process
from vya_backup.history.events import Abandoned
from vya_backup.history.views import BackupRow, unfinished
from vya_backup.jobs import drill_ground
from vya_backup.jobs.dead_drills import close_drills
from vya_backup.jobs.facts import dumped_event
from vya_backup.jobs.mending import mend_restores
from vya_backup.jobs.pruning import finish_prunes
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.liveness import ProcessIdentity, is_gone
from vya_backup.transport.locks import hold


def close_orphans(workspace: Workspace) -> list[str]:
    """Adopt or abandon every unfinished backup whose process is gone; put right restores, prunes and drills that died.

    Returns a sentence for each thing that a person should look at.
    """
    drill_ground.sweep(workspace)
    told = [sentence for row in _orphans(workspace) if (sentence := _closed(workspace, row))]
    return told + mend_restores(workspace) + close_drills(workspace) + finish_prunes(workspace)


def _closed(workspace: Workspace, row: BackupRow) -> str:
    """Close one under its lock; return what a person should know of it."""
    key = Key(row.instance, row.database)
    try:
        with hold(workspace.state / "locks", str(key), f"closing of a dump of {key}"):
            if row.backup_id not in {one.backup_id for one in _orphans(workspace)}:
                return ""
            if _is_adopted(workspace, row):
                return ""
    except AlreadyRunning:
        return ""  # another run has come to it, and what it dumps now may have the same name
    begun = row.started_at.astimezone(workspace.configuration.scheduling.zone)
    return f"the dump of {key} that began at {begun:%Y-%m-%d %H:%M:%S} was cut off; it counts as abandoned"


def _orphans(workspace: Workspace) -> list[BackupRow]:
    host = workspace.configuration.application.host()
    begun = [row for row in unfinished(workspace.catalog) if not row.dumped]
    return [row for row in begun if row.process and is_gone(ProcessIdentity(**row.process), host)]


def _is_adopted(workspace: Workspace, row: BackupRow) -> bool:
    """Adopt a complete dump; abandon and sweep any other. Say which it was."""
    # the files first: after an abort between the two the backup is still open, and the next run begins here again
    artifact = ArtifactName(row.path or "")
    workspace.store.sweep(str(PurePosixPath(artifact.dump).parent))
    sidecar = _published_sidecar(workspace, row, artifact)
    if sidecar is not None:
        metadata = workspace.store.read_bytes(artifact.metadata)
        workspace.catalog.append(dumped_event(sidecar, artifact.dump, metadata))
        return True
    for path in (artifact.metadata, artifact.checksum):
        if workspace.store.size(artifact.dump) is None and workspace.store.size(path) is not None:
            workspace.store.unlink(path)
    workspace.catalog.append(
        Abandoned(
            instance=row.instance,
            database=row.database,
            backup_id=row.backup_id,
            reason="its process is gone",
            process=Process(**row.process) if row.process else None,
        )
    )
    return False


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
