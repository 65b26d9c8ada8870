"""Carries rows of the SQL views into frozen dataclasses, whose field names are the columns that are read.

Whoever asks the views a question takes `Reads`: the live catalog, or a reader's own connection to a published copy.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from vya_backup.clock import parse_rfc3339

_Line = TypeVar("_Line")


class Reads(Protocol):
    """What answers questions about history."""

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""


class Borrowed:
    """A connection that somebody else opened and closes, such as the auditors' site its copy of the catalog."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Return what a query finds, whatever the connection's own kind of rows.

        Raises:
            sqlite3.Error: the copy cannot be read.
        """
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(sql, parameters).fetchall()


def where(columns: Mapping[str, str | None], states: Iterable[str] | None = None) -> tuple[str, list[Any]]:
    """Return an SQL condition and its parameters; a column without a value is not asked about."""
    terms = [f"{column} = ?" for column, value in columns.items() if value is not None]
    parameters = [value for value in columns.values() if value is not None]
    if states is not None:
        wanted = list(states)
        terms.append(f"state IN ({', '.join('?' * len(wanted))})")
        parameters += wanted
    return " AND ".join(terms) or "1", parameters


def at_most(limit: int | None) -> int:
    """Return a LIMIT; None is all."""
    return -1 if limit is None else limit


def read(catalog: Reads, kind: type[_Line], tail: str, parameters: Iterable[Any] = ()) -> list[_Line]:
    """Return what `SELECT the fields FROM tail` finds, as instances of `kind`."""
    readers = _readers(cast(Hashable, kind))
    sql = f"SELECT {', '.join(readers)} FROM {tail}"
    return [_line(kind, readers, row) for row in catalog.rows(sql, tuple(parameters))]


def _line(kind: type[_Line], readers: Mapping[str, Any], row: sqlite3.Row) -> _Line:
    pairs = zip(readers.values(), row, strict=True)
    return kind(*(reader(value) if reader and value is not None else value for reader, value in pairs))


@cache
def _readers(kind: Any) -> dict[str, Any]:
    return {field.name: _READERS.get(str(field.type).removesuffix(" | None")) for field in fields(kind)}


_READERS: Mapping[str, Any] = {
    "datetime": parse_rfc3339,
    "bool": bool,
    "dict[str, int]": json.loads,
    "dict[str, Any]": json.loads,
    "list[dict[str, Any]]": json.loads,
}
