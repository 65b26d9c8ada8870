"""Replicate the catalog into the tree that off-site copies take: each run its own events, each week the whole.

The order of effects is such that an abort at any line leaves copies that are whole as far as they go: a segment is
published at once or not at all, and the next run finds from its name what is still to be copied.
"""

from __future__ import annotations

from pathlib import Path

from vya_backup.decisions.copies import Segment, Series, folder_of, snapshot_name
from vya_backup.errors import BackupError, CatalogError
from vya_backup.history import copying
from vya_backup.history.events import Failed
from vya_backup.jobs.copies import CopyFolder, write_segment, write_snapshot
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.locks import hold
from vya_backup.transport.storage import Store

LOCK = "@catalog"
PATIENCE_SECONDS = 120
SNAPSHOT_DRAFT = "catalog-snapshot.db"
STEP = "copy of the catalog"


def own_folder(workspace: Workspace) -> CopyFolder:
    """Return where the copies of the open catalog are."""
    host = workspace.configuration.application.host()
    return CopyFolder(workspace.store, f"{folder_of(host)}/{workspace.catalog.catalog_id}")


def copy_out(workspace: Workspace, *, begin: bool = True) -> int:
    """Copy the events that the copies lack and, when a series begins, the whole catalog; return how many events.

    Without `begin` nothing is done while there are no copies yet: what changed nothing leaves no trace. A failure is
    in the catalog as `failed`, and what is missing now is copied by the next run.

    Raises:
        BackupError: the copies are not complete.
    """
    folder = own_folder(workspace)
    try:
        if not begin and not folder.series():
            return 0
        with hold(workspace.state / "locks", LOCK, STEP, PATIENCE_SECONDS):
            return _copy(workspace, folder)
    except BackupError as error:
        workspace.catalog.append(Failed(step=STEP, code=error.code, message=error.message, hint=error.hint))
        raise


def _copy(workspace: Workspace, folder: CopyFolder) -> int:
    series = folder.series()
    copied, head = folder.copied(), workspace.catalog.head().position
    _demand_not_behind(workspace, folder, copied, head)
    newest = series[-1] if series else None
    if head > copied:
        if newest is None or newest.is_over(workspace.clock()):
            newest = Series(copied + 1, workspace.clock().replace(microsecond=0))
        folder.store.sweep(folder.file(newest))
        segment = Segment(copied + 1, head)
        write_segment(
            folder.store, folder.file(newest, segment.name), copying.lines(workspace.catalog, copied + 1, head)
        )
    if newest is not None and not folder.snapshots(newest):
        _copy_whole(workspace, folder, newest)
    return head - copied


def _copy_whole(workspace: Workspace, folder: CopyFolder, series: Series) -> None:
    state = Store(workspace.state)
    _forget_draft(state)
    try:
        position = copying.snapshot(workspace.catalog, state.path(SNAPSHOT_DRAFT))
        write_snapshot(folder.store, folder.file(series, snapshot_name(position)), state.path(SNAPSHOT_DRAFT))
    finally:
        _forget_draft(state)


def _forget_draft(store: Store) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        if store.size(SNAPSHOT_DRAFT + suffix) is not None:
            store.unlink(SNAPSHOT_DRAFT + suffix)


def _demand_not_behind(workspace: Workspace, folder: CopyFolder, copied: int, head: int) -> None:
    """Refuse to copy a catalog that lacks what was copied before: an old file was put back, or its end was cut off."""
    if copied > head:
        path: Path = workspace.catalog.path
        raise CatalogError(
            f"the catalog {path} ends at position {head:,}, but its copies in {folder.path} go to {copied:,}: "
            "it is an older one, or its end was cut off",
            "See with: doit audit. Move it away and run: doit catalog rebuild.",
        )
