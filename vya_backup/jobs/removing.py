"""Remove the files of one pruned backup, each only while it is the one that was published.

The dump goes first: its final name was the commit, so that what an abort leaves is never taken for a backup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from vya_backup.decisions.naming import ArtifactName
from vya_backup.history.events import Leftover, Removed
from vya_backup.history.keeping import RetainedRow
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline, reading_back
from vya_backup.transport.storage import FileIdentity

LINK = "it is a link or another thing that this program never makes"


@dataclass
class Check:
    """A backup, and which file was last seen to be its dump."""

    row: RetainedRow
    seen: FileIdentity | None = None

    def __post_init__(self) -> None:
        row = self.row
        if row.inode is not None and row.modified_ns is not None and row.size_bytes is not None:
            self.seen = FileIdentity(row.size_bytes, row.inode, row.modified_ns)


@dataclass(frozen=True)
class Removal:
    """What was removed, and sentences about what was not."""

    freed_bytes: int
    problems: tuple[str, ...]


def fault_of(workspace: Workspace, check: Check, progress: pipeline.Progress = pipeline.silent) -> str:
    """Return how a dump differs from what was published, or an empty text; it is read only where that is in doubt.

    Raises:
        StorageFailed: it is not there, or cannot be read.
    """
    row, store = check.row, workspace.store
    found = store.identity(row.path or "")
    if found is not None and found == check.seen:
        return ""
    if found is not None and not found.is_regular:
        return LINK
    seen = reading_back.read_back(store, row.path or "", progress)
    if seen.size_bytes != row.size_bytes:
        return f"it has {seen.size_bytes:,} bytes instead of {row.size_bytes:,}"
    if seen.sha256 != row.sha256:
        return f"its SHA-256 is {seen.sha256} instead of {row.sha256}"
    check.seen = found
    return ""


def remove(workspace: Workspace, row: RetainedRow, check: Check) -> Removal:
    """Remove the files of a pruned backup and append `removed`; what differs from what was published is left.

    Raises:
        StorageFailed: the disk refused; without the event, the next run tries again.
    """
    if not row.path:  # nothing was ever published
        workspace.catalog.append(Removed.model_validate(row.columns))
        return Removal(0, ())
    artifact, store = ArtifactName(row.path), workspace.store
    left = tuple(Leftover(path=path, reason=why) for path, why in _foreign(workspace, row, artifact, check))
    spared = {one.path for one in left}
    paths, freed = [], 0
    for path in (artifact.dump, artifact.checksum, artifact.metadata):
        found = store.identity(path) if path not in spared else None
        if found is not None:
            store.unlink(path)
            paths.append(path)
            freed += found.size_bytes
    if not left:
        store.remove_empty_folders(artifact.dump)
    workspace.catalog.append(Removed(paths=tuple(paths), left=left, freed_bytes=freed, **row.columns))
    return Removal(freed, tuple(f"{one.path} is left: {one.reason}" for one in left))


def _foreign(workspace: Workspace, row: RetainedRow, artifact: ArtifactName, check: Check) -> Iterator[tuple[str, str]]:
    """Yield the files that are not those of this backup, each with the reason."""
    store = workspace.store
    own_metadata = _digest(workspace, artifact.metadata) in {None, row.metadata_sha256}
    if not own_metadata:
        yield artifact.metadata, "it is not the one that was published"
    if store.identity(artifact.dump) is not None:
        if not own_metadata:
            yield artifact.dump, "the .metadata.json beside it may be another backup's"
        elif fault := fault_of(workspace, check):
            yield artifact.dump, fault
    line = hashlib.sha256(artifact.checksum_line(row.sha256 or "").encode()).hexdigest()
    if _digest(workspace, artifact.checksum) not in {None, line}:
        yield artifact.checksum, "it is not the one that was published"


def _digest(workspace: Workspace, path: str) -> str | None:
    """Return the digest of a small file, empty for what is no file; None when there is none."""
    found = workspace.store.identity(path)
    if found is None or not found.is_regular:
        return None if found is None else ""
    return hashlib.sha256(workspace.store.read_bytes(path)).hexdigest()
