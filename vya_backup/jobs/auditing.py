"""Verify history against every head of its chain that has left the catalog: those in the sidecars, and a given one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from vya_backup.decisions.manifest import counted
from vya_backup.decisions.metadata import decode
from vya_backup.decisions.naming import ArtifactName
from vya_backup.errors import BackupError
from vya_backup.history.audit import AuditReport, StoredHead, audit
from vya_backup.history.views import backups
from vya_backup.jobs.workspace import Workspace


@dataclass(frozen=True)
class Verdict:
    """What an audit found; `unread` names sidecars that could not be read, which is no fault of the chain."""

    report: AuditReport
    heads: int
    unread: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Say whether history is what was recorded."""
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        head = asdict(self.report.head)
        counts = {"events": self.report.events, "stored_heads": self.heads}
        return {"ok": self.ok, "head": head, **counts, "faults": list(self.faults), "unread": list(self.unread)}

    def lines(self) -> list[str]:
        """Return what a person reads."""
        head = self.report.head
        told = [f"FAULT  {fault}" for fault in self.faults] + [f"note   {note}" for note in self.unread]
        word = "intact" if self.ok else "NOT INTACT"
        where = f"{counted(self.report.events, 'event')}, {counted(self.heads, 'stored head')} compared"
        return [*told, f"history is {word}: {where}", f"head {head.position}: {head.hash}"]


def audit_with_sidecars(workspace: Workspace, expected_hash: str = "") -> Verdict:
    """Verify the whole chain against the heads in all sidecars, and against a hash that was kept elsewhere."""
    heads: list[StoredHead] = []
    unread: list[str] = []
    for path in _sidecars(workspace):
        try:
            chain = decode(workspace.store.read_bytes(path)).chain
            heads.append(StoredHead(chain["catalog_id"], chain["position"], chain["hash"], path))
        except (BackupError, ValueError, KeyError) as error:
            unread.append(f"{path}: {error}")
    report = audit(workspace.catalog, heads)
    faults = report.faults
    if expected_hash and not _holds(workspace, expected_hash):
        faults = (*faults, f"no event of this catalog has the hash {expected_hash}")
    return Verdict(report, len(heads), tuple(unread), faults)


def _sidecars(workspace: Workspace) -> Iterator[str]:
    for row in backups(workspace.catalog, states=("good", "running", "damaged")):
        name = ArtifactName(row.path or "").metadata
        if row.dumped and workspace.store.size(name) is not None:
            yield name


def _holds(workspace: Workspace, expected_hash: str) -> bool:
    return bool(workspace.catalog.rows("SELECT 1 FROM events WHERE hash = ? LIMIT 1", (expected_hash,)))
