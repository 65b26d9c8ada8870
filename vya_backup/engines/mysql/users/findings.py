"""What stands against making accounts on a server, asked before the first statement.

The rule: what concerns some accounts only is a notice that names them, since everything else goes on; a blocker is what
would give accounts more than they had, or what no statement would survive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from vya_backup.decisions.accounts import Account, Kind
from vya_backup.engines.answers import Finding, MissingPrivilege, Server
from vya_backup.engines.mysql.connection import account as current_account
from vya_backup.engines.mysql.privileges import Grants, ask_grants, may
from vya_backup.engines.mysql.questions import one, rows, variables
from vya_backup.engines.mysql.users.creation import parse_creation
from vya_backup.engines.mysql.users.dialects import Dialect
from vya_backup.engines.mysql.users.grants import ALL, parse_grant
from vya_backup.engines.mysql.users.text import partial_revokes

if TYPE_CHECKING:
    from sqlalchemy import Connection

NAMED = 5
_PLUGINS = """SELECT PLUGIN_NAME FROM information_schema.PLUGINS
    WHERE PLUGIN_TYPE = 'AUTHENTICATION' AND PLUGIN_STATUS = 'ACTIVE'"""
_SYSTEM_USER = "SYSTEM_USER"
_ALIASES = {"SUPER USER", ALL, "USAGE", "GRANT OPTION", "REPLICATION CLIENT", "DELETE HISTORY"}


def missing_privileges(connection: Connection) -> tuple[MissingPrivilege, ...]:
    """Return what the account lacks to read every account: both families demand SELECT on the database `mysql`."""
    if {"SELECT", ALL} & ask_grants(connection).on("mysql"):
        return ()
    reason = "without it neither the accounts nor their grants can be read"
    return (MissingPrivilege("SELECT", reason, f"GRANT SELECT ON mysql.* TO {current_account(connection)}"),)


def findings(
    connection: Connection, server: Server, accounts: Iterable[Account], dialect: Dialect
) -> tuple[Finding, ...]:
    """Say what stands against making these accounts there, or should be known before."""
    wanted = list(accounts)
    grants, settings = ask_grants(connection), variables(connection)
    return (
        *_replica(server),
        *_rights(connection, grants, wanted, dialect),
        *_revokes(settings, wanted),
        *_plugins(connection, wanted),
        *_privileges(connection, wanted),
        *_policies(settings),
        *_databases(connection, wanted),
    )


def plugins_of(accounts: Iterable[Account]) -> dict[str, list[str]]:
    """Return the accounts by the plugins that they log in with."""
    found: dict[str, list[str]] = {}
    for account in accounts:
        for statement in account.statements:
            if statement.text.startswith("CREATE USER"):
                for plugin in parse_creation(statement.text).plugins:
                    found.setdefault(plugin, []).append(str(account.name))
    return found


def plugins_there(connection: Connection) -> set[str]:
    """Return the login plugins that the server has loaded."""
    return {str(name) for (name,) in rows(connection, _PLUGINS)}


def _replica(server: Server) -> Iterator[Finding]:
    if server.is_replica:
        source = server.facts.get("replicates from", "")
        what = f"replicates from {source}" if source else "is read only"
        yield Finding(
            True, f"the target {what}: accounts made there would be undone or break replication", "Use its primary."
        )


def _rights(connection: Connection, grants: Grants, wanted: list[Account], dialect: Dialect) -> Iterator[Finding]:
    who = current_account(connection)
    if not may(grants, "CREATE USER", ALL):
        yield Finding(True, "this account may make no accounts", f"GRANT CREATE USER ON *.* TO {who} WITH GRANT OPTION")
    if not {"SELECT", "UPDATE"} <= grants.on("mysql") and not may(grants, ALL):
        hint = f"GRANT SELECT, UPDATE ON mysql.* TO {who}"
        yield Finding(False, "without SELECT and UPDATE on the database mysql default roles may fail", hint)
    if not dialect.dynamic_privileges or may(grants, _SYSTEM_USER):
        return
    system = [a for a in wanted if any(grant.privilege == _SYSTEM_USER for grant in a.grants)]
    if system:
        hint = f"GRANT {_SYSTEM_USER} ON *.* TO {who} WITH GRANT OPTION"
        yield Finding(False, f"this account may not touch system users: {_named(system)}", hint)


def _revokes(settings: dict[str, str], wanted: list[Account]) -> Iterator[Finding]:
    is_on = settings.get("partial_revokes", "OFF").upper() in {"ON", "1"}
    parts = [account for account in wanted if partial_revokes(account)]
    if parts and not is_on:
        what = f"partial_revokes is off: what was taken back from these would be theirs again: {_named(parts)}"
        yield Finding(True, what, "SET PERSIST partial_revokes = ON, which makes % and _ in grants plain characters.")
    patterns = [account for account in wanted if any("%" in grant.on.partition("@")[0] for grant in account.grants)]
    if is_on and patterns:
        yield Finding(False, f"partial_revokes is on: patterns in grants mean nothing there: {_named(patterns)}")


def _plugins(connection: Connection, wanted: list[Account]) -> Iterator[Finding]:
    there = plugins_there(connection)
    for plugin, names in sorted(plugins_of(wanted).items()):
        if plugin not in there:
            hint = f"Install the plugin {plugin}, then restore these again; everything else is made now."
            yield Finding(False, f"the target lacks the login plugin {plugin}: {_some(names)} will fail", hint)


def _privileges(connection: Connection, wanted: list[Account]) -> Iterator[Finding]:
    """Find what another release calls otherwise, or does not have."""
    known = {str(row[0]).upper() for row in rows(connection, "SHOW PRIVILEGES")} | _ALIASES
    unknown: dict[str, list[str]] = {}
    for account in wanted:
        lines = filter(None, (parse_grant(statement.text) for statement in account.statements))
        for name in {privilege.name for line in lines for privilege in line.privileges} - known:
            unknown.setdefault(name, []).append(str(account.name))
    for name, accounts in sorted(unknown.items()):
        yield Finding(False, f"the target knows no privilege {name}, a grant to {_some(sorted(accounts))} may fail")


def _policies(settings: dict[str, str]) -> Iterator[Finding]:
    if any(name.startswith(("validate_password", "simple_password_check")) for name in settings):
        yield Finding(False, "the target has rules for passwords: they see no hash, so that old passwords come back")


def _databases(connection: Connection, wanted: list[Account]) -> Iterator[Finding]:
    there = {str(name) for (name,) in rows(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")}
    folds = str(one(connection, "SELECT @@lower_case_table_names")) != "0"
    known = {name.lower() for name in there} if folds else there
    needed = {s.database for account in wanted for s in account.statements if s.kind is Kind.OBJECT_GRANT}
    missing = sorted(name for name in needed if (name.lower() if folds else name) not in known)
    if missing:
        hint = "Restore the databases, then the accounts again: what is there is left alone."
        yield Finding(False, f"grants on objects of missing databases will fail: {_some(missing)}", hint)


def _named(accounts: Iterable[Account]) -> str:
    return _some([str(account.name) for account in accounts])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
