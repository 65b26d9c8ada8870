"""Says which backup has the accounts that a restore's target lacks.

The rule: an engine only names the roles; where they can be had is what the catalog and the sidecars know.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace

from vya_backup.decisions.naming import USERS, Key, show
from vya_backup.engines.answers import Finding
from vya_backup.errors import ArtifactDamaged
from vya_backup.history.views import RestorableRow, restorable
from vya_backup.jobs.restore_source import Source, sidecar_beside
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Instance

LOOKED_AT = 50  # of the newest backups; accounts do not change every day
NAMED = 5


def told_where(
    workspace: Workspace, source: Source, target: Instance, findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Return the findings; those that lack roles with the backup of the source's accounts that has the most of them."""
    return tuple(_told(workspace, source, target, one) if one.lacks_roles else one for one in findings)


def _told(workspace: Workspace, source: Source, target: Instance, finding: Finding) -> Finding:
    if source.key is None:
        return finding
    accounts, lacking = Key(source.key.instance, USERS), set(map(show, finding.lacks_roles))
    rows = restorable(workspace.catalog, accounts.instance, accounts.database)[:LOOKED_AT]
    held = [(row, lacking & _names(workspace, row)) for row in rows]
    best = max(held, key=lambda one: len(one[1]), default=None)  # of equals the newest, which stands first
    if best is None or not best[1]:
        return finding
    row, has = best
    only = " ".join(f"--user {shlex.quote(name)}" for name in sorted(has)) if len(has) <= NAMED else ""
    command = f"doit restore:{accounts.task} --backup {row.backup_id} --target-instance {target.id} {only}".rstrip()
    which = "them" if has == lacking else ", ".join(sorted(has)[:NAMED])
    hint = f"Backup {row.backup_id} of {accounts} has {which}; first: {command}"
    return replace(finding, hint=hint if has == lacking else f"{hint}. {finding.hint}")


def _names(workspace: Workspace, row: RestorableRow) -> set[str]:
    """Return the accounts that a backup holds, as its sidecar shows them; none where that is not readable."""
    try:
        sidecar = sidecar_beside(workspace.store, row.path or "")
    except ArtifactDamaged:
        return set()
    objects = sidecar.manifest.objects if sidecar else {}
    return {name for kind in ("user", "role") for name in objects.get(kind, ())}
