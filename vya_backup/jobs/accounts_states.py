"""Two states of the accounts of an instance, each named by a time, a backup, or as what is live now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vya_backup.decisions.accounts import Account
from vya_backup.decisions.naming import USERS, Key
from vya_backup.engines import has_accounts
from vya_backup.errors import RestoreRefused, UsageError
from vya_backup.history.views import BackupRow, backups
from vya_backup.jobs.accounts import of_server
from vya_backup.jobs.accounts_plan import accounts_in
from vya_backup.jobs.restore_source import Source, Wish, choose, instant

if TYPE_CHECKING:
    from datetime import datetime

    from vya_backup.jobs.workspace import Workspace

LIVE = "live"


@dataclass(frozen=True)
class State:
    """The accounts of an instance at one moment; without a `backup_id` those of a file, or of the server now."""

    instance: str
    accounts: tuple[Account, ...]
    at: datetime | None
    backup_id: str = ""
    path: str = ""

    def __str__(self) -> str:
        if self.backup_id:
            return f"backup {self.backup_id}"
        return self.path or f"{self.instance} now"


def stored_state(workspace: Workspace, wish: Wish) -> State:
    """Return the accounts of the backup or file that a wish means.

    Raises:
        UsageError: it means a backup of a database.
        RestoreRefused, ArtifactDamaged, StorageFailed: there is none, or it cannot be read.
    """
    source = choose(workspace, wish)
    if not source.of_accounts:
        raise UsageError(f"{source.path} is a dump of {source.key or 'a database'}, not of accounts")
    return _of_source(source)


def state_at(workspace: Workspace, instance: str, said: str, option: str) -> State:
    """Return the accounts of an instance as a word says: `live`, the beginning of a backup's id, or a time.

    Raises:
        UsageError: it is none of these.
        BackupError: there is no good backup of that time, or it or the server cannot be read.
    """
    key = Key(instance, USERS)
    if said == LIVE:
        return State(instance, of_server(workspace, workspace.instance(instance)).accounts, workspace.clock())
    if _by_id(workspace, key, said):
        return stored_state(workspace, Wish(key=key, backup=said))
    return stored_state(workspace, Wish(key=key, at=instant(workspace, said, option), latest=True))


def instances_with_accounts(workspace: Workspace) -> list[str]:
    """Return the configured instances whose accounts are backed up."""
    return [one.id for one in workspace.enabled_instances() if one.users and has_accounts(one.type)]


def the_instance(workspace: Workspace, names: list[str]) -> str:
    """Return the instance that was named, or the only one that there is.

    Raises:
        UsageError: none was named, and there are several or none.
    """
    known = instances_with_accounts(workspace)
    if names:
        return workspace.instance(names[0]).id
    if len(known) != 1:
        raise UsageError("it is not said which instance is meant", f"There are: {', '.join(known) or 'none'}.")
    return known[0]


def listed_states(workspace: Workspace, names: list[str], backup: str, file: str) -> list[State]:
    """Return what `users list` is about: a backup, a file, or the newest good backup of each instance, or of one.

    Raises:
        BackupError: as `stored_state` says; RestoreRefused where there is no good backup at all.
    """
    if file:
        return [stored_state(workspace, Wish(file=Path(file)))]
    if backup:
        return [stored_state(workspace, Wish(backup=backup))]
    wanted = [workspace.instance(name).id for name in names] or instances_with_accounts(workspace)
    newest = [next(iter(_good(workspace, Key(instance, USERS))), None) for instance in wanted]
    found = [stored_state(workspace, Wish(key=Key(row.instance, USERS), latest=True)) for row in newest if row]
    if not found:
        which = ", ".join(str(Key(instance, USERS)) for instance in wanted) or "any accounts"
        raise RestoreRefused(f"there is no good backup of {which}", "Make one with: doit backup")
    return found


def _good(workspace: Workspace, key: Key) -> list[BackupRow]:
    return backups(workspace.catalog, key.instance, key.database, states=["good"], limit=1)


def _by_id(workspace: Workspace, key: Key, said: str) -> bool:
    rows = backups(workspace.catalog, key.instance, key.database)
    return any(row.backup_id.startswith(said) for row in rows)


def _of_source(source: Source) -> State:
    known = source.backup or source.sidecar
    instance = source.key.instance if source.key else ""
    return State(instance, accounts_in(source), source.started_at, known.backup_id if known else "", source.path)
