"""A tool's words: believed when they tell of an error, kept without row data."""

from __future__ import annotations

import pytest

from vya_backup.decisions.evidence import error_in, facts_of


def test_details_and_quoted_values_are_left_out() -> None:
    """An event never holds row data."""
    said = "pg_dump: error: query failed: invalid value 'Ada'\nDETAIL:  Row (1, Ada)\nCONTEXT:  COPY x, line 3\n"

    assert facts_of(said) == "pg_dump: error: query failed: invalid value '…'"


def test_many_lines_are_counted() -> None:
    """Ten are kept."""
    assert facts_of("x\n" * 12).splitlines()[-1] == "(2 more lines)"


@pytest.mark.parametrize(
    "said",
    [
        "mysqldump: Error 2020: Got packet bigger than 'max_allowed_packet' bytes when dumping table `a` at row: 3",
        "pg_dump: error: connection to server was lost",
        "mariadb-dump: Got error: 2013: Lost connection",
        "FATAL: terminating connection",
    ],
)
def test_an_error_is_seen(said: str) -> None:
    """Whatever the exit status was."""
    assert error_in(f"a harmless line\n{said}\n")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "pg_dump: warning: there are circular foreign-key constraints on this table:",
        "mysqldump: [Warning] Using a password on the command line interface can be insecure.",
        "pg_dump: detail: table error_log",
    ],
)
def test_a_warning_is_no_error(said: str) -> None:
    """Names and warnings that hold the word do not end a dump."""
    assert not error_in(said)
