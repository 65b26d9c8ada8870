"""Asks a server for its accounts, and makes of each the statements that make it again.

The server's own words are kept (SHOW CREATE USER, SHOW GRANTS); memberships and default roles are read from its tables,
since MariaDB mixes what a role inherits into SHOW GRANTS. An account that the server lists and cannot show is a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vya_backup.decisions.accounts import AccountName, Kind
from vya_backup.engines.answers import Gap
from vya_backup.engines.mysql.questions import identifier, literal, records, rows
from vya_backup.engines.mysql.users.creation import parse_creation
from vya_backup.engines.mysql.users.dialects import PUBLIC, Dialect
from vya_backup.engines.mysql.users.grants import parse_grant
from vya_backup.engines.mysql.users.statements import Written

if TYPE_CHECKING:
    from sqlalchemy import Connection

SESSION = "SET SESSION sql_mode = '' /*!80017 , SESSION print_identified_with_as_hex = ON */"
"""Hashes of MySQL hold bytes that are no text; MariaDB reads the first half only."""
_NOT_THERE = frozenset({1133, 1141, 1269, 1396, 1449})
_NO_TABLE = 1146
_CREATE = "CREATE USER "
_MEMBERS = {
    True: "SELECT TO_USER, TO_HOST, FROM_USER, FROM_HOST, WITH_ADMIN_OPTION FROM mysql.role_edges",
    False: "SELECT User, Host, Role, '', Admin_option FROM mysql.roles_mapping",
}
_DEFAULTS = {
    True: "SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles",
    False: "SELECT User, Host, default_role, '' FROM mysql.user WHERE default_role <> ''",
}


@dataclass(frozen=True)
class Answers:
    """What a server says of its accounts."""

    written: tuple[Written, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class _Listed:
    """One row of the server's list."""

    name: AccountName
    is_role: bool
    row: Mapping[str, Any]


def ask(connection: Connection, dialect: Dialect) -> Answers:
    """Ask for every account that the server did not make itself."""
    connection.exec_driver_sql(SESSION, execution_options={"no_parameters": True})
    asked = _Asked(connection, dialect)
    written: list[Written] = []
    for listed in asked.everybody():
        written += asked.statements_of(listed)
    return Answers(tuple(written), tuple(asked.gaps))


