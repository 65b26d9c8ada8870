"""The page of one question: its form, the control that it serves, and the first rows of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Final
from urllib.parse import urlencode

from vya_backup.errors import UsageError
from vya_backup.history.questions import Question, ask
from vya_backup.history.reading import Reads
from vya_backup.outlook.site.cells import NONE, arranged, cell
from vya_backup.outlook.site.surroundings import Surroundings

SHOWN: Final = 100
"""So many rows are drawn, because a page of thousands is slow and nobody reads it; exports have the others."""


@dataclass(frozen=True)
class AnswerPage:
    """A question with what was said to it; `rows` are cells as HTML, `problem` says why there is no answer."""

    question: Question
    values: dict[str, str]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    is_cut: bool = False
    problem: str = ""

    @property
    def export(self) -> str:
        """Return the query of an address that has the same answer, with as many rows as an export holds."""
        said = {name: value for name, value in self.values.items() if value}
        return urlencode({"limit": "-1"} | said if "limit" in self.question.takes else said)


def answer_page(reads: Reads, around: Surroundings, asked: Question, values: dict[str, str]) -> AnswerPage:
    """Return the page; `values` are what the form said, empty where it said nothing.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    page = AnswerPage(asked, values)
    most = SHOWN
    if values.get("limit", "").isdecimal():
        most = min(SHOWN, int(values["limit"]))
    try:
        answer = ask(reads, asked, values | {"limit": str(most + 1)} if "limit" in asked.takes else values)
    except UsageError as error:
        return replace(page, problem=str(error))
    places = arranged(list(answer.columns), lambda place: all(row[place] in {None, ""} for row in answer.rows))
    columns = tuple(answer.columns[place] for place in places)
    shown = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows[:most]]
    rows = tuple(tuple(_drawn(row, column, around) for column in columns) for row in shown)
    return replace(page, columns=columns, rows=rows, is_cut=len(answer.rows) > most)


def _drawn(row: Mapping[str, object], column: str, around: Surroundings) -> str:
    drawn = cell(row, column, row[column], around.zone)
    return escape(str(row[column])) if drawn is None else drawn or NONE
