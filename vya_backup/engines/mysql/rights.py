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
NOTHING = frozenset({"USAGE", "PROXY"})


def rights(accounts: Iterable[Account], database: str) -> tuple[DatabasePrivilege, ...]:
    """Return who may do what on a database and on what is in it, by account; `via` is the role that gives it."""
    known = {account.name: account for account in accounts}
    found = {
        DatabasePrivilege(str(account.name), grant.on, _with_options(grant), str(role.name) if role else "")
        for account in known.values()
        for role, grant in _reached(account, known)
        if reaches(grant, database)
    }
    return tuple(sorted(found))


def reaches(grant: Grant, database: str) -> bool:
    """Say whether a privilege is about a database, or about something in it."""
    if grant.privilege in NOTHING or grant.privilege == MEMBERSHIP:
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


def _reached(account: Account, known: Mapping[AccountName, Account]) -> Iterator[tuple[Account | None, Grant]]:
    """Yield an account's own grants, and those of every role that it reaches, each role once."""
    yield from ((None, grant) for grant in account.grants)
    seen, waiting = {account.name}, _roles(account, known)
    while waiting:
        role = waiting.pop()
        if role.name in seen:
            continue
        seen.add(role.name)
        yield from ((role, grant) for grant in role.grants)
        waiting += _roles(role, known)


def _roles(account: Account, known: Mapping[AccountName, Account]) -> list[Account]:
    names = {grant.on for grant in account.grants if grant.privilege == MEMBERSHIP}
    return [role for role in known.values() if any(is_named(role.name, name) for name in names)]


def _with_options(grant: Grant) -> str:
    return f"{grant.privilege} {grant.options}" if grant.options else grant.privilege
