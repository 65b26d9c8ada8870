"""Looking at stored backups in tests, and at what the catalog then says of them."""

from __future__ import annotations

from pathlib import Path

from tests.engines.contract import Bench
from vya_backup.decisions.naming import ArtifactName
from vya_backup.history.event import Event
from vya_backup.history.events import Verified
from vya_backup.history.recorded import recorded
from vya_backup.history.views import BackupRow, backup
from vya_backup.jobs.verifying import verify
from vya_backup.transport.pipeline import silent


def looked(bench: Bench, row: BackupRow) -> Verified:
    """Verify a backup and return its last event."""
    assert verify(bench.workspace, row.backup_id, silent) is not None
    last = events(bench)[-1]
    assert isinstance(last, Verified)
    return last


def events(bench: Bench) -> list[Event]:
    """Return all events of backups."""
    return [found.event for found in recorded(bench.workspace.catalog, "backup_id IS NOT NULL")]


def now(bench: Bench, row: BackupRow) -> BackupRow:
    """Return the backup as the catalog has it now."""
    found = backup(bench.workspace.catalog, row.backup_id)
    assert found is not None
    return found


def paths(bench: Bench, row: BackupRow) -> tuple[Path, Path, Path]:
    """Return where dump, checksum file and metadata lie."""
    name = ArtifactName(row.path or "")
    dump, checksum, metadata = (bench.workspace.store.path(p) for p in (name.dump, name.checksum, name.metadata))
    return dump, checksum, metadata
