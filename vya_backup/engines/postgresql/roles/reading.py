"""PURE: reads accounts out of a roles dump: pg_dumpall's part, and the part that this project writes after it.

The rule: every statement belongs to an account or is an error; every password is remembered before it can be shown.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vya_backup.decisions.accounts import MEMBERSHIP, UNKNOWN, Account, AccountName, Grant, Kind, Statement
from vya_backup.decisions.manifest import Objects
from vya_backup.decisions.naming import show
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.postgresql.roles import statements as said
from vya_backup.engines.postgresql.roles import writing
from vya_backup.engines.postgresql.roles.lexer import Remark, Sentence, script
from vya_backup.redaction import MASK, remember

MARK = "-- Accounts: "
"""Begins the line with what pg_dumpall does not tell, as JSON."""
END_OF_ROLES = "-- PostgreSQL database cluster dump complete"
END = "-- Accounts complete"
DEFAULT_BOOTSTRAP = "postgres"

# In words that read well after "became" and "is no longer".
_FLAGS = {
    "superuser": "superuser",
    "createrole": "allowed to create roles",
    "createdb": "allowed to create databases",
    "replication": "allowed to replicate",
    "bypassrls": "exempt from row security",
}


@dataclass(frozen=True)
class BootstrapAccount(Account):
    """The superuser that the server was made with, which every server has already."""


@dataclass(frozen=True)
class About:
    """What this project's part tells about a dump."""

    bootstrap: str = DEFAULT_BOOTSTRAP
    passwords: bool = True
    """Whether the account might read them; else those of the dump are unknown, not absent."""

    def line(self) -> str:
        """Return the line of the dump."""
        return MARK + json.dumps({"bootstrap": self.bootstrap, "passwords": self.passwords})


@dataclass
class _Role:
    """What was said of one role so far."""

    said: list[said.Said] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    """After the one that creates it."""


_Told = tuple[Sentence, said.Said]


@dataclass(frozen=True)
class Read:
    """What a text holds."""

    accounts: tuple[Account, ...]
    about: About
    endings: tuple[str, ...]
    """The end lines, in their order; the last one only where nothing follows it."""


def read(text: str) -> Read:
    """Return what a dump holds.

    Raises:
        ValueError: it is no roles dump; the message says where it stops being one.
    """
    roles: dict[str, _Role] = {}
    about, endings = About(), []
    sentences: list[tuple[Sentence, said.Said]] = []
    for item in script(text):
        if isinstance(item, Remark):
            about = _about(item.text) if item.text.startswith(MARK) else about
            endings += [item.text] if item.text in {END_OF_ROLES, END} else []
            continue
        if endings[-1:] == [END]:
            raise ValueError(f"line {item.line}: a statement follows the end line")
        if found := said.parse(item):
            sentences.append((item, found))
    told = list(_without_grantors(sentences, about.bootstrap))
    for place, (sentence, found) in enumerate([*_no_memberships(told), *_grantors_first(told)]):
        _note(roles, sentence, found, place)
    accounts = tuple(_account(name, role, about) for name, role in roles.items())
    return Read(accounts, about, tuple(endings))


def values(account: Account) -> list[said.Said]:
    """Return what the statements of an account say."""
    parsed = (
        said.parse(item) for one in account.statements for item in script(one.text + ";") if isinstance(item, Sentence)
    )
    return [found for found in parsed if found]


def objects(accounts: Iterable[Account]) -> Objects:
    """Return the manifest's names by kind: users, roles, memberships, and settings.

    The bootstrap superuser is only named: a drill makes its server with one, and leaves that as it is.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for account in accounts:
        name, is_own = str(account.name), not isinstance(account, BootstrapAccount)
        found[account.word if is_own else "user"].add(name)
        found["membership"] |= {f"{name} in {grant.on}" for grant in account.grants}
        if is_own:
            found["setting"] |= {f"{name}: {fact}" for fact in account.facts if fact.startswith("setting ")}
    return {kind: tuple(sorted(names)) for kind, names in sorted(found.items()) if names}


def summary(account: Account) -> dict[str, Any]:
    """Return what the metadata tells of an account: no password, no hash."""
    return {
        "name": account.name.user,
        "host": "",
        "role": account.is_role,
        "facts": dict(account.facts),
        "grants": sorted(map(str, account.grants)),
    }


def shape(accounts: Iterable[Account]) -> str:
    """Return a digest of all that is told of accounts: it is another one whenever anything but a password changes."""
    told = sorted((summary(account) for account in accounts), key=lambda one: str(one["name"]))
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def attributes_of(found: Iterable[said.Said], role: str) -> said.Attributes:
    """Return a role's attributes out of what is said of it."""
    return next((one for one in found if isinstance(one, said.Attributes)), said.untouched(role))


def attribute_statement(wanted: said.Attributes, live: said.Attributes, *, password: bool = True) -> list[Statement]:
    """Return the statement that makes attributes equal, none where they are; its password is remembered and masked."""
    text = writing.altered(wanted, live, password=password)
    hidden = writing.altered(replace(wanted, password=wanted.password and MASK), live, password=password)
    remember(wanted.password or "")
    return [Statement(Kind.ATTRIBUTE, text, hidden)] if text else []


