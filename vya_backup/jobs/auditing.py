"""Verify history against every head of its chain that has left the catalog: in sidecars, in copies, and a given one.

The copies are read to their last byte for that, so that damage to them is found while the catalog is still there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vya_backup.decisions.copies import Segment, folder_of, gaps, snapshot_name
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.metadata import decode
from vya_backup.decisions.naming import ArtifactName
from vya_backup.errors import BackupError
from vya_backup.history import segments
from vya_backup.history.audit import AuditReport, ChainEnd, StoredHead, audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.recovering import is_lost, losses
from vya_backup.history.views import backups
from vya_backup.jobs.copies import CopyFolder, compare_snapshot, folders, segment_lines
from vya_backup.jobs.tree import head_of
from vya_backup.jobs.workspace import Workspace


@dataclass(frozen=True)
class Verdict:
    """What an audit found, and the heads; `unread` has what is no fault: unreadable sidecars, known losses."""

    report: AuditReport
    heads: int
    unread: tuple[str, ...]
    faults: tuple[str, ...]
    stored: tuple[StoredHead, ...] = ()

    @property
    def ok(self) -> bool:
        """Say whether history is what was recorded."""
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        head = asdict(self.report.head)
        counts = {"events": self.report.events, "stored_heads": self.heads}
        ends = {"chains": [asdict(end) for end in self.report.chains]}
        return {"ok": self.ok, "head": head, **counts, **ends, "faults": list(self.faults), "unread": list(self.unread)}

    def lines(self) -> list[str]:
        """Return what a person reads."""
        head = self.report.head
        told = [f"FAULT  {fault}" for fault in self.faults] + [f"note   {note}" for note in self.unread]
        word = "intact" if self.ok else "NOT INTACT"
        where = f"{counted(self.report.events, 'event')}, {counted(self.heads, 'stored head')} compared"
        merged = [f"{end.host}, {end.catalog_id}: head {end.position}: {end.hash}" for end in self._merged]
        return [*told, f"history is {word}: {where}", *(merged or [f"head {head.position}: {head.hash}"])]

    @property
    def _merged(self) -> list[ChainEnd]:
        """Return the chains of a merged catalog, which has none of its own."""
        return sorted((end for end in self.report.chains if end.host), key=lambda end: (end.host, end.catalog_id))


class _Witnesses:
    """The heads that were found outside the catalog, and what is wrong with their holders."""

    def __init__(self, workspace: Workspace) -> None:
        self.heads: list[StoredHead] = []
        self.unread: list[str] = []
        self.faults: list[str] = []
        self._store = workspace.store
        self._lost = losses(workspace.catalog)
        self._excused: dict[str, int] = {}

    def add(self, head: StoredHead) -> None:
        """Take a head, unless a rebuild has recorded that the events up to it were lost."""
        if is_lost(head.catalog_id, head.position, self._lost):
            self._excused[head.catalog_id] = max(head.position, self._excused.get(head.catalog_id, 0))
        else:
            self.heads.append(head)

    def note_sidecar(self, path: str) -> None:
        """Take the head in a sidecar."""
        try:
            head = head_of(decode(self._store.read_bytes(path)), path)
        except (BackupError, ValueError) as error:
            self.unread.append(f"{path}: {error}")
            return
        if head:
            self.add(head)
        else:
            self.unread.append(f"{path}: it has no head of a chain")

    def note_segment(self, path: str) -> None:
        """Read a segment and take the head that its last event is."""
        newest: deque[bytes] = deque(maxlen=1)
        try:
            newest.extend(segment_lines(self._store, path))
        except BackupError as error:
            self.faults.append(f"{error.message}. {error.hint}")
        for text in newest:
            last = segments.entry(text)
            self.add(StoredHead(last.catalog_id, last.position, last.hash, path))

    def note_gaps(self, folder: CopyFolder) -> None:
        """Compare the names of a chain's segments: each event is in one, unless a rebuild has recorded its loss."""
        named = [segment for series in folder.series() for segment in folder.segments(series)]
        for gap in gaps(named):
            if not is_lost(folder.catalog_id, gap.first, self._lost):
                self.faults.append(_missing(folder, gap))

    def note_snapshot(self, path: str) -> None:
        """Compare a snapshot with its checksum; what it holds is in the segments too."""
        try:
            compare_snapshot(self._store, path)
        except BackupError as error:
            self.faults.append(f"{error.message}. {error.hint}")

    def notes(self) -> tuple[str, ...]:
        """Return what is no fault, and worth knowing."""
        excused = (
            f"the end of catalog {catalog_id}, up to position {last:,}, was lost before it was made again, "
            "as its event catalog_rebuilt says"
            for catalog_id, last in sorted(self._excused.items())
        )
        return (*self.unread, *excused)


def audit_with_sidecars(workspace: Workspace, expected_hash: str = "") -> Verdict:
    """Verify the whole chain against the heads in all sidecars and copies, and against a hash that was kept elsewhere.

    Raises:
        CatalogError: the catalog cannot be read to its end.
    """
    seen = _Witnesses(workspace)
    for path in _sidecars(workspace):
        seen.note_sidecar(path)
    host = workspace.configuration.application.host()
    copies = folders(workspace.store, folder_of(host))
    for folder in copies:
        seen.note_gaps(folder)
    for path in _files(copies):
        (seen.note_segment if path.endswith(".jsonl") else seen.note_snapshot)(path)
    report = audit(workspace.catalog, seen.heads)
    faults = (*report.faults, *seen.faults, *_lacking(workspace.catalog, report, expected_hash))
    return Verdict(report, len(seen.heads), seen.notes(), faults, tuple(seen.heads))


def audit_copy(path: Path, expected_hash: str = "") -> Verdict:
    """Verify every chain in a published copy or a merged catalog, and a hash that was kept elsewhere.

    Raises:
        CatalogError: it cannot be read to its end, or is of another version.
    """
    with closing(Catalog.open_copy(path)) as catalog:
        report = audit(catalog)
        return Verdict(report, 0, (), (*report.faults, *_lacking(catalog, report, expected_hash)))


def _missing(folder: CopyFolder, gap: Segment) -> str:
    remedy = f"Bring it back, or move {folder.path} away: the next run copies everything anew"
    return f"{folder.path} has no segment with positions {gap.first:,} to {gap.last:,}. {remedy}"


def _files(copies: list[CopyFolder]) -> Iterator[str]:
    """Yield every segment and snapshot."""
    for folder in copies:
        for series in folder.series():
            yield from (folder.file(series, segment.name) for segment in folder.segments(series))
            yield from (folder.file(series, snapshot_name(place)) for place in folder.snapshots(series))


def _sidecars(workspace: Workspace) -> Iterator[str]:
    for row in backups(workspace.catalog, states=("good", "running", "damaged")):
        name = ArtifactName(row.path or "").metadata
        if row.dumped and workspace.store.size(name) is not None:
            yield name


def _lacking(catalog: Catalog, report: AuditReport, expected_hash: str) -> Iterator[str]:
    """Yield a fault where a hash was expected that no event has."""
    if expected_hash and not catalog.rows("SELECT 1 FROM events WHERE hash = ? LIMIT 1", (expected_hash,)):
        end = f"its chain ends at position {report.head.position:,}"
        yield f"no event of this catalog has the hash {expected_hash}: {end}"
