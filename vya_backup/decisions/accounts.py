"""PURE: what the accounts of a server are, how two states of them differ, and what a restore does with each.

An account's authentication is only ever compared: nothing here shows a hash, and statements are shown masked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from vya_backup.decisions.naming import show


class Kind(StrEnum):
    """What a statement is about; in this order statements are written and carried out."""

    ROLE = "role"
    USER = "user"
    ATTRIBUTE = "attribute"
    COMMENT = "comment"
    MEMBERSHIP = "membership"
    DEFAULT_ROLE = "default role"
    SETTING = "setting"
    GRANT = "grant"
    OBJECT_GRANT = "object grant"
    """On something within a database, or a setting of one: that must be there first."""


ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, order=True)
class AccountName:
    """Who an account is. Without a host: PostgreSQL's roles, and MariaDB's, which have none."""

    user: str
    host: str = ""

    def __str__(self) -> str:
        return f"{show(self.user)}@{show(self.host)}" if self.host else show(self.user)


@dataclass(frozen=True)
class Statement:
    """One statement of an accounts dump, as the server takes it."""

    kind: Kind
    text: str = field(repr=False)
    """Ready to be run, without a semicolon. May hold a hash; who reads a dump tells `redaction.remember`."""
    masked: str
    """The same for people: every hash and password replaced by `'******'`."""
    database: str = ""
    """The database that must be there first, where it is about something within one."""
    place: int = 0
    """Its place in the dump: a membership may need another one, by which its grantor may grant."""


@dataclass(frozen=True)
class Grant:
    """One privilege or membership, as a person reads it."""

    privilege: str
    """`SELECT`, `SELECT (name, price)`, `membership` …"""
    on: str
    """`*.*`, `shop.*`, `shop.item`, `function shop.total`, or the role of a membership."""
    options: str = ""
    """Such as `with grant option`."""

    def __str__(self) -> str:
        what = f"membership of {self.on}" if self.privilege == MEMBERSHIP else f"{self.privilege} on {self.on}"
        return f"{what} {self.options}" if self.options else what


MEMBERSHIP = "membership"
UNKNOWN = "unknown"
"""Stands for the authentication of an account where the dump's account might not read it: it is never judged."""


