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

FIRST = -1
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
    is_old = any(isinstance(one, said.Membership) and one.inherit is None for one in values(live))
    mine, now = (_by_role(values(account), is_old=is_old) for account in (wanted, live))
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
        if before and before.grantor != one.grantor:  # of an old server, where a second GRANT would leave it as it is
            yield _plain(Kind.MEMBERSHIP, writing.revoked(before), FIRST)
        if before is None or not _is_alike(before, one):
            text = writing.granted(one)
            yield _plain(Kind.MEMBERSHIP, text, places.get(text, 0))


def _is_alike(before: said.Membership, one: said.Membership) -> bool:
    """Say whether a membership is what it should be; what the dump does not say is not judged."""
    if (before.admin, before.grantor) != (one.admin, one.grantor):
        return False
    return one.inherit is None or (before.inherit, before.set is not False) == (one.inherit, one.set is not False)


def _by_role(found: Iterable[said.Said], *, is_old: bool) -> dict[tuple[str, str, str], said.Membership]:
    """Return memberships by role, member and grantor: on an old server only one can have granted the same."""
    members = [one for one in found if isinstance(one, said.Membership)]
    return {(one.role, one.member, "" if is_old else one.grantor): one for one in members}


def _plain(kind: Kind, text: str, place: int = 0) -> Statement:
    return Statement(kind, text, text, place=place)
