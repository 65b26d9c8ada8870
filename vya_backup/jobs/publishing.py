"""Publish the catalog: append to the copy that others read what it lacks, or write it anew where there is none.

An abort at any line leaves a copy that is whole: what is appended is one transaction, and a new copy gets its name when
it is complete. A reader can make publishing wait, for a moment that is told here, and never an append or a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vya_backup.decisions.manifest import counted
from vya_backup.errors import ConfigurationError
from vya_backup.history import copying, publishing, readers
from vya_backup.history.publishing import Copy
from vya_backup.history.sources import Source
from vya_backup.jobs.copying import COMPANIONS
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.locks import hold
from vya_backup.transport.storage import Store
from vya_backup.transport.storage.placing import put_in_place

STEP = "publication of the catalog"
LOCK = "@published"
RUN_PATIENCE_SECONDS = 2.0
"""So long the end of a run waits for a reader; the next run publishes what this one could not."""


@dataclass(frozen=True)
class Published:
    """What was done: how many events were added, and where the copy ends now."""

    path: Path
    added: int
    position: int
    is_new: bool

    def line(self) -> str:
        """Return what a person reads."""
        if self.is_new:
            return f"{self.path}: written, {counted(self.position, 'event')}"
        added = f"{counted(self.added, 'event')} added" if self.added else "up to date"
        return f"{self.path}: {added}, position {self.position:,}"


def publish(workspace: Workspace, patience_seconds: float) -> Published:
    """Bring the published copy up to date, at the cost of what it lacks.

    Raises:
        ConfigurationError: catalog.published_path is not set, or its readers' group is of no use.
        CatalogBusy: a reader holds the copy; it stays as it was.
        AlreadyRunning: another process is at it.
        CatalogError: the copy tells another history, or the disk refused; it stays as it was.
    """
    settings = workspace.configuration.catalog
    path = settings.published_path
    if path is None:
        raise ConfigurationError("catalog.published_path is not set", "Set it to a file in a folder of its own.")
    with hold(workspace.state / "locks", LOCK, STEP, patience_seconds):
        readers.prepare_folder(path.parent, settings.reader_group)
        forget_draft(path)
        if not path.exists():
            return _written(workspace, path)
        published = _continued(workspace, path, patience_seconds)
        readers.show(path, settings.reader_group)
    return published


def draft_of(path: Path) -> Path:
    """Return the hidden name under which a copy is made."""
    return path.with_name(f".{path.name}.publishing")


def forget_draft(path: Path) -> None:
    """Remove what is left of a copy that was not finished.

    Raises:
        StorageFailed: it could not be removed.
    """
    draft = draft_of(path)
    store = Store(draft.parent)
    for suffix in COMPANIONS:
        if store.size(draft.name + suffix) is not None:
            store.unlink(draft.name + suffix)


def _written(workspace: Workspace, path: Path) -> Published:
    """Copy the whole catalog page by page, which is many times faster than event by event."""
    try:
        position = copying.snapshot(workspace.catalog, draft_of(path))
        readers.show(draft_of(path), workspace.configuration.catalog.reader_group)
        put_in_place(draft_of(path), path)
    finally:
        forget_draft(path)
    return Published(path, position, position, is_new=True)


def _continued(workspace: Workspace, path: Path, patience_seconds: float) -> Published:
    with Source(workspace.catalog.path) as source:
        with Source(path, is_ours=True, patience_seconds=patience_seconds) as before:
            publishing.demand_beginning(before, source)
        return _added(source, path, patience_seconds)


def _added(source: Source, path: Path, patience_seconds: float) -> Published:
    with Copy(path, patience_seconds) as copy:
        publishing.demand_wholeness(copy, source)
        copy.take(source.entries({name: copy.position(name) for name in source.ends}))
        copy.keep()
        return Published(path, copy.added.total(), source.ends[source.catalog_id].position, is_new=False)
