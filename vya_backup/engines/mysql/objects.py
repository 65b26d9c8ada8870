"""What a database holds, as the server's catalogs list it: the exact names by kind.

The rule: only questions are asked here; what they mean for a backup is decided in `survey.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vya_backup.decisions.manifest import Objects
from vya_backup.engines.mysql.questions import of_schema, rows, spelled

if TYPE_CHECKING:
    from sqlalchemy import Connection

KINDS = {
    "BASE TABLE": "table",
    "SYSTEM VERSIONED": "table",
    "SEQUENCE": "sequence",
    "VIEW": "view",
    "SYSTEM VIEW": "view",
    "PROCEDURE": "procedure",
    "FUNCTION": "function",
    "PACKAGE": "package",
    "PACKAGE BODY": "package body",
    "LIBRARY": "library",
}
ROUTINE_KINDS = ("function", "procedure", "package", "package body", "library")
DATA_ELSEWHERE = frozenset({"MRG_MYISAM", "FEDERATED", "CONNECT", "SPIDER", "OQGRAPH", "BLACKHOLE", "SPHINX"})
"""Engines whose rows lie in other tables or servers, or nowhere."""


@dataclass(frozen=True)
class Table:
    """One row of information_schema.TABLES."""

    name: str
    kind: str
    engine: str
    versioned: bool
    size_bytes: int

    @property
    def is_counted(self) -> bool:
        """Say whether its rows are its own, so that they can be compared."""
        return self.kind == "table" and self.engine.upper() not in DATA_ELSEWHERE


@dataclass(frozen=True)
class Stored:
    """A stored program or view: what has a definer and a text."""

    kind: str
    name: str
    definer: str
    text: str
    table: str = ""
    """The table of a trigger."""


def tables(connection: Connection, database: str) -> tuple[Table, ...]:
    """List tables, sequences and views."""
    question = f"""SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, ''), COALESCE(DATA_LENGTH + INDEX_LENGTH, 0)
        FROM information_schema.TABLES WHERE {of_schema("TABLE_SCHEMA")} AND TABLE_TYPE <> 'TEMPORARY'"""  # noqa: S608
    return tuple(
        Table(str(name), KINDS.get(kind, "table"), str(engine), kind == "SYSTEM VERSIONED", int(size))
        for name, kind, engine, size in rows(connection, question, database=database)
    )


def stored(connection: Connection, database: str) -> tuple[Stored, ...]:
    """List views, routines, triggers and events with their definers and texts."""
    found = []
    for question in _STORED:
        found += [
            Stored(KINDS.get(kind, kind), str(name), str(definer or ""), str(text or ""), str(table or ""))
            for kind, name, definer, text, table in rows(connection, question, database=database)
        ]
    return tuple(found)


def by_kind(names: Iterable[tuple[str, str]]) -> Objects:
    """Return the sorted, spelled names by kind of (kind, exact name) pairs."""
    found: dict[str, list[str]] = {}
    for kind, name in names:
        found.setdefault(kind, []).append(spelled(name))
    return {kind: tuple(sorted(found[kind])) for kind in sorted(found)}


def exact_names(names: Iterable[str]) -> Mapping[str, list[str]]:
    """Return the exact names behind those that are spelled otherwise."""
    exact: dict[str, list[str]] = {}
    for name in names:
        if spelled(name) != name:
            exact.setdefault(spelled(name), []).append(name)
    return exact


_STORED = (
    f"""SELECT 'view', TABLE_NAME, DEFINER, VIEW_DEFINITION, '' FROM information_schema.VIEWS
        WHERE {of_schema("TABLE_SCHEMA")}""",  # noqa: S608
    f"""SELECT ROUTINE_TYPE, ROUTINE_NAME, DEFINER, ROUTINE_DEFINITION, '' FROM information_schema.ROUTINES
        WHERE {of_schema("ROUTINE_SCHEMA")}""",  # noqa: S608
    f"""SELECT 'trigger', TRIGGER_NAME, DEFINER, ACTION_STATEMENT, EVENT_OBJECT_TABLE
        FROM information_schema.TRIGGERS WHERE {of_schema("TRIGGER_SCHEMA")}""",  # noqa: S608
    f"""SELECT 'event', EVENT_NAME, DEFINER, EVENT_DEFINITION, '' FROM information_schema.EVENTS
        WHERE {of_schema("EVENT_SCHEMA")}""",  # noqa: S608
)
