"""What backups and restores of accounts said, read back out of the catalog."""

from __future__ import annotations

from vya_backup.history.events import AccountsChanged
from vya_backup.history.reading import Reads
from vya_backup.history.recorded import recorded
from vya_backup.history.restore_events import Restored, RestoreFailed

TOUCHED = frozenset({"created", "made equal", "completed", "waits", "failed", "same"})
"""Verdicts after which an account is known to wait for what they say, and for nothing else."""


def changed_in(catalog: Reads, backup_id: str) -> AccountsChanged | None:
    """Return what a backup of accounts said of the one before it, or None where nothing had changed."""
    return next(iter(_events(catalog, "backup_id = ?", backup_id)), None)


def newest_drift(catalog: Reads) -> list[AccountsChanged]:
    """Return what the newest good backup of each instance's accounts said, where it said anything."""
    newest = (
        "backup_id IN (SELECT b.backup_id FROM projected_databases AS d "
        "JOIN projected_backups AS b ON b.sequence = d.good_sequence)"
    )
    return _events(catalog, newest)


def waiting_at(catalog: Reads, instance: str) -> dict[str, tuple[str, ...]]:
    """Return the accounts of an instance whose last restore had to leave grants, with the databases these need."""
    condition = "type IN ('restored', 'restore_failed') AND json_extract(data, '$.target_instance') = ?"
    waits: dict[str, tuple[str, ...]] = {}
    for found in recorded(catalog, condition, [instance]):
        if isinstance(found.event, Restored | RestoreFailed):
            waits |= {one.name: one.waits_for for one in found.event.accounts if one.verdict in TOUCHED}
    return {name: databases for name, databases in waits.items() if databases}


def _events(catalog: Reads, condition: str, *values: str) -> list[AccountsChanged]:
    found = recorded(catalog, f"type = 'accounts_changed' AND {condition}", values)
    return [one.event for one in found if isinstance(one.event, AccountsChanged)]