@dataclass(frozen=True)
class Account:
    """One user or role, with the statements that make it again."""

    name: AccountName
    is_role: bool
    statements: tuple[Statement, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    """Attributes in words, `{"superuser": "yes", "TLS": "required"}`; what is at its default is left out."""
    grants: frozenset[Grant] = frozenset()
    authentication: str = field(default="", repr=False)
    """What proves who it is, in a form that is equal exactly while plugin and password are; only to be compared."""

    @property
    def word(self) -> str:
        """Return `user` or `role`."""
        return "role" if self.is_role else "user"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in two states of an account."""

    name: AccountName
    what: str
    """`added`, `removed` or `changed`."""
    words: str
    """A sentence without its subject: `gained SELECT on shop.*`."""

    def __str__(self) -> str:
        return f"{self.name} {self.words}"

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"account": str(self.name), "what": self.what, "words": self.words}


def differences(before: Iterable[Account], after: Iterable[Account]) -> list[Difference]:
    """Return what happened to the accounts between two states, by name, in words."""
    old, new = ({account.name: account for account in accounts} for accounts in (before, after))
    found = [Difference(name, "removed", f"was removed ({old[name].word})") for name in old.keys() - new.keys()]
    found += [Difference(name, "added", f"was added ({_summary(new[name])})") for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        found += (Difference(name, "changed", words) for words in changes(old[name], new[name]))
    return sorted(found, key=lambda one: (one.name, one.words))


LACKS = ("lost ", "has no ")
"""How `changes` says that the later state has less than the earlier one."""


def changes(before: Account, after: Account) -> Iterator[str]:
    """Yield in words how one account changed: its kind, password, attributes, privileges."""
    if before.is_role != after.is_role:
        yield f"became a {after.word}"
    known = UNKNOWN not in {before.authentication, after.authentication}
    if known and before.authentication != after.authentication:
        yield "has another password or way to log in"
    for name in sorted(before.facts.keys() | after.facts.keys()):
        old, new = before.facts.get(name), after.facts.get(name)
        if old != new:
            yield _changed_fact(name, old, new)
    yield from (f"lost {grant}" for grant in sorted(map(str, before.grants - after.grants)))
    yield from (f"gained {grant}" for grant in sorted(map(str, after.grants - before.grants)))


def _changed_fact(name: str, old: str | None, new: str | None) -> str:
    if new == "yes" and old is None:
        return f"became {name}"
    if old == "yes" and new is None:
        return f"is no longer {name}"
    if old is None:
        return f"got {name}: {new}"
    return f"has no {name} any more (was {old})" if new is None else f"has {name} {new} (was {old})"


def _summary(account: Account) -> str:
    said = [account.word, *(name if value == "yes" else f"{name}: {value}" for name, value in account.facts.items())]
    said += [f"{len(account.grants)} privileges"] if len(account.grants) > 1 else map(str, account.grants)
    return ", ".join(said)


class Fate(StrEnum):
    """What a restore does with an account."""

    CREATE = "create"
    SAME = "same"
    """It is there already, and equal."""
    CONFLICT = "conflict"
    """It is there and differs; left alone without --force."""
    REPLACE = "replace"
    """It is there and differs, and is made equal."""
    COMPLETE = "complete"
    """It is there, and only lacks what an earlier restore had to leave until a database is there."""
    KEPT_BACK = "kept back"
    """Built in, or the account that does the restore: only restored when it is named."""
    EXCLUDED = "excluded"


@dataclass(frozen=True)
class Choice:
    """Which accounts the command line asks for: patterns are `user`, `user@host`, each an exact name."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    force: bool = False

    def names(self, name: AccountName) -> bool:
        """Say whether an account is named by itself."""
        return any(is_named(name, pattern) for pattern in self.only)


def is_named(name: AccountName, wanted: str) -> bool:
    """Say whether `alice` or `app@10.%` means this account; a user without a host means each of that user's."""
    return wanted in {name.user, str(name), f"{name.user}@{name.host}"}


def unknown(choice: Choice, accounts: Collection[Account]) -> list[str]:
    """Return the names said on the command line that no account has."""
    said = (*choice.only, *choice.exclude)
    return [wanted for wanted in said if not any(is_named(account.name, wanted) for account in accounts)]


@dataclass(frozen=True)
class Planned:
    """One account with what happens to it."""

    account: Account
    fate: Fate
    differences: tuple[str, ...] = ()
    """How the server's differs from the dump's, in words."""

    @property
    def is_work(self) -> bool:
        """Say whether statements are to be run for it."""
        return self.fate in {Fate.CREATE, Fate.REPLACE, Fate.COMPLETE}


def plan(
    dumped: Sequence[Account], live: Iterable[Account], choice: Choice, kept_back: Collection[AccountName]
) -> list[Planned]:
    """Decide for each account of a dump that the choice takes; those that it does not name are left out of the list."""
    there = {account.name: account for account in live}
    return [
        _planned(account, there.get(account.name), choice, account.name in kept_back)
        for account in dumped
        if not choice.only or choice.names(account.name)
    ]


def _planned(account: Account, live: Account | None, choice: Choice, is_kept_back: bool) -> Planned:
    if any(is_named(account.name, wanted) for wanted in choice.exclude):
        return Planned(account, Fate.EXCLUDED)
    if is_kept_back and not choice.names(account.name):
        return Planned(account, Fate.KEPT_BACK)
    if live is None:
        return Planned(account, Fate.CREATE)
    found = tuple(changes(account, live))
    if not found:
        return Planned(account, Fate.SAME)
    return Planned(account, Fate.REPLACE if choice.force else Fate.CONFLICT, found)


def absent_roles(
    planned: Iterable[Planned], dumped: Iterable[Account], live: Iterable[Account]
) -> dict[AccountName, list[AccountName]]:
    """Return by role of the dump who is to become its member, though it is neither on the server nor to be made."""
    work = [one.account for one in planned if one.is_work]
    there = {account.name for account in (*work, *live)}
    absent = {str(account.name): account.name for account in dumped if account.name not in there}
    members: dict[AccountName, list[AccountName]] = {}
    for account in work:
        for role in sorted({grant.on for grant in account.grants if grant.privilege == MEMBERSHIP} & absent.keys()):
            members.setdefault(absent[role], []).append(account.name)
    return members


def completed(planned: Planned, waits_for: Collection[str]) -> Planned:
    """Return a conflict as one to complete where an earlier restore left nothing undone but grants on these databases.

    Each difference must name one of them: whatever else was changed since then stays a conflict.
    """
    if planned.fate is not Fate.CONFLICT or not waits_for or beyond(planned.differences, waits_for):
        return planned
    return replace(planned, fate=Fate.COMPLETE)


def beyond(words: Iterable[str], databases: Collection[str]) -> tuple[str, ...]:
    """Return of the differences those that are more than the lack of something on one of these databases."""
    return tuple(one for one in words if not (one.startswith(LACKS) and any(show(name) in one for name in databases)))


def in_order(statements: Iterable[Statement]) -> list[Statement]:
    """Return statements in an order that works: roles, users, memberships, settings, grants."""
    return sorted(statements, key=lambda statement: (ORDER[statement.kind], statement.place))
