"""PURE: an account as a value, made of its statements alone: the same from a server's answers and from a dump."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vya_backup.decisions.accounts import MEMBERSHIP, Account, AccountName, Grant, Kind, Statement, in_order
from vya_backup.engines.mysql.users.creation import parse_creation
from vya_backup.engines.mysql.users.grants import parse_default_roles, parse_grant, parse_membership

ADMIN = "with admin option"
DEFAULT_ROLES = "default roles"
_OF_EVERY_ROLE = frozenset({"locked", "password", "password expired", "plugin"})
"""What makes an account of MySQL a role."""


@dataclass(frozen=True)
class Written:
    """One statement as it stands in a dump: whom it is about, and what."""

    name: AccountName
    is_role: bool
    kind: Kind
    text: str
    database: str = ""

    @property
    def statement(self) -> Statement:
        """Return it with what people may see of it."""
        return Statement(self.kind, self.text, masked(self.text), self.database)


def masked(text: str) -> str:
    """Return a statement without its hashes; only those that make or alter a user have any."""
    return parse_creation(text).masked if text.startswith(("CREATE USER", "ALTER USER")) else text


def account_of(name: AccountName, is_role: bool, written: Iterable[Written]) -> Account:
    """Return what the statements of one account say together; every hash in them is remembered for redaction."""
    ordered = list(written)
    facts, authentication, grants = dict[str, str](), "", set[Grant]()
    for one in ordered:
        if one.text.startswith("CREATE USER"):
            creation = parse_creation(one.text)
            creation.keep_secret()
            facts |= _role_facts(creation.facts()) if is_role else creation.facts()
            authentication = creation.authentication
        elif one.kind is Kind.ATTRIBUTE:
            facts |= parse_creation(one.text).lifetime()
        elif one.kind is Kind.DEFAULT_ROLE:
            facts[DEFAULT_ROLES] = ", ".join(sorted(map(str, parse_default_roles(one.text))))
        else:
            grants |= set(_grants(one))
    return Account(
        name, is_role, tuple(in_order(one.statement for one in ordered)), facts, frozenset(grants), authentication
    )


def _role_facts(facts: dict[str, str]) -> dict[str, str]:
    return {name: told for name, told in facts.items() if name not in _OF_EVERY_ROLE}


def _grants(written: Written) -> Iterator[Grant]:
    if line := parse_grant(written.text):
        yield from line.grants()
    elif membership := parse_membership(written.text):
        role, _member, admin = membership
        yield Grant(MEMBERSHIP, str(role), ADMIN if admin else "")


def summary(account: Account) -> dict[str, object]:
    """Return what the sidecar may say of an account."""
    return {
        "name": account.name.user,
        "host": account.name.host,
        "role": account.is_role,
        "facts": dict(account.facts),
        "grants": sorted(map(str, account.grants)),
    }


def mark(written: Written) -> str:
    """Return the comment line in front of a statement."""
    said = {
        "account": [written.name.user, written.name.host],
        "role": written.is_role,
        "kind": written.kind.value,
        "lines": written.text.count("\n") + 1,
        **({"database": written.database} if written.database else {}),
    }
    return f"-- {json.dumps(said)}"
