"""PURE: who may do what on one database of MySQL or MariaDB, from the grants of every account.

A privilege reaches a database from everywhere (`*.*`), from a pattern of names (`shop%.*`, where `_` and `%` stand for
any character and any text), or from something within it; and through each role that an account is a member of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from vya_backup.decisions.accounts import MEMBERSHIP, Account, AccountName, Grant, is_named
from vya_backup.decisions.naming import show
from vya_backup.engines.accounts import DatabasePrivilege

EVERYWHERE = "*.*"
PROGRAMS = ("function ", "procedure ", "package body ", "package ")
# What `GRANT … ON *.*` gives on a database; the others are about the server (error 1221 on one database).
ON_DATABASES = frozenset(
    {
        *("ALL", "ALL PRIVILEGES", "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX"),
        *("ALTER", "CREATE TEMPORARY TABLES", "LOCK TABLES", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE"),
        *("ALTER ROUTINE", "EXECUTE", "EVENT", "TRIGGER", "DELETE HISTORY", "SHOW CREATE ROUTINE", "GRANT OPTION"),
        "SUPER",
    }
)
NOTHING = frozenset({"USAGE", "PROXY", MEMBERSHIP})
REVOKED = "revoke of "
"""Begins a partial revoke among an account's grants, as the reader of this family says it."""


def rights(accounts: Iterable[Account], database: str) -> tuple[DatabasePrivilege, ...]:
    """Return who may do what on a database and on what is in it, by account; `via` is the role that gives it.

    A partial revoke takes back what its own account or role has everywhere, on this database.
    """
    known = {account.name: account for account in accounts}
    holds = {name: tuple(_held(account, database)) for name, account in known.items()}
    found = {
        DatabasePrivilege(str(account.name), grant.on, _said(grant), "" if holder is account else str(holder.name))
        for account in known.values()
        for holder in _holders(account, known)
        for grant in holds[holder.name]
    }
    return tuple(sorted(found))


def _held(holder: Account, database: str) -> Iterator[Grant]:
    """Yield the grants of one account or role that reach a database, without what was revoked there."""
    revoked = {
        grant.privilege.removeprefix(REVOKED)
        for grant in holder.grants
        if grant.privilege.startswith(REVOKED) and grant.on == f"{show(database)}.*"
    }
    yield from (
        grant
        for grant in holder.grants
        if reaches(grant, database) and not (grant.on == EVERYWHERE and grant.privilege in revoked)
    )


def reaches(grant: Grant, database: str) -> bool:
    """Say whether a privilege is about a database, or about something in it."""
    if grant.privilege in NOTHING or grant.privilege.startswith(REVOKED):
        return False
    if grant.on == EVERYWHERE:
        return grant.privilege in ON_DATABASES
    on = next((grant.on.removeprefix(word) for word in PROGRAMS if grant.on.startswith(word)), grant.on)
    if on.endswith(".*"):
        return is_like(on.removesuffix(".*"), show(database))
    return on.startswith(f"{show(database)}.")


def is_like(pattern: str, name: str) -> bool:
    """Say whether a database's name fits the pattern of a grant; `\\\\_` and `\\\\%` are the characters themselves."""
    pieces = re.findall(r"\\[_%\\]|.", pattern, re.DOTALL)
    wild = {"_": ".", "%": ".*"}
    regular = "".join(wild.get(piece) or re.escape(piece[-1]) for piece in pieces)
    return re.fullmatch(regular, name, re.DOTALL) is not None


def _holders(account: Account, known: Mapping[AccountName, Account]) -> Iterator[Account]:
    """Yield an account and every role that it reaches, each once."""
    seen, waiting = set[AccountName](), [account]
    while waiting:
        holder = waiting.pop()
        if holder.name not in seen:
            seen.add(holder.name)
            yield holder
            waiting += _roles(holder, known)


def _roles(account: Account, known: Mapping[AccountName, Account]) -> list[Account]:
    names = {grant.on for grant in account.grants if grant.privilege == MEMBERSHIP}
    return [role for role in known.values() if any(is_named(role.name, name) for name in names)]


def _said(grant: Grant) -> str:
    return f"{grant.privilege} {grant.options}" if grant.options else grant.privilege
