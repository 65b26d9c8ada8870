"""Reads out of a database's own dump who may do what on it: owners, grants and default privileges.

The rule: statements are read as a stream, outside of rows and bodies, and the last word on an object counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vya_backup.decisions.accounts import Account
from vya_backup.decisions.naming import show
from vya_backup.engines.accounts import DatabasePrivilege
from vya_backup.engines.postgresql.entries import Entry
from vya_backup.engines.postgresql.roles import statements as said
from vya_backup.engines.postgresql.roles.acl import PUBLIC, Acl, change
from vya_backup.engines.postgresql.roles.lexer import Sentence, script
from vya_backup.engines.postgresql.roles.reading import attributes_of, values
from vya_backup.engines.postgresql.stream import PostgresqlObserver

_WANTED = (b"GRANT ", b"REVOKE ", b"ALTER ")
_RELATIONS = frozenset({"view", "materialized view", "foreign table"})
_LONGEST = 1 << 20  # bytes of one GRANT; a longer ALTER is none of ours
_BY_DEFAULT = ("CONNECT", "TEMPORARY")  # what PUBLIC has on a database that nothing was granted on


def in_dump(
    plain: Iterable[bytes], database: str, properties: Mapping[str, Any], accounts: Iterable[Account]
) -> tuple[DatabasePrivilege, ...]:
    """Return every row, sorted; see `TellsDatabasePrivileges`."""
    statements = _Statements()
    acl = Acl(statements.kinds)
    for chunk in plain:
        for sentence in statements.among(chunk):
            change(acl, sentence)
    rows = {*_database(database, properties), *acl.rows()}
    known = list(accounts)
    return tuple(sorted({*rows, *_superusers(known), *_inherited(rows, known)}))


class _Statements(PostgresqlObserver):
    """The stream's observer, which also keeps the text of the statements that say who may do what."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, str] = {}
        self._kept: list[Sentence] = []
        self._whole = b""

    def among(self, chunk: bytes) -> Iterator[Sentence]:
        """See the next bytes; yield the statements that ended in them."""
        self.feed(chunk)
        kept, self._kept = self._kept, []
        yield from kept

    def _text(self, text: bytes) -> None:
        super()._text(text)
        begun = self._whole + text if self._whole else text.lstrip()
        is_wanted = any(begun.startswith(word[: len(begun)]) for word in _WANTED)
        self._whole = begun if is_wanted and len(begun) <= _LONGEST else b"-"  # of the others nothing is kept

    def _begin(self, found: Entry, line: bytes) -> None:
        super()._begin(found, line)
        if found.kind in _RELATIONS:
            self.kinds[found.name] = found.kind

    def _end_statement(self) -> None:
        super()._end_statement()
        whole, self._whole = self._whole, b""
        if whole.startswith(_WANTED):
            found = script(whole.decode(self._codec, "backslashreplace"))
            self._kept += [one for one in found if isinstance(one, Sentence)]


def _database(database: str, properties: Mapping[str, Any]) -> Iterator[DatabasePrivilege]:
    on = f"database {show(database)}"
    if owner := properties.get("owner"):
        yield DatabasePrivilege(show(owner), on, "owner")
    grants = properties.get("grants")
    if grants is None:
        yield from (DatabasePrivilege(PUBLIC, on, privilege) for privilege in _BY_DEFAULT)
        return
    for grantee, privilege, grantable in grants:
        if grantee != owner:
            option = " with grant option" if grantable else ""
            yield DatabasePrivilege(show(grantee) or PUBLIC, on, f"{privilege}{option}")


def _superusers(accounts: Iterable[Account]) -> Iterator[DatabasePrivilege]:
    for account in accounts:
        if "superuser" in account.facts:
            yield DatabasePrivilege(str(account.name), "everything", "superuser")


def _inherited(rows: Iterable[DatabasePrivilege], accounts: Iterable[Account]) -> Iterator[DatabasePrivilege]:
    """Yield what members may do through their roles, however far: by inheritance, or after SET ROLE."""
    of_role: defaultdict[str, list[DatabasePrivilege]] = defaultdict(list)
    for row in rows:
        of_role[row.account].append(row)
    roles = {str(account.name): _roles(account) for account in accounts}
    for name in roles:
        for through in sorted(_reachable(name, roles)):
            for row in of_role[through]:
                yield DatabasePrivilege(name, row.on, row.privilege, through)


def _roles(account: Account) -> set[str]:
    found = values(account)
    inherits = attributes_of(found, account.name.user).flags["inherit"]
    members = [one for one in found if isinstance(one, said.Membership)]
    # A membership that is neither inherited nor can be taken on only lets its roles be given away.
    usable = (one for one in members if one.set is not False or (inherits if one.inherit is None else one.inherit))
    return {show(one.role) for one in usable}


def _reachable(name: str, roles: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        following = roles.get(ahead.pop(), set()) - reached
        reached |= following
        ahead += following
    return reached - {name}
