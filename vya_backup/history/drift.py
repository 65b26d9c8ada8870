"""What backups and restores of accounts said, read back out of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vya_backup.history.events import AccountsChanged
from vya_backup.history.restore_events import Restored, RestoreFailed

if TYPE_CHECKING:
    from vya_backup.history.catalog import Catalog


TOUCHED = frozenset({"created", "made equal", "completed", "waits", "failed", "same"})
"""Verdicts after which an account is known to wait for what they say, and for nothing else."""


def changed_in(catalog: Catalog, backup_id: str) -> AccountsChanged | None:
    """Return what a backup of accounts said of the one before it, or None where nothing had changed."""
    return next(iter(_events(catalog, "backup_id = ?", backup_id)), None)


def newest_drift(catalog: Catalog) -> list[AccountsChanged]:
    """Return what the newest good backup of each instance's accounts said, where it said anything."""
    newest = (
        "backup_id IN (SELECT b.backup_id FROM projected_databases AS d "
        "JOIN projected_backups AS b ON b.sequence = d.good_sequence)"
    )
    return _events(catalog, newest)


def waiting_at(catalog: Catalog, instance: str) -> dict[str, tuple[str, ...]]:
    """Return the accounts of an instance whose last restore had to leave grants, with the databases these need."""
    condition = "type IN ('restored', 'restore_failed') AND json_extract(data, '$.target_instance') = ?"
    waits: dict[str, tuple[str, ...]] = {}
    for recorded in catalog.recorded(condition, [instance]):
        if isinstance(recorded.event, Restored | RestoreFailed):
            waits |= {one.name: one.waits_for for one in recorded.event.accounts if one.verdict in TOUCHED}
    return {name: databases for name, databases in waits.items() if databases}


def _events(catalog: Catalog, condition: str, *values: str) -> list[AccountsChanged]:
    found = catalog.recorded(f"type = 'accounts_changed' AND {condition}", values)
    return [one.event for one in found if isinstance(one.event, AccountsChanged)]
