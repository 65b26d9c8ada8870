"""Long lines are folded for a terminal, and left alone for a file."""

from __future__ import annotations

import io

import pytest

from vya_backup.outlook.fitting import fitted, folded
from vya_backup.outlook.screen import Result, Screen

SENTENCE = "the account may not CREATE, DROP or ALTER anything in the database of the name shop, so grant it"


@pytest.mark.parametrize(
    ("line", "indent"),
    [("FAIL prod/shop  ", 5), ("note   ", 7), ("  - ", 4), ("       ", 9), ("error: ", 2), ("", 2)],
)
def test_what_is_folded_stands_below_its_own_text(line: str, indent: int) -> None:
    """The mark at the beginning stays alone in its column."""
    first, *rest = folded(line + SENTENCE, 60).split("\n")

    assert first.startswith(f"{line}the account")
    assert rest
    assert all(len(row) - len(row.lstrip()) == indent for row in rest)
    assert all(len(row) <= 60 for row in (first, *rest))


def test_a_path_is_never_broken() -> None:
    """It could not be copied any more."""
    path = "/var/backups/vya_backupdb/a-host/an-instance/a-database/2026-01-09/a-database_20260109_full.sql.gz"

    assert path in folded(f"FAIL prod/shop  the file of a backup is missing: {path}", 60).split()


def test_a_short_line_stays_as_it_is() -> None:
    """Its columns too."""
    assert folded("ok   prod/shop   1 MiB", 60) == "ok   prod/shop   1 MiB"


def test_a_file_gets_one_line_for_each_fact() -> None:
    """So that `grep` finds all of it."""
    assert fitted(SENTENCE * 2, io.StringIO()) == SENTENCE * 2


@pytest.mark.parametrize("note", ["prod/shop cannot take it", "prod/shop: cannot take it", "cannot take it"])
def test_a_result_names_its_database_once(note: str) -> None:
    """The message alone names it too, for the events and for JSON."""
    out = io.StringIO()
    Screen(out).result(Result("prod/shop", "failed", note))

    assert out.getvalue() == "FAIL prod/shop  cannot take it\n"


def test_another_name_that_begins_alike_is_kept() -> None:
    """`shop_copy` is not `shop`."""
    out = io.StringIO()
    Screen(out).result(Result("prod/shop", "failed", "prod/shop_copy cannot take it"))

    assert "prod/shop_copy cannot" in out.getvalue()
