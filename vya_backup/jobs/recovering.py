"""Fill a new catalog file from copies: in each chain the newest sound snapshot, then the segments behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vya_backup.decisions.copies import snapshot_name
from vya_backup.errors import ArtifactDamaged, CatalogError
from vya_backup.history import copying, place, segments
from vya_backup.history.recovering import Recovery, is_lost
from vya_backup.jobs.copies import CopyFolder, segment_lines, unpack_snapshot
from vya_backup.jobs.tree import Tree
from vya_backup.transport.disk import explained
from vya_backup.transport.storage import Store


@dataclass
class Recovered:
    """What came out of the copies. `kept` and `lost` are positions by catalog, as in the event `catalog_rebuilt`."""

    events: int = 0
    catalog_id: str = ""
    """The chain that goes on; empty when a new one has to begin."""
    kept: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def source(self) -> Literal["copies", "sidecars"]:
        """Say what the history was made from."""
        return "copies" if self.events else "sidecars"


def recover(copies: Iterable[CopyFolder], tree: Tree, file: Path) -> Recovered:
    """Make the catalog `file` from the copies of one host, the newest chain last.

    The newest chain goes on where it ends, unless a segment's name or a sidecar remembers a later position: then its
    end is lost, and going on would fork it; a new chain begins behind it.

    Raises:
        CatalogError: the file could not be written.
        StorageFailed: a copy could not be read, which is not the same as damaged.
    """
    found = Recovered()
    newest = ""
    with Recovery(file) as recovery:
        for folder in copies:
            _pour(recovery, folder, file.with_name(f"{file.name}.snapshot"), found)
            newest = folder.catalog_id if recovery.position(folder.catalog_id) else newest
        found.kept = {catalog_id: end.position for catalog_id, end in recovery.ends.items() if end.position}
        _note_losses(recovery, tree, found)
        found.catalog_id = "" if newest in found.lost else newest
        found.events = recovery.events
        recovery.finish(found.catalog_id or None)
    return found


def _pour(recovery: Recovery, folder: CopyFolder, scratch: Path, found: Recovered) -> None:
    for path in _snapshots(folder):
        try:
            _unpack(folder.store, path, scratch)
            fault = recovery.take(copying.entries(scratch))
        except (ArtifactDamaged, CatalogError) as error:
            fault = error.message
        if not fault:
            break
        found.notes.append(f"{path} is passed over: {fault}")
    last = 0
    for path, last in _segments(folder):
        if last <= recovery.position(folder.catalog_id):
            continue
        try:
            fault = recovery.take(map(segments.entry, segment_lines(folder.store, path)))
        except ArtifactDamaged as error:
            fault = error.message
        if fault:
            found.notes.append(f"{path} ends early: {fault}")
    if last > recovery.position(folder.catalog_id):
        found.lost[folder.catalog_id] = last


def _snapshots(folder: CopyFolder) -> Iterator[str]:
    for series in reversed(folder.series()):
        for position in reversed(folder.snapshots(series)):
            yield folder.file(series, snapshot_name(position))


def _segments(folder: CopyFolder) -> Iterator[tuple[str, int]]:
    for series in folder.series():
        for segment in folder.segments(series):
            yield folder.file(series, segment.name), segment.last


def _unpack(store: Store, path: str, scratch: Path) -> None:
    place.prepare(scratch)
    with explained("write", scratch), scratch.open("wb") as file:
        unpack_snapshot(store, path, file.write)


def _note_losses(recovery: Recovery, tree: Tree, found: Recovered) -> None:
    """Add what sidecars remember of chains that end earlier here, unless an earlier rebuild has said so already."""
    known = recovery.losses()
    for head in [witness.head for witness in tree.witnesses if witness.head]:
        is_new = not is_lost(head.catalog_id, head.position, known)
        if is_new and head.position > recovery.position(head.catalog_id):
            found.lost[head.catalog_id] = max(head.position, found.lost.get(head.catalog_id, 0))
    for catalog_id, last in sorted(found.lost.items()):
        kept = recovery.position(catalog_id)
        found.notes.append(f"catalog {catalog_id}: positions {kept + 1:,} to {last:,} are lost: no sound copy has them")
