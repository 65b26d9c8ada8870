"""What a failure says about a backup, and when an answer is the expected one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from vya_backup.decisions.drills import agrees, blame, concerns
from vya_backup.errors import (
    ArtifactDamaged,
    BackupError,
    RestoreFailed,
    RestoreRefused,
    SpaceMissing,
    TimedOut,
    ToolMissing,
)


@pytest.mark.parametrize(
    ("error", "fed", "ground_lost", "verdict"),
    [
        (RestoreFailed("it differs"), True, False, "fail"),
        (RestoreFailed("it differs"), True, True, "cannot judge"),
        (RestoreRefused("no extension"), False, False, "cannot judge"),
        (RestoreFailed("no such locale"), False, False, "cannot judge"),
        (SpaceMissing("no room"), True, False, "cannot judge"),
        (TimedOut("too slow"), True, False, "cannot judge"),
        (ToolMissing("no psql"), True, False, "cannot judge"),
        (ArtifactDamaged("cut short"), False, False, "fail"),
        (ArtifactDamaged("cut short"), True, True, "fail"),
    ],
)
def test_only_what_the_dump_itself_did_is_held_against_it(
    error: BackupError, fed: bool, ground_lost: bool, verdict: str
) -> None:
    """And never while its ground gave way, or before anything had read it."""
    assert blame(error, fed=fed, ground_lost=ground_lost) == verdict


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(5, 5), (Decimal("5.0"), 5), (5, 5.0), ("x", "x"), (b"x", "x"), (7, "7"), (True, True), (1, True), (0, False)],
)
def test_an_answer_agrees_however_its_engine_spells_it(answer: object, expected: bool | float | str) -> None:
    """Numbers by their value, truth as 0 and 1, everything else as text."""
    assert agrees(answer, expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(None, 0), (None, False), (None, ""), (5, 6), (2, True), ("x", 1), ("x", "X"), ("yes", True), (1, False)],
)
def test_any_other_answer_does_not_agree(answer: object, expected: bool | float | str) -> None:
    """No row and NULL least of all."""
    assert not agrees(answer, expected)


def test_an_assertion_is_about_its_database_or_its_glob() -> None:
    """Exact keys win over the meaning of their characters."""
    assert concerns("prod/shop", "prod/shop")
    assert concerns("prod-*/shop", "prod-1/shop")
    assert concerns("prod/a[b", "prod/a[b")
    assert not concerns("prod/shop", "prod/shop2")
