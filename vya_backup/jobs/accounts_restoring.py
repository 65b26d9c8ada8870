"""Carry out a prepared restore of accounts: statement by statement, then read back and compared.

The rule: what cannot be done to one account stops nobody else, and each account gets a verdict of its own.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vya_backup.clock import monotonic
from vya_backup.decisions.accounts import Account, AccountName, Fate, Kind, Planned, Statement, beyond, changes
from vya_backup.decisions.hooks import Occasion
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.naming import USERS, show
from vya_backup.engines.accounts import NOTHING_THERE
from vya_backup.errors import BackupError, Interrupted, RestoreFailed, RestoreRefused
from vya_backup.history.identifiers import new_id
from vya_backup.history.restore_events import Restored, RestoredAccount, RestoreStarted
from vya_backup.history.restore_events import RestoreFailed as RestoreFailedEvent
from vya_backup.history.views import backup
from vya_backup.jobs import hooks
from vya_backup.jobs.accounts import of_server
from vya_backup.jobs.accounts_plan import PreparedAccounts
from vya_backup.jobs.facts import process_of
from vya_backup.transport.connections import connect, server_code
from vya_backup.transport.locks import hold
from vya_backup.transport.stopping import stop

if TYPE_CHECKING:
    from vya_backup.jobs.workspace import Workspace

MAKING = frozenset({Kind.ROLE, Kind.USER})
"""Where one of these fails, the account's other statements would only fail too."""
DONE = {Fate.CREATE: "created", Fate.REPLACE: "made equal", Fate.COMPLETE: "completed"}
NOT_DONE = frozenset({"conflict", "failed"})


@dataclass(frozen=True)
class RestoredAccounts:
    """What became of each account, in the order of the backup."""

    target: str
    seconds: float
    verdicts: tuple[RestoredAccount, ...]

    @property
    def ok(self) -> bool:
        """Say whether nobody has to look: no conflict, no failure, and not only grants that wait once more."""
        words = Counter(one.verdict for one in self.verdicts)
        only_waits = words["waits"] and not any(words[done] for done in DONE.values())
        was_there = all("completed" in one.words for one in self.verdicts if one.verdict == "waits")
        return not any(words[bad] for bad in NOT_DONE) and not (only_waits and was_there)

    def named(self, verdict: str) -> list[str]:
        """Return the accounts of one verdict."""
        return [one.name for one in self.verdicts if one.verdict == verdict]


@dataclass
class _Course:
    """What the statements came to so far."""

    failures: dict[AccountName, list[str]] = field(default_factory=dict)
    waits: dict[AccountName, list[str]] = field(default_factory=dict)
    """The databases that grants need which are not there, by account."""
    unmade: set[AccountName] = field(default_factory=set)


def restore_accounts(workspace: Workspace, prepared: PreparedAccounts) -> RestoredAccounts:
    """Make the planned accounts under the lock of the target, read them back, and append what became of each.

    Raises:
        BackupError: it could not go on at all, such as a server that went away; in the catalog as `restore_failed`.
    """
    key = prepared.key
    with (
        hold(workspace.state / "locks", str(key), f"restore of {key}"),
        hooks.around(workspace, "restore", Occasion(prepared.target.id, USERS)),
    ):
        restore_id, began, course = new_id(), monotonic(), _Course()
        workspace.catalog.append_decided(lambda: [_started(workspace, prepared, restore_id)])
        try:
            _run(prepared, course)
            there = {account.name: account for account in of_server(workspace, prepared.target, "restore").accounts}
        except BackupError as error:
            workspace.catalog.append(_stopped(prepared, restore_id, error, course))
            raise RestoreFailed(
                f"{key} was not restored to its end: {error}",
                "What was made stands. The same command goes on with the others.",
            ) from error
        done = RestoredAccounts(
            str(key), monotonic() - began, tuple(_verdict(one, there, course) for one in prepared.planned)
        )
        workspace.catalog.append(_ended(prepared, restore_id, done))
    return done


