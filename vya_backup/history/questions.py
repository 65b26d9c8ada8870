"""The questions that auditors ask, each one file of `catalog/questions`: SQL with a head that says what it is for.

The rule: a parameter that is not given, or is empty, has its default in the SQL itself, so that the shell, the
evidence and the site, which knows only texts, get the same answer. Columns are raw: bytes, seconds, times in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vya_backup.errors import UsageError
from vya_backup.history.reading import Reads
from vya_backup.resources import resource

if TYPE_CHECKING:
    from vya_backup.history.catalog import Catalog

_HEAD: Final = re.compile(r"-- (title|about|serves|parameter (\w+)): (.+)")
_WHEN: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?")
_TIMES: Final = frozenset({"from", "to", "on"})


@dataclass(frozen=True)
class Parameter:
    """What may be said to a question; `about` ends with its default in words."""

    name: str
    about: str


@dataclass(frozen=True)
class Question:
    """One question: `serves` names the controls, `sql` takes `parameters` by name."""

    name: str
    title: str
    about: str
    serves: str
    parameters: tuple[Parameter, ...]
    sql: str

    @property
    def takes(self) -> tuple[str, ...]:
        """Return the names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)


@dataclass(frozen=True)
class Answer:
    """The rows of a question, raw, under the names of their columns."""

    question: Question
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as mappings."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@cache
def questions() -> tuple[Question, ...]:
    """Return every question, by name."""
    return tuple(_read(file) for file in sorted(resource("catalog/questions").glob("*.sql")))


def question(name: str) -> Question:
    """Return one question.

    Raises:
        UsageError: there is none of that name; the hint lists those there are.
    """
    for one in questions():
        if one.name == name:
            return one
    raise UsageError(f"there is no question {name!r}", f"There is: {', '.join(one.name for one in questions())}.")


def ask(reads: Reads, asked: Question, values: Mapping[str, Any] | None = None) -> Answer:
    """Return the answer; what is not in `values` has its default.

    Raises:
        UsageError: a value for what the question does not take, or a time that is none.
        CatalogError: the catalog cannot be read.
    """
    given = dict(values or {})
    if unknown := sorted(set(given) - set(asked.takes)):
        raise UsageError(f"{asked.name} does not take {', '.join(unknown)}", f"It takes {', '.join(asked.takes)}.")
    for name in sorted(_TIMES & set(given)):
        demand_time(name, str(given[name] or ""))
    rows = reads.rows(asked.sql, {name: given.get(name) for name in asked.takes})
    columns = tuple(rows[0].keys()) if rows else _columns(reads, asked)
    return Answer(asked, columns, tuple(tuple(row) for row in rows))


def each(catalog: Catalog, asked: Question, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of an answer of any length, the names of its columns first."""
    given = dict.fromkeys(asked.takes) | dict(values)
    yield _columns(catalog, asked)
    yield from catalog.stream(asked.sql, given)


def demand_time(name: str, said: str) -> None:
    """Refuse what SQLite would compare as a text without meaning.

    Raises:
        UsageError: it is neither a day nor a moment in UTC.
    """
    try:
        if not said or (_WHEN.fullmatch(said) and datetime.fromisoformat(said)):
            return
    except ValueError:
        pass
    raise UsageError(f"{name}: {said!r} is no time", "Say a day, 2026-03-01, or a moment in UTC, 2026-03-01T18:30:00Z.")


def _columns(reads: Reads, asked: Question) -> tuple[str, ...]:
    """Return the names of the columns of an answer without rows: one row of nothing but NULL has them."""
    nothing = dict.fromkeys(asked.takes) | {"limit": 0}
    row = reads.rows(f"SELECT a.* FROM (SELECT 1) LEFT JOIN ({asked.sql}) AS a", nothing)[0]
    return tuple(row.keys())


def _read(file: Path) -> Question:
    head: dict[str, str] = {}
    parameters: list[Parameter] = []
    lines = file.read_text(encoding="utf-8").splitlines()
    while lines and (found := _HEAD.fullmatch(lines[0])):
        if found[2]:
            parameters.append(Parameter(found[2], found[3]))
        else:
            head[found[1]] = found[3]
        lines.pop(0)
    return Question(file.stem, **head, parameters=tuple(parameters), sql="\n".join(lines).strip())