class _Asked:
    """One round of questions."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self.connection = connection
        self.dialect = dialect
        self.gaps: list[Gap] = []
        self.names: frozenset[AccountName] = frozenset()
        self.members = self._of_members()
        self.defaults = self._of_defaults()

    def everybody(self) -> list[_Listed]:
        """Return the list, by name."""
        found = [_listed(row, self.dialect) for row in records(self.connection, "SELECT * FROM mysql.user")]
        self.names = frozenset(one.name for one in found)
        return sorted((one for one in found if one.name not in self.dialect.built_in), key=lambda one: one.name)

    def statements_of(self, listed: _Listed) -> list[Written]:
        """Return what makes one account again; none where the server cannot show it, which is noted as a gap."""
        from sqlalchemy.exc import DBAPIError

        try:
            return list(self._statements(listed))
        except DBAPIError as error:
            code, reason = error.orig.args[:2] if error.orig and len(error.orig.args) > 1 else (0, "")
            if code not in _NOT_THERE:
                raise
            remedy = "FLUSH PRIVILEGES; with skip_name_resolve give it an address; or remove what is left of it."
            what = f"the server lists the account and cannot show it: {reason} [{code}]"
            self.gaps.append(Gap("role" if listed.is_role else "user", str(listed.name), what, remedy))
            return []

    def _statements(self, listed: _Listed) -> Iterator[Written]:
        account = self.dialect.account(listed.name)
        grants = [str(line) for (line,) in rows(self.connection, f"SHOW GRANTS FOR {account}")]
        yield from self._creation(listed, account)
        for role, admin in sorted(self.members.get(listed.name, ())):
            text = f"GRANT {self.dialect.account(role)} TO {account}" + (" WITH ADMIN OPTION" if admin else "")
            yield _written(listed, Kind.MEMBERSHIP, text)
        if defaults := self._roles_there(listed):
            names = ", ".join(sorted(map(self.dialect.account, defaults)))
            text = f"SET DEFAULT ROLE {names} {self.dialect.default_role_for} {account}"
            yield _written(listed, Kind.DEFAULT_ROLE, text)
        yield from self._grants(listed, account, grants)

    def _roles_there(self, listed: _Listed) -> list[AccountName]:
        """Return the default roles of an account; MariaDB keeps the name of one that was dropped."""
        found = self.defaults.get(listed.name, [])
        dropped = [role for role in found if role not in self.names]
        if dropped:
            account = self.dialect.account(listed.name)
            remedy = f"SET DEFAULT ROLE NONE {self.dialect.default_role_for} {account}"
            reason = f"its default role {', '.join(map(str, dropped))} does not exist"
            self.gaps.append(Gap("default role", str(listed.name), reason, remedy))
        return [role for role in found if role not in dropped]

    def _creation(self, listed: _Listed, account: str) -> Iterator[Written]:
        if listed.name == PUBLIC and not self.dialect.roles_have_hosts:
            return
        if listed.is_role and not self.dialect.roles_have_hosts:
            yield _written(listed, Kind.ROLE, f"CREATE ROLE IF NOT EXISTS {account}")
            return
        shown, *lifetimes = (str(row[0]) for row in rows(self.connection, f"SHOW CREATE USER {account}"))
        as_shown = f"{identifier(listed.name.user)}@{identifier(listed.name.host)}"
        text = shown.replace(f"{_CREATE}{as_shown}", f"{_CREATE}IF NOT EXISTS {account}", 1)
        if self.dialect.roles_have_hosts:
            text = without_default_roles(with_quotes(text, listed.row))
            self._note_second_password(listed)
        yield _written(listed, Kind.ROLE if listed.is_role else Kind.USER, text)
        for lifetime in (f" PASSWORD EXPIRE {said}" for said in _lifetimes(listed, lifetimes)):
            yield _written(listed, Kind.ATTRIBUTE, f"ALTER USER {account}{lifetime}")

    def _note_second_password(self, listed: _Listed) -> None:
        if "additional_password" in str(listed.row.get("user_attributes") or ""):
            reason = "its second password (RETAIN CURRENT PASSWORD) cannot be read; only the newer one comes back"
            remedy = "Finish the change of its password: ALTER USER … DISCARD OLD PASSWORD."
            self.gaps.append(Gap("second password", str(listed.name), reason, remedy))

    def _grants(self, listed: _Listed, account: str, grants: Sequence[str]) -> Iterator[Written]:
        for line in filter(None, map(parse_grant, grants)):
            if line.grantee == listed.name and not line.is_empty:
                kind = Kind.OBJECT_GRANT if line.level.database else Kind.GRANT
                yield _written(listed, kind, line.statement(account), line.level.database)

    def _of_members(self) -> dict[AccountName, list[tuple[AccountName, bool]]]:
        found: dict[AccountName, list[tuple[AccountName, bool]]] = {}
        for user, host, role, role_host, admin in self._rows(_MEMBERS[self.dialect.roles_have_hosts]):
            found.setdefault(AccountName(user, host), []).append((AccountName(role, role_host), admin == "Y"))
        return found

    def _of_defaults(self) -> dict[AccountName, list[AccountName]]:
        found: dict[AccountName, list[AccountName]] = {}
        for user, host, role, role_host in self._rows(_DEFAULTS[self.dialect.roles_have_hosts]):
            found.setdefault(AccountName(user, host), []).append(AccountName(role, role_host))
        return found

    def _rows(self, question: str) -> list[tuple[str, ...]]:
        """Return a table's rows as text; a server that is too old to have roles has no such table."""
        from sqlalchemy.exc import DBAPIError

        try:
            return [tuple(map(_text, row)) for row in rows(self.connection, question)]
        except DBAPIError as error:
            if error.orig is None or error.orig.args[0] != _NO_TABLE:
                raise
            return []


def _listed(row: Mapping[str, Any], dialect: Dialect) -> _Listed:
    lowered = {name.lower(): value for name, value in row.items()}
    name = AccountName(_text(lowered["user"]), _text(lowered["host"]))
    if not dialect.roles_have_hosts:
        return _Listed(name, lowered.get("is_role") == "Y", lowered)
    locked = lowered.get("account_locked") == "Y" and lowered.get("password_expired") == "Y"
    return _Listed(name, locked and not lowered.get("authentication_string"), lowered)


def _lifetimes(listed: _Listed, shown: Sequence[str]) -> list[str]:
    """Return how long a password is valid where it has expired as well, which hides that in CREATE USER.

    MariaDB shows it in a line of its own, MySQL in its table only.
    """
    told = [line.rpartition(" PASSWORD EXPIRE ")[2] for line in shown]
    days = listed.row.get("password_lifetime")
    if days is not None and listed.row.get("password_expired") == "Y" and "account_locked" in listed.row:
        told.append(f"INTERVAL {int(days)} DAY" if int(days) else "NEVER")
    return told[:1]


def _written(listed: _Listed, kind: Kind, text: str, database: str = "") -> Written:
    return Written(listed.name, listed.is_role, kind, text, database)


def with_quotes(text: str, row: Mapping[str, Any]) -> str:
    """Quote what a certificate must have: MySQL writes it as it is, so that a quotation mark in it ends the text."""
    named = (("SUBJECT", "x509_subject"), ("ISSUER", "x509_issuer"), ("CIPHER", "ssl_cipher"))
    told = [(word, _text(row.get(column))) for word, column in named if row.get(column)]
    as_shown = " ".join(f"{word} '{said}'" for word, said in told)
    return text.replace(as_shown, " ".join(f"{word} {literal(said)}" for word, said in told), 1) if told else text


def without_default_roles(text: str) -> str:
    """Take DEFAULT ROLE out: it would make members of them, and has a statement of its own."""
    said = parse_creation(text).sections.get("DEFAULT ROLE")
    return text.replace(f"{said} ", "", 1) if said else text


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes | bytearray) else str(value or "")
