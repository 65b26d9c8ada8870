"""PURE: the text of an accounts dump: SQL that the vendor's client takes, with a comment in front of each statement.

    -- VYA BackupDB accounts of mariadb 10.11.19
    SET NAMES utf8mb4;
    -- {"account": ["app", "10.%"], "role": false, "kind": "user", "lines": 1}
    CREATE USER IF NOT EXISTS `app`@`10.%` IDENTIFIED …;
    -- Accounts complete: {"role": 1, "user": 2, "statements": 9}

Names and comments may hold line breaks, so that a statement's lines are counted in front of it, and nothing within it
can pass for another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vya_backup.decisions.accounts import ORDER, Account, AccountName, Kind
from vya_backup.engines.mysql.users.grants import parse_grant
from vya_backup.engines.mysql.users.statements import Written, account_of, mark

TITLE = "-- VYA BackupDB accounts of "
COMPLETE = "-- Accounts complete: "
MARK = '-- {"account"'
_SETTINGS = ("SET NAMES utf8mb4;", "SET SESSION sql_mode = '';")
_GUARD = (
    "-- Without partial_revokes the accounts would get more than they had: the client stops here.",
    "SET SESSION sql_mode = IF(@@partial_revokes, '', 'not possible before SET PERSIST partial_revokes = ON');",
)


@dataclass(frozen=True)
class Title:
    """What is told of the server, in the first lines."""

    flavour: str
    version: str
    mandatory_roles: str = ""
    """As the server's variable has it: every account has these beside its own."""


def write(title: Title, written: Iterable[Written]) -> str:
    """Return the dump: roles, users, memberships, default roles, grants, each by account."""
    ordered = sorted(written, key=_place)
    lines = [f"{TITLE}{title.flavour} {title.version}"]
    if title.mandatory_roles:
        lines.append(f"-- mandatory_roles of that server: {json.dumps(title.mandatory_roles)}")
    lines += _SETTINGS
    if any(one.text.startswith("REVOKE") for one in ordered):
        lines += _GUARD
    for one in ordered:
        lines += [mark(one), f"{one.text};"]
    tally = Tally()
    for one in ordered:
        tally.add(one.name, one.is_role)
    return "\n".join([*lines, f"{COMPLETE}{json.dumps(tally.as_json())}"]) + "\n"


def _place(written: Written) -> tuple[int, AccountName, bool, str]:
    return ORDER[written.kind], written.name, written.text.startswith("REVOKE"), written.text


@dataclass
class Tally:
    """What has been seen of a dump."""

    roles: dict[AccountName, None] = field(default_factory=dict)
    users: dict[AccountName, None] = field(default_factory=dict)
    statements: int = 0

    def add(self, name: AccountName, is_role: bool) -> None:
        """Count a statement."""
        (self.roles if is_role else self.users)[name] = None
        self.statements += 1

    def as_json(self) -> dict[str, int]:
        """Return the numbers of the last line."""
        return {"role": len(self.roles), "user": len(self.users), "statements": self.statements}

    def objects(self) -> dict[str, tuple[str, ...]]:
        """Return the names by kind, as manifests have them."""
        kinds = {"role": self.roles, "user": self.users}
        return {kind: tuple(sorted(map(str, names))) for kind, names in kinds.items() if names}


def is_title(line: str) -> bool:
    """Say whether a dump begins so."""
    return line.startswith(TITLE)


def parse_mark(line: str) -> tuple[Written, int]:
    """Read the comment in front of a statement: everything but its text, and how many lines that has.

    Raises:
        ValueError: it is none.
    """
    try:
        said: dict[str, Any] = json.loads(line.removeprefix("-- "))
        name = AccountName(*map(str, said["account"]))
        about = Written(name, bool(said["role"]), Kind(said["kind"]), "", str(said.get("database", "")))
        return about, int(said["lines"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"no mark of a statement ({type(error).__name__})") from None  # the line may be a hash


def parse(text: str) -> list[Written]:
    """Return the statements of a dump, in its order.

    Raises:
        ValueError: it is none, or not whole; the message says at which line.
    """
    lines = text.split("\n")
    if not is_title(lines[0]):
        raise ValueError(f"line 1 does not begin with {TITLE.strip()!r}")
    position = next((at for at, line in enumerate(lines) if line.startswith((MARK, COMPLETE))), len(lines))
    found, tally = [], Tally()
    while position < len(lines) and not lines[position].startswith(COMPLETE):
        about, count = _mark_at(lines, position)
        body = "\n".join(lines[position + 1 : position + 1 + count])
        if not body.endswith(";") or count < 1:
            raise ValueError(f"the statement behind line {position + 1} has no end")
        found.append(Written(about.name, about.is_role, about.kind, body[:-1], about.database))
        tally.add(about.name, about.is_role)
        position += 1 + count
    _demand_end(lines[position:], tally)
    return found


def _mark_at(lines: Sequence[str], position: int) -> tuple[Written, int]:
    try:
        return parse_mark(lines[position])
    except ValueError as error:
        raise ValueError(f"line {position + 1}: {error}") from None


def _demand_end(rest: Sequence[str], tally: Tally) -> None:
    if list(rest) != [f"{COMPLETE}{json.dumps(tally.as_json())}", ""]:
        raise ValueError("the last line does not count what the dump holds")


def read(text: str) -> tuple[Account, ...]:
    """Return the accounts of a dump, in its order; every hash in it is remembered for redaction.

    Raises:
        ValueError: it is no dump of accounts, or not whole.
    """
    return accounts_of(parse(text))


def accounts_of(written: Iterable[Written]) -> tuple[Account, ...]:
    """Put the statements of each account together."""
    of_each: dict[tuple[AccountName, bool], list[Written]] = {}
    for one in written:
        of_each.setdefault((one.name, one.is_role), []).append(one)
    return tuple(account_of(name, is_role, mine) for (name, is_role), mine in of_each.items())


def partial_revokes(account: Account) -> bool:
    """Say whether a part of a global grant is taken back."""
    lines = (parse_grant(statement.text) for statement in account.statements if statement.text.startswith("REVOKE"))
    return any(line is not None and line.revokes for line in lines)
