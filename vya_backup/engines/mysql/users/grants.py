"""PURE: the lines of SHOW GRANTS, read and written again without what else the server puts into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from vya_backup.decisions.accounts import AccountName, Grant
from vya_backup.decisions.naming import show
from vya_backup.engines.mysql.users.words import listed, value, words

ALL = "ALL PRIVILEGES"
OPTION = "with grant option"
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "PACKAGE", "BODY", "TABLE", "LIBRARY"})


@dataclass(frozen=True, order=True)
class Privilege:
    """One privilege; `columns` are those it is limited to."""

    name: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(show, self.columns))})" if self.columns else self.name

    @property
    def sql(self) -> str:
        """Return it as a statement names it."""
        quoted = ("`" + column.replace("`", "``") + "`" for column in self.columns)
        return f"{self.name} ({', '.join(quoted)})" if self.columns else self.name


@dataclass(frozen=True, order=True)
class Level:
    """What a privilege is about."""

    sql: str
    """As it stands behind ON."""
    shown: str
    """`*.*`, `shop.*`, `shop.item`, `function shop.total`, or for PROXY an account."""
    database: str = ""
    """The database that must be there first; empty for whole servers and databases, which may be missing."""
    item: str = ""
    kind: str = ""
    """`table`, `function` …, of `item`."""


@dataclass(frozen=True)
class GrantLine:
    """One GRANT, or a partial REVOKE, which takes a part of a global grant back."""

    level: Level
    privileges: tuple[Privilege, ...]
    grantee: AccountName
    with_option: bool = False
    revokes: bool = False

    def statement(self, account: str) -> str:
        """Return it as a statement."""
        held = ", ".join(privilege.sql for privilege in sorted(self.privileges))
        if self.revokes:
            return f"REVOKE {held} ON {self.level.sql} FROM {account}"
        return f"GRANT {held} ON {self.level.sql} TO {account}" + (" WITH GRANT OPTION" if self.with_option else "")

    def grants(self) -> Iterator[Grant]:
        """Yield what a person reads."""
        for privilege in self.privileges:
            said = f"revoke of {privilege}" if self.revokes else str(privilege)
            yield Grant(said, self.level.shown, OPTION if self.with_option else "")

    @property
    def is_empty(self) -> bool:
        """Say whether it only says that the account is there."""
        return [privilege.name for privilege in self.privileges] == ["USAGE"] and not self.with_option


def parse_grant(line: str) -> GrantLine | None:
    """Read a line of SHOW GRANTS, or a statement of ours; None for a membership or a default role.

    How the account logs in, its TLS and its limits, which MariaDB repeats here, are left out.
    """
    found = [word.text for word in words(line)]
    if found[:1] not in (["GRANT"], ["REVOKE"]) or "ON" not in found:
        return None
    on, revokes = found.index("ON"), found[0] == "REVOKE"
    to = found.index("FROM" if revokes else "TO", on)
    grantee, rest = _account(found[to + 1 :])
    privileges = tuple(sorted(_privilege(item) for item in listed(found[1:on])))
    option = any(pair == ("GRANT", "OPTION") for pair in pairwise(rest))
    return GrantLine(_level(found[on + 1 : to], privileges), privileges, grantee, option, revokes)


def parse_membership(line: str) -> tuple[AccountName, AccountName, bool] | None:
    """Read a membership as we write it: the role, who is a member, whether with the admin option; else None."""
    found = [word.text for word in words(line)]
    if found[:1] != ["GRANT"] or "ON" in found:
        return None
    role, rest = _account(found[1:])
    member, rest = _account(rest[1:])
    return role, member, rest == ["WITH", "ADMIN", "OPTION"]


def parse_default_roles(line: str) -> list[AccountName]:
    """Read the roles of a SET DEFAULT ROLE as we write it."""
    found = [word.text for word in words(line)][3:]
    last = next(position for position, word in enumerate(found) if word in {"TO", "FOR"})
    return [_account(item)[0] for item in listed(found[:last])]


def merged(lines: list[GrantLine]) -> list[GrantLine]:
    """Return the lines of one level and direction as one, as long as their grant option is the same."""
    together: dict[tuple[Level, bool, bool], GrantLine] = {}
    for line in lines:
        key = (line.level, line.with_option, line.revokes)
        known = together.get(key, replace(line, privileges=()))
        together[key] = replace(known, privileges=tuple(sorted({*known.privileges, *line.privileges})))
    return list(together.values())


def _account(found: list[str]) -> tuple[AccountName, list[str]]:
    """Read an account at the beginning; return it and what follows."""
    if found[1:2] == ["@"]:
        return AccountName(value(found[0]), value(found[2])), found[3:]
    return AccountName(value(found[0])), found[1:]


def _privilege(item: list[str]) -> Privilege:
    if "(" not in item:
        return Privilege(" ".join(item))
    bracket = item.index("(")
    columns = sorted(value(word) for word in item[bracket + 1 : -1] if word != ",")
    return Privilege(" ".join(item[:bracket]), tuple(columns))


def _level(found: list[str], privileges: tuple[Privilege, ...]) -> Level:
    if [privilege.name for privilege in privileges] == ["PROXY"]:
        proxied, _rest = _account(found)
        return Level("".join(found), str(proxied))
    kinds = [word for word in found if word in _ROUTINES]
    database, dot, item = found[len(kinds) :]
    sql = " ".join([*kinds, database + dot + item])
    if item == "*":
        return Level(sql, f"{show(value(database))}.*")
    kind = " ".join(kinds).lower() or "table"
    shown = f"{show(value(database))}.{show(value(item))}"
    return Level(sql, shown if kind == "table" else f"{kind} {shown}", value(database), value(item), kind)
