"""PURE: the statements that make an account of a server equal to the dump's, its password included.

The rule: only what differs is touched, first what is too much, then what is missing; nothing is dropped, so that
whoever works with the account goes on working with everything that both states have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from vya_backup.decisions.accounts import Account, Kind, Statement
from vya_backup.engines.mysql.questions import literal
from vya_backup.engines.mysql.users.creation import Creation, parse_creation
from vya_backup.engines.mysql.users.dialects import Dialect
from vya_backup.engines.mysql.users.grants import ALL, GrantLine, Level, Privilege, merged, parse_grant
from vya_backup.engines.mysql.users.grants import parse_membership as parse_member
from vya_backup.engines.mysql.users.statements import DEFAULT_ROLES, masked
from vya_backup.engines.mysql.users.words import value

EVERYWHERE = "*.*"
_PASSWORDS = ("PASSWORD HISTORY", "PASSWORD REUSE", "PASSWORD REQUIRE")
_NEVER_SAID = "PASSWORD EXPIRE DEFAULT"
_LOCKS = ("FAILED_LOGIN_ATTEMPTS", "PASSWORD_LOCK_TIME")


def equalize(wanted: Account, live: Account, dialect: Dialect) -> tuple[Statement, ...]:
    """Return the statements; none where both are equal."""
    return (
        *_alter(wanted, live, dialect),
        *_memberships(wanted, live, dialect),
        *_default_roles(wanted, live, dialect),
        *_grants(wanted, live, dialect),
    )


# --------------------------------------------------------------------------- the account itself


def _alter(wanted: Account, live: Account, dialect: Dialect) -> Iterator[Statement]:
    creation, there = _creation(wanted), _creation(live)
    if creation is None or there is None or _is_same(wanted, live):
        return
    account = dialect.account(wanted.name)
    mine = _attributes(creation)
    told = [name for name, said in _attributes(there).items() if name not in mine or mine[name] != said]
    if told:  # attributes are merged into those that are there; null takes one away
        nothing = literal(json.dumps(dict.fromkeys(sorted(told))))
        yield _statement(Kind.ATTRIBUTE, f"ALTER USER {account} ATTRIBUTE {nothing}")
    if dialect.roles_have_hosts and wanted.authentication != live.authentication:
        yield _statement(Kind.ATTRIBUTE, f"ALTER USER {account} DISCARD OLD PASSWORD")
    yield _statement(Kind.ATTRIBUTE, f"ALTER USER {account} {' '.join(_clauses(creation, there, dialect))}")
    for expiry in _expiry(wanted, creation, live):
        yield _statement(Kind.ATTRIBUTE, f"ALTER USER {account} {expiry}")


def _expiry(wanted: Account, creation: Creation, live: Account) -> Iterator[str]:
    """Yield when the password expires, and where it has, how long the next one is valid."""
    expiry = creation.sections.get("PASSWORD EXPIRE", _NEVER_SAID)
    lifetime = [parse_creation(text).sections["PASSWORD EXPIRE"] for text in _of_kind(wanted, Kind.ATTRIBUTE)]
    told = [expiry, *(lifetime or [_NEVER_SAID])] if expiry == "PASSWORD EXPIRE" else [expiry]
    if _NEVER_SAID in told and "password expires" in live.facts:
        yield "PASSWORD EXPIRE NEVER"  # from an interval to DEFAULT, MySQL forgets the interval only at its next start
    yield from told


def _is_same(wanted: Account, live: Account) -> bool:
    def own(account: Account) -> dict[str, str]:
        return {name: told for name, told in account.facts.items() if name != DEFAULT_ROLES}

    kinds = (wanted.is_role, wanted.authentication), (live.is_role, live.authentication)
    return kinds[0] == kinds[1] and own(wanted) == own(live)


def _creation(account: Account) -> Creation | None:
    texts = (statement.text for statement in account.statements if statement.text.startswith("CREATE USER"))
    return next(map(parse_creation, texts), None)


def _attributes(creation: Creation) -> dict[str, object]:
    said = value(creation.sections.get("ATTRIBUTE", "").partition(" ")[2])
    return dict(json.loads(said)) if said else {}


def _clauses(wanted: Creation, live: Creation, dialect: Dialect) -> Iterator[str]:
    """Yield every clause but that of expiry, since ALTER USER leaves alone what it does not name."""
    sections = wanted.sections
    identified = sections.get("IDENTIFIED", "")
    if all(proof.secret is None for proof in wanted.proofs) and dialect.roles_have_hosts:
        identified = f"{identified} {dialect.no_password}"
    yield identified or dialect.no_password
    yield sections.get("REQUIRE", "REQUIRE NONE")
    said = sections.get("WITH", "WITH").split()[1:]
    limits = dict.fromkeys(dialect.limits, "0") | dict(zip(said[::2], said[1::2], strict=True))
    yield "WITH " + " ".join(f"{name} {limit}" for name, limit in limits.items())
    yield from (sections[name] for name in _PASSWORDS if name in sections)
    yield from (sections.get(name, f"{name} 0") for name in _LOCKS if name in sections or name in live.sections)
    yield sections.get("ACCOUNT", "ACCOUNT UNLOCK")
    if "ATTRIBUTE" in sections:
        yield sections["ATTRIBUTE"]


# --------------------------------------------------------------------------- memberships


def _memberships(wanted: Account, live: Account, dialect: Dialect) -> Iterator[Statement]:
    mine = _of_kind(wanted, Kind.MEMBERSHIP)
    for text in _of_kind(live, Kind.MEMBERSHIP):
        member = parse_member(text)
        if text not in mine and member is not None:
            role, name = dialect.account(member[0]), dialect.account(member[1])
            yield _statement(Kind.MEMBERSHIP, f"REVOKE {role} FROM {name}")
    there = _of_kind(live, Kind.MEMBERSHIP)
    yield from (_statement(Kind.MEMBERSHIP, text) for text in mine if text not in there)


def _default_roles(wanted: Account, live: Account, dialect: Dialect) -> Iterator[Statement]:
    changed = set(_of_kind(wanted, Kind.MEMBERSHIP)) != set(_of_kind(live, Kind.MEMBERSHIP))
    if wanted.facts.get(DEFAULT_ROLES) == live.facts.get(DEFAULT_ROLES) and not changed:
        return
    account = dialect.account(wanted.name)
    nothing = [f"SET DEFAULT ROLE NONE {dialect.default_role_for} {account}"] if DEFAULT_ROLES in live.facts else []
    for text in _of_kind(wanted, Kind.DEFAULT_ROLE) or nothing:
        yield _statement(Kind.DEFAULT_ROLE, text)


def _of_kind(account: Account, kind: Kind) -> list[str]:
    return [statement.text for statement in account.statements if statement.kind is kind]


# --------------------------------------------------------------------------- grants


@dataclass(frozen=True)
class _Unit:
    """What is granted and taken back together: a level, or one dynamic privilege."""

    level: Level
    revokes: bool
    dynamic: str


def _grants(wanted: Account, live: Account, dialect: Dialect) -> Iterator[Statement]:
    mine, theirs = _units(wanted, dialect), _units(live, dialect)
    account = dialect.account(wanted.name)
    for unit, line in theirs.items():
        if not unit.revokes:
            yield from _taken(unit, line, mine.get(unit), account)
    yield from _lifted(mine, theirs, account)
    option_lost = _loses_option(mine, theirs)
    given = [
        line
        for unit, line in mine.items()
        if not unit.revokes and (line != theirs.get(unit) or (option_lost and unit.dynamic))
    ]
    yield from (_about(line, line.statement(account)) for line in given)
    everywhere = any(line.level.sql == EVERYWHERE for line in given)  # which takes every partial revoke with it
    for unit, line in mine.items():
        if unit.revokes and (everywhere or line != theirs.get(unit)):
            yield _about(line, line.statement(account))


def _lifted(mine: dict[_Unit, GrantLine], theirs: dict[_Unit, GrantLine], account: str) -> Iterator[Statement]:
    """Give back what was partially revoked; while the global grant stands, this adds nothing to the database."""
    everywhere = {p.name for unit, line in mine.items() if unit.level.sql == EVERYWHERE for p in line.privileges}
    for unit, line in theirs.items():
        kept = set(mine[unit].privileges) if unit in mine else set[Privilege]()
        lifted = tuple(p for p in line.privileges if p not in kept and everywhere & {p.name, ALL})
        if unit.revokes and lifted:
            yield _about(line, replace(line, privileges=lifted, revokes=False).statement(account))


def _units(account: Account, dialect: Dialect) -> dict[_Unit, GrantLine]:
    """Return what is granted, by unit."""
    lines = [line for statement in account.statements if (line := parse_grant(statement.text))]
    found: dict[_Unit, GrantLine] = {}
    for line in merged(lines):
        dynamic = [p for p in line.privileges if dialect.dynamic_privileges and "_" in p.name]
        static = [p for p in line.privileges if p not in dynamic]
        for privilege in dynamic:
            found[_Unit(line.level, line.revokes, privilege.name)] = replace(line, privileges=(privilege,))
        if static:
            found[_Unit(line.level, line.revokes, "")] = replace(line, privileges=tuple(static))
    return found


def _taken(unit: _Unit, there: GrantLine, wanted: GrantLine | None, account: str) -> Iterator[Statement]:
    """Take back what is too much on one level."""
    kept = set(wanted.privileges) if wanted else set[Privilege]()
    lost = [p for p in there.privileges if p not in kept and Privilege(ALL) not in kept and p.name != "USAGE"]
    keeps_option = wanted is not None and wanted.with_option
    bound = unit.dynamic or there.privileges == (Privilege("PROXY"),)
    if there.with_option and not keeps_option and bound and not lost:
        lost = list(there.privileges)  # its option goes only with it; it is granted again without
    if lost:
        yield _about(there, f"REVOKE {', '.join(p.sql for p in lost)} ON {there.level.sql} FROM {account}")
    if there.with_option and not keeps_option and not bound:
        yield _about(there, f"REVOKE GRANT OPTION ON {there.level.sql} FROM {account}")


def _loses_option(mine: dict[_Unit, GrantLine], theirs: dict[_Unit, GrantLine]) -> bool:
    """Say whether the server's grant option on everything goes, which may go for each dynamic privilege too."""

    def has(units: Iterable[tuple[_Unit, GrantLine]]) -> bool:
        return any(line.with_option for unit, line in units if unit.level.sql == EVERYWHERE and not unit.dynamic)

    return has(theirs.items()) and not has(mine.items())


def _about(line: GrantLine, text: str) -> Statement:
    kind = Kind.OBJECT_GRANT if line.level.database else Kind.GRANT
    return _statement(kind, text, line.level.database)


def _statement(kind: Kind, text: str, database: str = "") -> Statement:
    return Statement(kind, text, masked(text), database)
