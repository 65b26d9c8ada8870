"""Prepare a restore of accounts: choose, read both sides, decide for each account. Nothing is touched here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from vya_backup.decisions.accounts import (
    Account,
    AccountName,
    Choice,
    Fate,
    Kind,
    Planned,
    Statement,
    absent_roles,
    completed,
    in_order,
    is_named,
    plan,
)
from vya_backup.decisions.accounts import unknown as unknown_names
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.naming import USERS, Key
from vya_backup.engines.accounts import AccountsEngine
from vya_backup.engines.answers import Finding, Gap, Server
from vya_backup.engines.contract import Access
from vya_backup.errors import RestoreRefused, UsageError
from vya_backup.history.drift import waiting_at
from vya_backup.jobs.accounts import of_file, of_server
from vya_backup.jobs.restore_source import Source, Wish, choose
from vya_backup.transport.connections import connect

if TYPE_CHECKING:
    from vya_backup.jobs.workspace import Workspace
    from vya_backup.settings.model import Instance

MARKS = {
    Fate.CREATE: "create",
    Fate.SAME: "same",
    Fate.CONFLICT: "CONFLICT",
    Fate.REPLACE: "make equal",
    Fate.COMPLETE: "complete",
    Fate.KEPT_BACK: "keep back",
    Fate.EXCLUDED: "exclude",
}
WHY = {
    Fate.CONFLICT: "is there and differs; it is left alone (--force makes it equal to the backup, password included)",
    Fate.REPLACE: "is there and differs",
    Fate.COMPLETE: "lacks what waited for a database",
    Fate.KEPT_BACK: "is built in, or does the restore itself; name it with --user to mean it",
}


@dataclass(frozen=True)
class PreparedAccounts:
    """A restore of accounts that nothing stands against: what is shown is what is done."""

    source: Source
    target: Instance
    access: Access
    engine: AccountsEngine
    server: Server
    live: tuple[Account, ...]
    """As the server had them when this was prepared."""
    planned: tuple[Planned, ...]
    notices: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    requested: str

    @property
    def key(self) -> Key:
        """Return the target."""
        return Key(self.target.id, USERS)

    @property
    def work(self) -> list[tuple[Planned, Statement]]:
        """Return every statement to be run with what it is for: all roles, then all users, memberships, grants."""
        found = [(one, statement) for one in self.planned if one.is_work for statement in self._statements(one)]
        places = {id(statement): number for number, statement in enumerate(in_order(said for _, said in found))}
        return sorted(found, key=lambda pair: places[id(pair[1])])

    def _statements(self, one: Planned) -> Iterable[Statement]:
        if one.fate is Fate.CREATE:
            return one.account.statements
        if one.fate is Fate.COMPLETE:
            return [statement for statement in one.account.statements if statement.kind is Kind.OBJECT_GRANT]
        there = next(account for account in self.live if account.name == one.account.name)
        return self.engine.equalize(one.account, there)


def prepare(workspace: Workspace, wish: Wish, choice: Choice) -> PreparedAccounts:
    """Choose the backup, read it and the server, and decide for each account; nothing is touched.

    Raises:
        UsageError: the command line names an account that the backup does not have, or no target.
        RestoreRefused: something stands against it; every finding is in the message.
        BackupError: the artifact is damaged, the target unreachable, a tool or a privilege missing.
    """
    source = choose(workspace, wish)
    target = _target(workspace, wish, source)
    engine, access = cast(AccountsEngine, workspace.engine(target, USERS)), workspace.access(target, "restore")
    dumped = accounts_in(source)
    _demand_known(choice, dumped)
    live = of_server(workspace, target, "restore")
    waits = waiting_at(workspace.catalog, target.id)
    planned = tuple(
        completed(one, waits.get(str(one.account.name), ()))
        for one in plan(dumped, live.accounts, choice, engine.kept_back(dumped, access))
    )
    wanted = [one.account for one in planned if one.is_work]
    findings: tuple[Finding, ...] = ()
    if wanted:
        with connect(engine, access) as connection:
            findings = engine.accounts_findings(connection, live.server, wanted)
    findings += tuple(_lacking_roles(choice, absent_roles(planned, dumped, live.accounts)))
    _refuse(Key(target.id, USERS), findings)
    requested = _in_words(wish, choice)
    return PreparedAccounts(
        source, target, access, engine, live.server, live.accounts, planned, findings, live.gaps, requested
    )


def accounts_in(source: Source) -> tuple[Account, ...]:
    """Return the accounts of a chosen artifact.

    Raises:
        ArtifactDamaged, StorageFailed: as `jobs.accounts.of_file` says.
    """
    known = source.backup or source.sidecar
    return of_file(
        source.store, source.path, cast(AccountsEngine, source.engine), (known.sha256 if known else "") or ""
    )


def describe(prepared: PreparedAccounts, workspace: Workspace, *, statements: bool) -> list[str]:
    """Return the lines that show what happens to which account; with `statements` also how, masked."""
    source, target = prepared.source, prepared.target
    at = source.started_at.astimezone(workspace.schedule.zone) if source.started_at else None
    dumped = at.strftime("%Y-%m-%d %H:%M:%S %Z") if at else "at an unknown time"
    lines = [
        f"from   {source.path}",
        f"       {source.key or 'unknown'}, dumped {dumped}",
        f"to     {prepared.key}",
        f"       {target.socket or f'{target.host}:{target.port or prepared.engine.default_port}'}, "
        f"{prepared.server.banner}",
        f"       environment: {workspace.configuration.application.environment}",
    ]
    lines += [f"note   {found.message}. {found.hint}".rstrip() for found in prepared.notices]
    lines += [f"note   not readable on the server: {gap.name}: {gap.reason}" for gap in prepared.gaps]
    planned = [one for one in prepared.planned if one.fate is not Fate.SAME]
    lines += [line for one in planned for line in _described(one)]
    same = len(prepared.planned) - len(planned)
    lines += [f"  {'same':10}  {counted(same, 'account')}"] if same else []
    return lines + (list(_shown(prepared)) if statements else [])


def _described(one: Planned) -> Iterator[str]:
    account = one.account
    yield f"  {MARKS[one.fate]:10}  {account.word} {account.name}"
    if one.fate in WHY:
        yield f"              {WHY[one.fate]}"
    yield from (f"              on the server: {words}" for words in one.differences)


def _shown(prepared: PreparedAccounts) -> Iterator[str]:
    work = prepared.work
    if work:
        yield "these statements would be run, each by itself:"
    yield from (f"  {statement.masked};" for _, statement in work)


def _target(workspace: Workspace, wish: Wish, source: Source) -> Instance:
    if wish.to:
        raise UsageError("accounts have no other name to be restored to", "Say --target-instance ID to mean a server.")
    if source.key is not None and not source.key.is_users:
        raise UsageError(f"{source.path} is a dump of {source.key}, not of accounts")
    wanted = wish.target_instance or (wish.key.instance if wish.key else source.key.instance if source.key else "")
    if not wanted:
        raise UsageError(f"{source.path} has no sidecar that says where it belongs", "Say --target-instance ID.")
    target = workspace.instance(wanted)
    if workspace.engine(target).family != source.engine.family:
        raise RestoreRefused(
            f"accounts of {source.engine.name} cannot go to {target.id}, which is {target.type}",
            "Name an instance of the same kind with --target-instance.",
        )
    return target


def _demand_known(choice: Choice, dumped: tuple[Account, ...]) -> None:
    if names := unknown_names(choice, dumped):
        raise UsageError(
            f"the backup has no account {', '.join(map(repr, names))}; nothing was touched",
            "See those it has with: doit users list",
        )


def _lacking_roles(choice: Choice, members: Mapping[AccountName, Sequence[AccountName]]) -> Iterator[Finding]:
    """Yield what stands against making members of roles that will not be there; left out on purpose, it is a note."""
    for role, names in members.items():
        who = f"{', '.join(map(str, names))} cannot become a member of {role}, which is not on the server"
        is_meant = any(is_named(role, wanted) for wanted in choice.exclude)
        yield Finding(not is_meant, who, "" if is_meant else f"Bring it back too: --user '{role}'")


def _refuse(key: Key, findings: tuple[Finding, ...]) -> None:
    blockers = [f"  - {found.message}. {found.hint}".rstrip() for found in findings if found.blocks]
    if blockers:
        told = "\n".join(blockers)
        raise RestoreRefused(f"{key} cannot take the restore, nothing was touched:\n{told}")


def _in_words(wish: Wish, choice: Choice) -> str:
    said = [str(wish)]
    said += [f"user {name}" for name in choice.only] + [f"without {name}" for name in choice.exclude]
    return ", ".join(said)
