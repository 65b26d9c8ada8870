"""Replicate the catalog into the tree that off-site copies take: each run its own events, each week the whole.

The order of effects is such that an abort at any line leaves copies that are whole as far as they go: a segment is
published at once or not at all, and the next run finds from its name what is still to be copied.
"""

from __future__ import annotations

from pathlib import Path

from vya_backup.decisions.copies import Segment, Series, folder_of, snapshot_name
from vya_backup.decisions.manifest import counted
from vya_backup.errors import BackupError, CatalogError, CatalogMissing
from vya_backup.history import copying
from vya_backup.history.events import Failed
from vya_backup.history.views import newest_good
from vya_backup.jobs.copies import CopyFolder, folders, last_entry, write_segment, write_snapshot
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Configuration
from vya_backup.transport.locks import hold
from vya_backup.transport.storage import Store

LOCK = "@catalog"
PATIENCE_SECONDS = 120
SNAPSHOT_DRAFT = "catalog-snapshot.db"
STEP = "copy of the catalog"
COMPANIONS = ("", "-wal", "-shm", "-journal")


def own_folder(workspace: Workspace) -> CopyFolder:
    """Return where the copies of the open catalog are."""
    host = workspace.configuration.application.host()
    return CopyFolder(workspace.store, f"{folder_of(host)}/{workspace.catalog.catalog_id}")


def lost_catalog(configuration: Configuration) -> CatalogMissing | None:
    """Return what is to be said where the catalog is gone or emptied and copies of one lie in the tree."""
    path, place = configuration.catalog.path, folder_of(configuration.application.host())
    try:
        if path is None or path.stat().st_size:
            return None
        what, remedy = f"the catalog {path} is empty", "Move it away, then run: doit catalog rebuild"
    except FileNotFoundError:
        what, remedy = f"there is no catalog {path}", "Bring it back: doit catalog rebuild"
    except OSError:
        return None  # opening it says why
    if not folders(Store(configuration.storage.base_path), place):
        return None
    return CatalogMissing(f"{what}, but copies of one lie in {place}", remedy)


def strangers(workspace: Workspace) -> list[str]:
    """Return the folders with copies of catalogs of this host of which no event is in the open one."""
    place = folder_of(workspace.configuration.application.host())
    found = folders(workspace.store, place)
    return [one.path for one in found if not copying.knows(workspace.catalog, Path(one.path).name)]


def unmounted(workspace: Workspace) -> str:
    """Return what is to be said where the catalog knows good backups, and nothing lies where any of them does."""
    rows = newest_good(workspace.catalog).values()
    tops = {row.path.partition("/")[0] for row in rows if row.path}  # `storage.structure` says what that is
    if not tops or any(_is_there(workspace.store, top) for top in tops):
        return ""
    what = f"good backups of {counted(len(rows), 'database')} should lie there"
    return f"{workspace.store.base_path} is empty, but {what}: is it mounted?"


def _is_there(store: Store, top: str) -> bool:
    found = store.identity(top)
    return found is not None and (found.is_regular or bool(store.names(top)))


def copy_out(workspace: Workspace) -> int:
    """Copy the events that the copies lack and, when a series begins, the whole catalog; return how many events.

    A catalog that holds nothing but its own creation is not copied. A failure is in the catalog as `failed`, and what
    is missing now is copied by the next run.

    Raises:
        BackupError: the copies are not complete.
    """
    folder = own_folder(workspace)
    try:
        if workspace.catalog.head().position <= 1:
            return 0
        with hold(workspace.state / "locks", LOCK, STEP, PATIENCE_SECONDS):
            return _copy(workspace, folder)
    except BackupError as error:
        workspace.catalog.append(Failed(step=STEP, code=error.code, message=error.message, hint=error.hint))
        raise


def _copy(workspace: Workspace, folder: CopyFolder) -> int:
    series = folder.series()
    newest = series[-1] if series else None
    _sweep(workspace, folder, newest)
    copied, head = copied_position(workspace, folder), workspace.catalog.head().position
    if head > copied:
        if newest is None or newest.is_over(workspace.clock()):
            newest = Series(copied + 1, workspace.clock().replace(microsecond=0))
        segment = Segment(copied + 1, head)
        write_segment(
            folder.store, folder.file(newest, segment.name), copying.lines(workspace.catalog, copied + 1, head)
        )
    if newest is not None and not folder.snapshots(newest):
        _copy_whole(workspace, folder, newest)
    return head - copied


def _sweep(workspace: Workspace, folder: CopyFolder, newest: Series | None) -> None:
    """Remove what a crash left, of a copy and of a rebuild: whoever is here holds the lock that both need."""
    forget_rebuild(workspace.catalog.path)
    _forget(Store(workspace.state), SNAPSHOT_DRAFT)
    if newest is not None:
        folder.store.sweep(folder.file(newest))


def rebuild_draft(catalog: Path) -> Path:
    """Return the name beside a catalog's place under which it is made again."""
    return catalog.with_name(f".{catalog.name}.rebuilding")


def forget_rebuild(catalog: Path) -> None:
    """Remove whatever is left under that name; the catalog that was linked from there is another name of the file.

    Raises:
        StorageFailed: it could not be removed.
    """
    draft = rebuild_draft(catalog)
    _forget(Store(draft.parent), draft.name, (*COMPANIONS, ".snapshot"))


def _copy_whole(workspace: Workspace, folder: CopyFolder, series: Series) -> None:
    state = Store(workspace.state)
    try:
        position = copying.snapshot(workspace.catalog, state.path(SNAPSHOT_DRAFT))
        write_snapshot(folder.store, folder.file(series, snapshot_name(position)), state.path(SNAPSHOT_DRAFT))
    finally:
        _forget(state, SNAPSHOT_DRAFT)


def _forget(store: Store, name: str, suffixes: tuple[str, ...] = COMPANIONS) -> None:
    for suffix in suffixes:
        if store.size(name + suffix) is not None:
            store.unlink(name + suffix)


def copied_position(workspace: Workspace, folder: CopyFolder) -> int:
    """Return the position up to which the chain is copied, 0 for nothing.

    Raises:
        CatalogError: the catalog is not what was copied: an old file was put back, its end cut off or written anew.
        ArtifactDamaged: the newest segment is damaged.
    """
    found = folder.newest()
    if found is None:
        return 0
    path, segment = found
    here = copying.hash_at(workspace.catalog, segment.last)
    if here != last_entry(folder.store, path).hash:
        fault = "is not the one that was copied" if here else "is gone: its end was cut off, or it is an older one"
        raise CatalogError(
            f"the event at position {segment.last:,} of the catalog {workspace.catalog.path}, in {path}, {fault}",
            "See with: doit audit. To go back to what was copied, move it away and run: doit catalog rebuild.",
        )
    return segment.last
