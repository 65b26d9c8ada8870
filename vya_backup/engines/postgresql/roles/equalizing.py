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

FIRST = -1  # what is revoked goes before what is granted


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
        *_memberships(wanted, here, there),
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


def _memberships(wanted: Account, here: Iterable[said.Said], there: Iterable[said.Said]) -> Iterator[Statement]:
    mine, now = (_by_role(found) for found in (here, there))
    places = {one.text: one.place for one in wanted.statements}
    for key in sorted(now.keys() - mine.keys()):
        yield _plain(Kind.MEMBERSHIP, writing.revoked(now[key]), FIRST)
    for key, one in mine.items():
        if key in now and now[key].admin and not one.admin:
            yield _plain(Kind.MEMBERSHIP, writing.revoked(now[key], admin_only=True), FIRST)
        if key not in now or now[key] != one:
            text = writing.granted(one)
            yield _plain(Kind.MEMBERSHIP, text, places.get(text, 0))


def _by_role(found: Iterable[said.Said]) -> dict[tuple[str, str], said.Membership]:
    """Return memberships by role and grantor, since from 16 on several may grant the same; before, only one does."""
    members = [one for one in found if isinstance(one, said.Membership)]
    return {(one.role, "" if one.inherit is None else one.grantor): one for one in members}


def _plain(kind: Kind, text: str, place: int = 0) -> Statement:
    return Statement(kind, text, text, place=place)
