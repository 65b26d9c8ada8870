"""PURE: the statements that make a role of a server equal to the dump's, without dropping it.

The rule: what only one side has is taken away or given; what both have alike is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vya_backup.decisions.accounts import UNKNOWN, Account, Kind, Statement
from vya_backup.engines.postgresql.properties import identifier, literal
from vya_backup.engines.postgresql.roles import statements as said
from vya_backup.engines.postgresql.roles import writing
from vya_backup.engines.postgresql.roles.reading import attribute_statement, attributes_of, values

LAST = 1 << 30  # behind the place of any statement of a dump


def equalize(wanted: Account, live: Account) -> tuple[Statement, ...]:
    """Return the statements; the password is left alone where the dump does not know it."""
    here, there = values(wanted), values(live)
    role = wanted.name.user
    known = UNKNOWN not in {wanted.authentication, live.authentication}
    mine, now = attributes_of(here, role), attributes_of(there, role)
    if live.authentication == UNKNOWN and wanted.authentication != UNKNOWN:
        now, known = replace(now, password=None), wanted.authentication != ""
    return (
        *attribute_statement(mine, now, password=known),
        *_remarks(role, here, there),
        *_memberships(wanted, live),
        *_settings(here, there),
    )


def _remarks(role: str, here: Iterable[said.Said], there: Iterable[said.Said]) -> Iterator[Statement]:
    mine, now = (_texts(found) for found in (here, there))
    for provider in sorted(mine.keys() | now.keys()):
        if mine.get(provider) != now.get(provider):
            what = f"SECURITY LABEL FOR {identifier(provider)} ON ROLE" if provider else "COMMENT ON ROLE"
            text = literal(mine[provider]) if provider in mine else "NULL"
            yield _plain(Kind.COMMENT, f"{what} {identifier(role)} IS {text}")


def _texts(found: Iterable[said.Said]) -> dict[str, str]:
    """Return the labels by provider; the comment is that of nobody."""
    remarks = (one for one in found if isinstance(one, said.Label | said.Comment))
    return {one.provider if isinstance(one, said.Label) else "": one.text for one in remarks}


def _settings(here: Iterable[said.Said], there: Iterable[said.Said]) -> Iterator[Statement]:
    mine, now = ({(one.database, one.parameter): one for one in _only(found)} for found in (here, there))
    for place in sorted(now.keys() - mine.keys()):
        yield _setting(now[place], writing.reset(now[place]))
    for place, one in mine.items():
        if now.get(place) != one:
            yield _setting(one, writing.assigned(one))


def _only(found: Iterable[said.Said]) -> list[said.Setting]:
    return [one for one in found if isinstance(one, said.Setting)]


def _setting(one: said.Setting, text: str) -> Statement:
    kind = Kind.OBJECT_GRANT if one.database else Kind.SETTING
    return Statement(kind, text, text, one.database)


def _memberships(wanted: Account, live: Account) -> Iterator[Statement]:
    mine, now = (_by_role(values(account)) for account in (wanted, live))
    places, places_now = ({one.text: one.place for one in account.statements} for account in (wanted, live))

    def revoke(one: said.Membership, *, admin_only: bool = False) -> Statement:
        # After all that is granted, by which a grantor may still be one; and backwards, from the last grantee on.
        place = LAST - places_now.get(writing.granted(one), 0)
        return _plain(Kind.MEMBERSHIP, writing.revoked(one, admin_only=admin_only), place)

    yield from (revoke(now[key]) for key in sorted(now.keys() - mine.keys()))
    for key, one in mine.items():
        before = now.get(key)
        if before and before.admin and not one.admin:
            yield revoke(before, admin_only=True)
        if before is None or _options(before) != _options(one):
            text = writing.granted(one)
            yield _plain(Kind.MEMBERSHIP, text, places.get(text, 0))


def _options(one: said.Membership) -> tuple[bool, bool | None, bool]:
    return one.admin, one.inherit, one.set is not False


def _by_role(found: Iterable[said.Said]) -> dict[tuple[str, str, str], said.Membership]:
    """Return memberships by role and grantor, since from 16 on several may grant the same; before, only one does."""
    members = [one for one in found if isinstance(one, said.Membership)]
    return {(one.role, one.member, "" if one.inherit is None else one.grantor): one for one in members}


def _plain(kind: Kind, text: str, place: int = 0) -> Statement:
    return Statement(kind, text, text, place=place)