def _no_memberships(told: Iterable[_Told]) -> list[_Told]:
    return [one for one in told if not isinstance(one[1], said.Membership)]


def _grantors_first(told: Iterable[_Told]) -> Iterator[_Told]:
    """Yield memberships so that each grantor has its ADMIN option before, as pg_dumpall 16 and later write them."""
    waiting = [(sentence, found) for sentence, found in told if isinstance(found, said.Membership)]
    admins: set[tuple[str, str]] = set()
    while waiting:
        ready: list[tuple[Sentence, said.Membership]] = []
        later: list[tuple[Sentence, said.Membership]] = []
        for one in waiting:
            is_ready = not one[1].grantor or (one[1].role, one[1].grantor) in admins
            (ready if is_ready else later).append(one)
        yield from ready or later
        admins |= {(found.role, found.member) for _, found in ready if found.admin}
        waiting = later if ready else []


def _is_predefined(role: str) -> bool:
    return role.startswith("pg_")


def _about(line: str) -> About:
    try:
        told = json.loads(line.removeprefix(MARK))
        return About(str(told["bootstrap"]), bool(told["passwords"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the line {MARK.strip()!r} cannot be read") from error


def _without_grantors(told: Iterable[_Told], bootstrap: str) -> Iterator[_Told]:
    """Yield what is said, with grantors only where they count.

    The bootstrap superuser may grant on every server, under whatever name. Before 16 anybody's name could stand there;
    pg_dumpall 16 and later leave all of them out for such servers, here those without the ADMIN option.
    """
    said_so = list(told)
    members = [found for _, found in said_so if isinstance(found, said.Membership)]
    admins = {(one.role, one.member) for one in members if one.admin}
    for sentence, found in said_so:
        if isinstance(found, said.Membership):
            is_vain = found.inherit is None and (found.role, found.grantor) not in admins
            yield sentence, replace(found, grantor="") if is_vain or found.grantor == bootstrap else found
        else:
            yield sentence, found


def _note(roles: dict[str, _Role], sentence: Sentence, found: said.Said, place: int) -> None:
    name = found.member if isinstance(found, said.Membership) and not _is_predefined(found.member) else found.role
    if isinstance(found, said.Created):
        roles[name] = _Role()
    if name not in roles:
        raise ValueError(f"line {sentence.line}: it is about the role {show(name)}, which was not created before")
    role = roles[name]
    role.said.append(found)
    match found:
        case said.Attributes():
            role.statements += attribute_statement(found, said.untouched(name))
        case said.Membership():
            role.statements.append(
                Statement(Kind.MEMBERSHIP, writing.granted(found), writing.granted(found), place=place)
            )
        case said.Setting(database=database):
            kind = Kind.OBJECT_GRANT if database else Kind.SETTING
            role.statements.append(Statement(kind, sentence.text, sentence.text, database, place))
        case said.Comment() | said.Label():
            role.statements.append(Statement(Kind.COMMENT, sentence.text, sentence.text))


def _account(name: str, role: _Role, about: About) -> Account:
    attributes = attributes_of(role.said, name)
    is_role = not attributes.flags["login"]
    create = f"CREATE ROLE {identifier(name)}"
    made = BootstrapAccount if name == about.bootstrap else Account
    return made(
        AccountName(name),
        is_role,
        (Statement(Kind.ROLE if is_role else Kind.USER, create, create), *role.statements),
        dict(_facts(attributes, role.said)),
        frozenset(
            _grant(one, attributes) for one in role.said if isinstance(one, said.Membership) and one.member == name
        ),
        (attributes.password or "") if about.passwords else UNKNOWN,
    )


def _facts(attributes: said.Attributes, details: Iterable[said.Said]) -> Iterator[tuple[str, str]]:
    yield from ((words, "yes") for flag, words in _FLAGS.items() if attributes.flags[flag])
    if not attributes.flags["inherit"]:
        yield "without inheritance", "yes"
    if attributes.limit != said.UNLIMITED:
        yield "connection limit", str(attributes.limit)
    if attributes.valid_until not in {None, "infinity"}:
        yield "valid until", str(attributes.valid_until)
    for one in details:
        match one:
            case said.Setting():
                yield setting_name(one), show(", ".join(one.values))
            case said.Comment():
                yield "comment", show(one.text)
            case said.Membership() if _is_predefined(one.member):
                yield f"member {one.member}", "with admin option" if one.admin else "without admin option"
            case said.Label():
                yield f"security label of {show(one.provider)}", show(one.text)


def setting_name(one: said.Setting) -> str:
    """Return a setting's name among the facts."""
    return f"setting {show(one.parameter)}" + (f" in {show(one.database)}" if one.database else "")


def _grant(one: said.Membership, member: said.Attributes) -> Grant:
    # Where the option is not known, or not said, a member inherits as its own attribute says (GRANT, "INHERIT").
    inherits = member.flags["inherit"] if one.inherit is None else one.inherit
    words: Mapping[str, bool] = {
        "with admin option": one.admin,
        "without inheritance": not inherits,
        "without SET": one.set is False,
        f"granted by {show(one.grantor)}": bool(one.grantor),
    }
    return Grant(MEMBERSHIP, show(one.role), ", ".join(word for word, is_said in words.items() if is_said))