def _run(prepared: PreparedAccounts, course: _Course) -> None:
    """Run every statement, each committed by itself; after a failure the next one gets a connection of its own."""
    pending = deque(prepared.work)
    while pending:
        is_open = False
        try:
            with connect(prepared.engine, prepared.access) as connection:
                is_open = True
                while pending:
                    stop.check()
                    one, statement = pending[0]
                    if one.account.name not in course.unmade:
                        connection.exec_driver_sql(statement.text, execution_options={"no_parameters": True})
                    pending.popleft()
        except Interrupted:
            raise
        except BackupError as error:
            if not is_open:
                raise
            one, statement = pending.popleft()
            _note(course, one.account.name, statement, error)


def _note(course: _Course, name: AccountName, statement: Statement, error: BackupError) -> None:
    code = server_code(error)
    if statement.kind is Kind.OBJECT_GRANT and code in NOTHING_THERE:
        course.waits.setdefault(name, []).append(statement.database)
        return
    if statement.kind in MAKING:
        course.unmade.add(name)
    with_code = "" if not code or code in error.message else f" [{code}]"
    course.failures.setdefault(name, []).append(f"{statement.masked}: {error.message}{with_code}")


def _verdict(one: Planned, there: dict[AccountName, Account], course: _Course) -> RestoredAccount:
    name = one.account.name
    if not one.is_work:
        return RestoredAccount(name=str(name), verdict=str(one.fate), words=one.differences)
    live, waits = there.get(name), tuple(dict.fromkeys(course.waits.get(name, ())))
    words = list(course.failures.get(name, ()))
    if live is None:
        words += [] if words else ["is not there afterwards"]
    else:
        found = beyond(changes(one.account, live), waits)
        words += [f"differs afterwards, on the server: {difference}" for difference in found]
    if words:
        return RestoredAccount(name=str(name), verdict="failed", words=tuple(words), waits_for=waits)
    if not waits:
        return RestoredAccount(name=str(name), verdict=DONE[one.fate])
    told = (DONE[one.fate], *(f"waits for database {show(database)}" for database in waits))
    return RestoredAccount(name=str(name), verdict="waits", words=told, waits_for=waits)


def _started(workspace: Workspace, prepared: PreparedAccounts, restore_id: str) -> RestoreStarted:
    """Return the event that keeps the backup from being pruned; it is asked for under the catalog's write lock.

    Raises:
        RestoreRefused: the backup was pruned while the restore was prepared.
    """
    row = prepared.source.backup
    now = backup(workspace.catalog, row.backup_id) if row else None
    if row and now and now.state == "pruned":
        raise RestoreRefused(f"backup {row.backup_id} was pruned meanwhile; nothing was touched", "Choose another.")
    return RestoreStarted(
        **_columns(prepared, restore_id),
        source_path=prepared.source.path,
        requested=prepared.requested,
        process=process_of(workspace),
    )


def _columns(prepared: PreparedAccounts, restore_id: str) -> dict[str, Any]:
    source = prepared.source
    known = source.backup or source.sidecar
    return {
        "instance": source.key.instance if source.key else None,
        "database": source.key.database if source.key else None,
        "backup_id": known.backup_id if known else None,
        "restore_id": restore_id,
        "target_instance": prepared.target.id,
        "target_database": USERS,
    }


def _ended(prepared: PreparedAccounts, restore_id: str, done: RestoredAccounts) -> Restored | RestoreFailedEvent:
    columns, failed = _columns(prepared, restore_id), done.named("failed")
    if failed:
        return RestoreFailedEvent(
            **columns,
            code=RestoreFailed.code,
            message=f"{counted(len(failed), 'account')} could not be restored: {', '.join(failed)}",
            accounts=done.verdicts,
        )
    made = sum(1 for one in prepared.planned if one.is_work)
    return Restored(
        **columns,
        duration_seconds=done.seconds,
        rows=0,
        plain_bytes=0,
        compared=(f"{counted(made, 'account')} made and read back",),
        accounts=done.verdicts,
    )


def _stopped(prepared: PreparedAccounts, restore_id: str, error: BackupError, course: _Course) -> RestoreFailedEvent:
    failed = tuple(
        RestoredAccount(name=str(name), verdict="failed", words=tuple(words)) for name, words in course.failures.items()
    )
    return RestoreFailedEvent(
        **_columns(prepared, restore_id), code=error.code, message=error.message, hint=error.hint, accounts=failed
    )
