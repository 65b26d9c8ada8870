"""What one SQLite database holds, through whatever connection `ask` stands for.

The rule: plain values only, so that the program's report and the engine's own count are made by the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Ask = Callable[[str], Sequence[Sequence[Any]]]
_SCHEMA = "SELECT type, name, tbl_name, coalesce(sql, ''), coalesce(rootpage, 0) FROM sqlite_master ORDER BY type, name"


def schema(ask: Ask) -> list[list[Any]]:
    """Return `[kind, name, table, sql]` of every object that the application made, sorted."""
    return [
        ["virtual_table" if kind == "table" and not root else kind, name, table, sql]
        for kind, name, table, sql, root in ask(_SCHEMA)
        if not name.lower().startswith("sqlite_")
    ]


def rows(ask: Ask, objects: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Return the exact row count of every table; a virtual table's rows are those of its shadow tables."""
    tables = [name for kind, name, _table, _sql in objects if kind == "table"]
    return {name: int(ask(f"SELECT count(*) FROM {quote(name)}")[0][0]) for name in tables}  # noqa: S608  # quoted


def sequences(ask: Ask) -> dict[str, int]:
    """Return the last value that each AUTOINCREMENT has given."""
    if not ask("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
        return {}
    return {str(name): int(value or 0) for name, value in ask("SELECT name, seq FROM sqlite_sequence")}


def full(ask: Ask) -> dict[str, Any]:
    """Return schema, rows and sequences as JSON values."""
    objects = schema(ask)
    return {"schema": objects, "rows": rows(ask, objects), "sequences": sequences(ask)}


def quote(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
