"""Verify a backup: read its file from the disk, decode it to its last byte, and compare it and its sidecars.

What the catalog says is the measure. Whatever comes of it is one `verified` event, together with what it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vya_backup import log
from vya_backup.clock import monotonic
from vya_backup.decisions.naming import ArtifactName, Key
from vya_backup.decisions.verdict import (
    Check,
    Finding,
    Judgement,
    checksum_file_faults,
    dump_faults,
    metadata_faults,
)
from vya_backup.engines import engine_of
from vya_backup.errors import BackupError, Interrupted, UsageError
from vya_backup.history.event import Event
from vya_backup.history.events import Missing, Verified
from vya_backup.history.verifiable import is_verifiable
from vya_backup.history.views import BackupRow, backup
from vya_backup.jobs.checking import checksummed, columns, damaged, is_present, seen_dump
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline, reading_back
from vya_backup.transport.compression import Kind, of_path

if TYPE_CHECKING:
    from vya_backup.engines.dumping import DumpObserver


@dataclass(frozen=True)
class Verification:
    """What came of looking at one backup."""

    row: BackupRow
    """As the catalog had it before."""
    judgement: Judgement
    seconds: float
    was_read: bool
    """Whether the dump was there and could be read to its end."""


def verify(workspace: Workspace, backup_id: str, progress: pipeline.Progress) -> Verification | None:
    """Look at a backup under the lock of its database, and append the verdict; None where it was pruned meanwhile.

    Raises:
        AlreadyRunning: another process works on the database; nothing was looked at.
        Interrupted: this run was stopped; nothing is appended.
    """
    row = backup(workspace.catalog, backup_id)
    if row is None:
        return None
    key = Key(row.instance, row.database)
    with log.about(backup_id=backup_id), workspace.locked(key, f"verification of {key}"):
        row = backup(workspace.catalog, backup_id)
        if row is None or not is_verifiable(row):
            return None
        look = _Look(workspace, row)
        began = monotonic()
        look.at_dump(progress)
        if look.seen:  # beside a dump that is out of reach its sidecars are, too
            look.at_sidecars()
        seconds = monotonic() - began
        workspace.catalog.append(*_events(row, look, seconds))
    return Verification(row, look.judgement, seconds, was_read=look.seen is not None)


@dataclass
class _Look:
    """One look at one backup; faults and doubts are gathered as they are found."""

    workspace: Workspace
    row: BackupRow
    faults: list[Finding] = field(default_factory=list)
    doubts: list[Finding] = field(default_factory=list)
    seen: reading_back.ReadBack | None = None

    @property
    def judgement(self) -> Judgement:
        """Return what was found so far."""
        return Judgement(tuple(self.faults), tuple(self.doubts))

    def at_dump(self, progress: pipeline.Progress) -> None:
        """Read the dump; what cannot be read is a doubt."""
        try:
            if not is_present(self.workspace, self.row):
                self.faults.append(Finding(Check.PRESENCE, f"its file is missing: {self.row.path}"))
                return
            self.seen = self._read(progress)
        except Interrupted:
            raise
        except BackupError as error:
            self.doubts.append(Finding(Check.READING, _told(error)))
        else:
            self.faults += dump_faults(self.row, seen_dump(self.seen))

    def at_sidecars(self) -> None:
        """Compare both sidecars with what the catalog says."""
        artifact = ArtifactName(self.row.path or "")
        self._compare(Check.CHECKSUM_FILE, artifact.checksum, checksum_file_faults)
        self._compare(Check.METADATA, artifact.metadata, metadata_faults)

    def _read(self, progress: pipeline.Progress) -> reading_back.ReadBack:
        store, path = self.workspace.store, self.row.path or ""
        kind, observer = self._decoder(path), self._observer()
        if kind is None:
            return reading_back.read_back(store, path, progress)
        return reading_back.unpack(store, path, kind, observer, progress)

    def _decoder(self, path: str) -> Kind | None:
        try:
            return of_path(path)
        except UsageError as error:
            self.doubts.append(Finding(Check.DECODING, error.message))
            return None

    def _observer(self) -> DumpObserver | None:
        try:
            return engine_of(self.row.engine or "", self.row.database).observer()
        except KeyError:
            self.doubts.append(Finding(Check.END, f"this version knows no engine {self.row.engine!r}"))
            return None

    def _compare(self, check: Check, path: str, faults: Callable[[BackupRow, bytes | None], Iterator[Finding]]) -> None:
        store = self.workspace.store
        try:
            content = None if store.size(path) is None else store.read_bytes(path)
        except BackupError as error:
            self.doubts.append(Finding(check, _told(error)))
        else:
            self.faults += faults(self.row, content)


def _told(error: BackupError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _events(row: BackupRow, look: _Look, seconds: float) -> Iterator[Event]:
    judgement, seen = look.judgement, look.seen
    if judgement.is_missing:
        yield Missing(path=row.path or "", **columns(row))
    elif judgement.is_damaged:
        yield damaged(row, judgement.of_dump)
    elif judgement.is_intact and seen and row.state != "good":
        yield checksummed(
            look.workspace, row, seen, seconds
        )  # it was never read back, or it was gone and is here again
    yield Verified(
        path=row.path or "",
        verdict=judgement.verdict,
        reason=judgement.reason,
        checks=judgement.checks,
        size_bytes=seen.size_bytes if seen else None,
        sha256=seen.sha256 if seen else "",
        duration_seconds=seconds,
        from_disk=bool(seen and seen.from_disk),
        **columns(row),
    )
