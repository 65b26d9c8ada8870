"""Who may do what on one database, as its backups say it: no server is contacted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vya_backup.decisions.accounts import Account
from vya_backup.decisions.metadata import decode
from vya_backup.decisions.naming import USERS, ArtifactName, Key
from vya_backup.engines import accounts_engine, has_accounts
from vya_backup.engines.accounts import DatabasePrivilege, TellsDatabasePrivileges
from vya_backup.errors import ArtifactDamaged, RestoreRefused, UsageError
from vya_backup.history.views import BackupRow, restorable
from vya_backup.jobs.accounts import of_backup
from vya_backup.transport.compression import of_path
from vya_backup.transport.decoding import decoded
from vya_backup.transport.stages import Digest

if TYPE_CHECKING:
    from vya_backup.jobs.workspace import Workspace


@dataclass(frozen=True)
class Rights:
    """What was found, and the backups that it was read from."""

    key: Key
    rows: tuple[DatabasePrivilege, ...]
    read_from: tuple[BackupRow, ...]
    lacking: str = ""
    """What there is no backup of, so that something may be missing; or empty."""


def rights_on(workspace: Workspace, key: Key) -> Rights:
    """Return who may do what on a database.

    Raises:
        UsageError: its instance is not configured, or is of a kind without accounts.
        RestoreRefused: there is no good backup that would tell.
        ArtifactDamaged, StorageFailed: a backup cannot be read.
    """
    instance = workspace.instance(key.instance)
    if not has_accounts(instance.type):
        raise UsageError(f"{key.instance} is {instance.type}, which has no accounts")
    engine = accounts_engine(instance.type)
    users = _newest(workspace, Key(key.instance, USERS))
    accounts = of_backup(workspace, users) if users else ()
    if isinstance(engine, TellsDatabasePrivileges):
        return _from_both(workspace, key, engine, users, accounts)
    if users is None:
        raise RestoreRefused(f"there is no good backup of {Key(key.instance, USERS)}", "Make one with: doit backup")
    from vya_backup.engines.mysql.rights import rights  # an engine's folder is imported when it is first needed

    return Rights(key, rights(accounts, key.database), (users,))


def _from_both(
    workspace: Workspace,
    key: Key,
    engine: TellsDatabasePrivileges,
    users: BackupRow | None,
    accounts: tuple[Account, ...],
) -> Rights:
    row = _newest(workspace, key)
    if row is None or row.path is None:
        raise RestoreRefused(f"there is no good backup of {key}, which holds its grants", "Make one with: doit backup")
    sidecar = decode(workspace.store.read_bytes(ArtifactName(row.path).metadata))
    stored = Digest()
    plain = decoded(workspace.store.path(row.path), of_path(row.path), stored)
    rows = engine.privileges_in_dump(plain, key.database, sidecar.properties, accounts)
    deque(plain, maxlen=0)  # what it left unread belongs to the digest, too
    if stored.hexdigest() != row.sha256:
        raise ArtifactDamaged(f"{row.path} is damaged: its SHA-256 is {stored.hexdigest()} instead of {row.sha256}")
    lacking = "" if users else f"{Key(key.instance, USERS)}, so that superusers and memberships are not shown"
    return Rights(key, rows, (row, users) if users else (row,), lacking)


def _newest(workspace: Workspace, key: Key) -> BackupRow | None:
    return next(iter(restorable(workspace.catalog, key.instance, key.database, limit=1)), None)
