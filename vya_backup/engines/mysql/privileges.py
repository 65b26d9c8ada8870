"""Proves from SHOW GRANTS that an account sees everything a dump needs.

The rule: counts are believed only after this proof, because an account without TRIGGER sees no trigger at all, in the
dump and in information_schema alike. Roles count when they are active, since the dump tool logs in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vya_backup.engines.answers import MissingPrivilege
from vya_backup.engines.mysql.connection import account
from vya_backup.engines.mysql.flavours import Flavour
from vya_backup.engines.mysql.questions import demand_answer, identifier, one, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

ON_THE_DATABASE = {
    "SELECT": "its tables cannot be read",
    "SHOW VIEW": "definitions of views cannot be read",
    "TRIGGER": "triggers are invisible, and a dump would silently lack them",
    "EVENT": "events are invisible, and a dump would silently lack them",
}
_NAME = r"`((?:[^`]|``)*)`"
_GRANT = re.compile(
    r"^(GRANT|REVOKE) (.+?) ON (?:TABLE |FUNCTION |PROCEDURE |PACKAGE (?:BODY )?)?"
    rf"(\*|{_NAME})\.(\*|{_NAME}) (?:TO|FROM) ",
    re.DOTALL,
)
_COLUMNS = re.compile(r"\([^)]*\)")
_WILDCARD = re.compile(r"(?<!\\)[%_]")


@dataclass(frozen=True)
class Grants:
    """What an account may do: everywhere, by pattern of databases, and on single tables."""

    everywhere: frozenset[str] = frozenset()
    databases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By the pattern as granted: `my\\_app`, `shop%`."""
    tables: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    revoked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Partial revokes: taken back from `everywhere` for one database."""

    def on(self, database: str, *, patterns: bool = True) -> frozenset[str]:
        """Return the privileges on a database: the global ones and those of the most specific pattern that matches.

        The server itself looks at one matching row only ("Access Control, Stage 2" of the manual). With MySQL's
        partial_revokes, wildcards are plain characters (`patterns=False`).
        """
        matching = [pattern for pattern in self.databases if _matches(pattern, database, wildcards=patterns)]
        best = max(matching, key=_specificity, default="")
        own = self.databases.get(best, frozenset())
        return own | (self.everywhere - self.revoked.get(database, frozenset()))

    def on_table(self, database: str, table: str) -> frozenset[str]:
        """Return the privileges on one table."""
        return self.on(database) | self.tables.get((database, table), frozenset())


def parse_grants(lines: Iterable[str]) -> Grants:
    """Read the lines of SHOW GRANTS; role memberships and USAGE say nothing here."""
    everywhere: set[str] = set()
    databases: dict[str, frozenset[str]] = {}
    tables: dict[tuple[str, str], frozenset[str]] = {}
    revoked: dict[str, frozenset[str]] = {}
    for line in lines:
        found = _GRANT.match(line)
        if not found:
            continue
        verb, words, schema, schema_name, table, table_name = found.groups()
        privileges = _privileges(words)
        database = _unquoted(schema_name)
        if verb == "REVOKE":
            revoked[database] = revoked.get(database, frozenset()) | privileges
        elif schema == "*":
            everywhere |= privileges
        elif table == "*":
            databases[database] = databases.get(database, frozenset()) | privileges
        else:
            key = (database, _unquoted(table_name))
            tables[key] = tables.get(key, frozenset()) | privileges
    return Grants(frozenset(everywhere), databases, tables, revoked)


def ask_grants(connection: Connection) -> Grants:
    """Ask for the account's own grants, those of its active roles, and what everybody has."""
    from sqlalchemy.exc import DBAPIError

    lines = [str(line) for (line,) in rows(connection, "SHOW GRANTS")]
    role = one(connection, "SELECT CURRENT_ROLE()")
    questions = []
    if role and role != "NONE":
        questions = [f"SHOW GRANTS FOR CURRENT_USER() USING {role}", "SHOW GRANTS FOR CURRENT_ROLE"]
    for question in (*questions, "SHOW GRANTS FOR PUBLIC"):
        try:
            lines += [str(line) for (line,) in rows(connection, question)]
        except DBAPIError as error:  # each family knows one of the two spellings, and only newer MariaDB has PUBLIC
            demand_answer(error)
            continue
    return parse_grants(lines)


def missing_privileges(connection: Connection, flavour: Flavour, database: str) -> tuple[MissingPrivilege, ...]:
    """Return what the account lacks for a complete dump, each with the statement that mends it."""
    patterns = not (flavour.partial_revokes and one(connection, "SELECT @@partial_revokes"))
    grants = ask_grants(connection)
    who = account(connection)
    held = grants.on(database, patterns=patterns)
    missing = [
        MissingPrivilege(word, reason, f"GRANT {word} ON {granted(database)}.* TO {who}")
        for word, reason in ON_THE_DATABASE.items()
        if not _has(held, word)
    ]
    if not _sees_routines(grants, held, flavour):
        reason = "bodies of routines that another account defined cannot be read"
        missing.append(
            MissingPrivilege(flavour.routine_privileges[0][0], reason, flavour.routine_remedy.format(account=who))
        )
    return tuple(missing)


def may(grants: Grants, *words: str) -> bool:
    """Say whether the account has any of these privileges everywhere."""
    return any(_has(grants.everywhere, word) for word in words)


def granted(database: str) -> str:
    """Quote a database's name for GRANT, where `_` and `%` would be wildcards."""
    return identifier(re.sub(r"([\\_%])", r"\\\1", database))


def _sees_routines(grants: Grants, held: frozenset[str], flavour: Flavour) -> bool:
    scopes = {"*.*": grants.everywhere, "database": held, "mysql.proc": grants.on_table("mysql", "proc")}
    return any(_has(scopes[scope], word) for word, scope in flavour.routine_privileges)


def _has(held: frozenset[str], word: str) -> bool:
    return word in held or ("ALL PRIVILEGES" in held and "_" not in word)


def _privileges(words: str) -> frozenset[str]:
    """Split `SELECT (a, b), SHOW VIEW`; a privilege on some columns only is none here."""
    parts = re.split(r",\s*(?![^(]*\))", words)
    return frozenset(part.strip() for part in parts if not _COLUMNS.search(part))


def _unquoted(name: str | None) -> str:
    return (name or "").replace("``", "`")


def _matches(pattern: str, database: str, *, wildcards: bool) -> bool:
    if pattern == database or not wildcards:
        return pattern == database
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    regex = "".join({"%": ".*", "_": "."}.get(p, re.escape(p[1:] if len(p) > 1 else p)) for p in parts)
    return re.fullmatch(regex, database, re.DOTALL) is not None


def _specificity(pattern: str) -> tuple[bool, int]:
    wildcard = _WILDCARD.search(pattern)
    return (wildcard is None, wildcard.start() if wildcard else len(pattern))
