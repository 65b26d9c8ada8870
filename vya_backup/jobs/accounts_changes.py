"""What changed in the accounts of a server between a backup and the good one before it: drift that auditors can see."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from vya_backup.decisions.accounts import differences
from vya_backup.errors import BackupError
from vya_backup.history.events import AccountsChanged
from vya_backup.history.views import BackupRow, restorable
from vya_backup.jobs.accounts import of_backup

if TYPE_CHECKING:
    from vya_backup.jobs.workspace import Workspace

TOLD = 50  # so many differences stand in the event; the counts have all, and `doit users diff` tells them


def changes_since(workspace: Workspace, row: BackupRow) -> list[AccountsChanged]:
    """Return one event where the accounts of a backup differ from those of the good one before it, else none.

    Where one of the two cannot be read, the event says so: "could not compare" is not "nothing changed".
    """
    older = restorable(workspace.catalog, row.instance, row.database)
    before = next((one for one in older if one.sequence < row.sequence), None)
    if before is None or before.plain_sha256 == row.plain_sha256:
        return []
    columns: dict[str, Any] = {"instance": row.instance, "database": row.database, "backup_id": row.backup_id}
    try:
        found = differences(of_backup(workspace, before), of_backup(workspace, row))
    except BackupError as error:
        return [AccountsChanged(before=before.backup_id, problem=error.message, **columns)]
    if not found:
        return []
    kinds = Counter({one.name: one.what for one in found}.values())
    counts: dict[str, Any] = {what: kinds[what] for what in ("added", "removed", "changed")}
    words = tuple(str(one) for one in found[:TOLD])
    return [AccountsChanged(before=before.backup_id, words=words, **counts, **columns)]
