"""What a report draws says the same in words."""

from __future__ import annotations

from typing import Any

import pytest

from vya_backup.outlook.evidence_plots import Line, calendar, calendar_svg, drills_svg, sizes_svg

DAYS = [f"2026-01-0{day}" for day in range(1, 8)]
KEY = ("host", "prod", "shop")


def backup(day: int, *, good: bool = True, size: int = 100) -> dict[str, Any]:
    """One attempt at two in the morning."""
    at = f"2026-01-0{day}T02:00:00.000000Z"
    where = dict(zip(("host", "instance", "database"), KEY, strict=True))
    return where | {"started_at": at, "good_since": at if good else None, "size_bytes": size if good else None}


def drill(day: int, verdict: str = "pass", seconds: float | None = 3.0) -> dict[str, Any]:
    """One drill at noon."""
    where = dict(zip(("host", "instance", "database"), KEY, strict=True))
    return where | {"at": f"2026-01-0{day}T12:00:00.000000Z", "verdict": verdict, "duration_seconds": seconds}


def line(*backups: dict[str, Any], interval: float = 1, known: tuple[str, str] = ("2025-01-01", "9999")) -> Line:
    """Return the one line of a calendar."""
    return calendar(DAYS, {KEY: known}, backups, [drill(2), drill(3, "fail")], interval)[0]


@pytest.mark.parametrize(
    ("backups", "interval", "known", "expected"),
    [
        (
            [backup(1), backup(2, good=False), backup(4)],
            1,
            ("2025-01-01", "9999"),
            "good failed missing good" + 3 * " missing",
        ),
        ([backup(2, good=False), backup(2)], 1, ("2026-01-02", "2026-01-03"), "absent good missing" + 4 * " absent"),
        ([backup(1)], 7, ("2025-01-01", "9999"), "good" + 6 * " between"),
        ([backup(1)], 3, ("2025-01-01", "9999"), "good between between" + 4 * " missing"),
        ([backup(1)], 1 / 24, ("2025-01-01", "9999"), "good" + 6 * " missing"),
    ],
)
def test_each_day_is_what_it_was(
    backups: list[dict[str, Any]], interval: float, known: tuple[str, str], expected: str
) -> None:
    """One good backup makes a day good; before a database was there, or after it was gone, nothing is missing."""
    assert " ".join(line(*backups, interval=interval, known=known).days) == expected


def test_a_database_that_came_later_or_was_gone_before_has_no_line() -> None:
    """It is not of this period."""
    known = {KEY: ("2026-02-01", "9999"), ("host", "prod", "old"): ("2025-01-01", "2025-12-31")}
    assert calendar(DAYS, known, [], [], 1) == []


def test_only_a_passed_drill_is_a_dot() -> None:
    """A failed one proves nothing; the words count what is drawn."""
    one = line(backup(1), backup(2, good=False))
    assert one.drilled == (False, True, False, False, False, False, False)
    drawn = calendar_svg(one)
    assert drawn.count("<circle") == 1
    words = "1 days with a good backup, 1 days with failures only, 5 days without any attempt, 1 with a passed drill"
    assert words in drawn


def test_sizes_are_those_of_good_backups_in_order_of_time() -> None:
    """Whatever order the answer has."""
    one = line(backup(3, size=300), backup(1, size=100), backup(2, good=False))
    assert one.sizes == (100, 300)
    assert 'points="2.0,16.7 118.0,2.0"' in sizes_svg(one.sizes, "sizes")
    assert "<polyline" not in sizes_svg((), "sizes")


def test_drills_are_drawn_by_their_verdict() -> None:
    """A dot or a cross; one without a duration has no place."""
    drawn = drills_svg([drill(1), drill(2, "fail", 100.0), drill(3, "abandoned", None)], DAYS)
    assert (drawn.count("<circle"), drawn.count('class="fail"')) == (1, 1)
    assert "2 drills by day and duration, 1 of them passed" in drawn
    assert "<svg" in drills_svg([], DAYS)
