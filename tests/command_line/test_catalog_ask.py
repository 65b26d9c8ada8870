"""An auditor's question from the shell."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.project import Project
from vya_backup.command_line.questioning import ask_catalog, ask_options
from vya_backup.command_line.session import GLOBAL_CONFIG
from vya_backup.decisions.tabular import csv_pieces
from vya_backup.errors import UsageError
from vya_backup.history.questions import questions


@pytest.fixture
def told(project: Project) -> Iterator[Project]:
    """A project with a backup, whose configuration this process uses."""
    assert project.run("backup").status == 0
    GLOBAL_CONFIG.append(project.folder / "config/config.yaml")
    yield project
    GLOBAL_CONFIG.pop()


def options(**said: Any) -> dict[str, Any]:
    """Return what the command line would give."""
    return {str(one["name"]): one["default"] for one in ask_options()} | said


def test_an_answer_is_csv_or_json(told: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With the same raw values."""
    assert ask_catalog(options(question="backups_made", database="shop")) == 0
    as_csv = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert ask_catalog(options(question="backups_made", database="shop", json=True)) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert [row["database"] for row in as_csv] == ["shop"]
    assert [row["backup_id"] for row in as_csv] == [row["backup_id"] for row in as_json]
    assert as_json[0]["size_bytes"] == int(as_csv[0]["size_bytes"])


def test_it_is_a_word_of_the_catalog(told: Project) -> None:
    """`doit catalog ask --question coverage --on DAY`."""
    rows = told.json("catalog", "ask", "--question", "coverage", "--on", "2000-01-01")
    assert rows == []
    done = told.run("catalog", "ask", "--question", "coverage", "--database", "shop")
    assert (done.status, len(done.out.splitlines())) == (0, 2), done.said


@pytest.mark.parametrize("as_json", [False, True])
def test_the_questions_are_listed(told: Project, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """With the control that each serves."""
    assert ask_catalog(options(json=as_json)) == 0
    said = capsys.readouterr().out
    assert all(one.name in said and one.serves in said for one in questions())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"question": "covrage"}, "no question"),
        ({"question": "coverage", "from": "2026-01-01"}, "does not take from"),
        ({"question": "coverage", "on": "soon"}, "is no time"),
        ({"question": "coverage", "limit": "many"}, "is no number"),
    ],
)
def test_what_makes_no_sense_is_refused(told: Project, said: dict[str, Any], words: str) -> None:
    """Before anything is answered."""
    with pytest.raises(UsageError, match=words):
        ask_catalog(options(**said))


def test_rows_of_any_number_are_written_in_pieces() -> None:
    """And no cell of them is a formula."""
    rows = [(number, None, "=1+1", "@users", "@SUM(1)") for number in range(60_000)]
    pieces = list(csv_pieces(("a", "b", "c", "d", "e"), rows))
    found = list(csv.reader(io.StringIO(b"".join(pieces).decode())))
    assert len(pieces) > 1
    assert len(found) == 60_001
    assert found[-1] == ["59999", "", "'=1+1", "@users", "'@SUM(1)"]
