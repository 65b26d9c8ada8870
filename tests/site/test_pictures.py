"""The pictures as values: what became of each day, round axes, the forecast of a full disk; and escaping."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from vya_backup.decisions.slots import Schedule, slot_at
from vya_backup.outlook.site import cells
from vya_backup.outlook.site.calendar import month
from vya_backup.outlook.site.days import Attempt, Past, Rehearsal, counted, days_of
from vya_backup.outlook.site.plot import MOST_POINTS, Frame, plot, thinned, ticks
from vya_backup.outlook.site.space import Room, bar, forecast
from vya_backup.outlook.site.strip import strip

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
DAILY = Schedule(1440, SAO_PAULO)
NOW = datetime(2026, 3, 20, 15, tzinfo=UTC)


def attempt(at: datetime, state: str = "good", schedule: Schedule = DAILY) -> Attempt:
    """Return a backup in the slot of its time."""
    slot = slot_at(at, schedule)
    return Attempt(f"backup of {at}", at, slot.start, slot.end, state)


def states(past: Past, first: date, last: date, schedule: Schedule = DAILY) -> list[str]:
    """Return the states of the days."""
    return [day.state for day in days_of(past, first, last, schedule, NOW)]


def test_each_day_has_the_state_of_its_slot() -> None:
    """Good, pruned since, failed then good, only failed, nothing, damaged since; today is still to come."""
    at = datetime(2026, 3, 14, 3, tzinfo=UTC)  # midnight in São Paulo
    day = timedelta(days=1)
    attempts = [
        attempt(at),
        attempt(at + day, "pruned"),
        attempt(at + 2 * day, "failed"),
        attempt(at + 2 * day + timedelta(minutes=5)),
        attempt(at + 3 * day, "abandoned"),
        attempt(at + 5 * day, "damaged"),
    ]
    found = states(Past(attempts, since=at), date(2026, 3, 13), date(2026, 3, 21))
    assert found == ["outside", "good", "good", "good", "failed", "missing", "damaged", "pending", "outside"]


def test_a_backup_just_before_local_midnight_belongs_to_the_day_that_ends() -> None:
    """23:59 in São Paulo is the next day in UTC."""
    late = datetime(2026, 3, 16, 2, 59, tzinfo=UTC)
    found = states(Past([attempt(late)], since=late), date(2026, 3, 15), date(2026, 3, 16))
    assert found == ["good", "missing"]


def test_a_day_of_many_slots_is_good_only_with_all_of_them() -> None:
    """Here with one every six hours, one of which failed."""
    schedule = Schedule(360, SAO_PAULO)
    begin = datetime(2026, 3, 17, 3, tzinfo=UTC)
    whole = [attempt(begin + timedelta(hours=6 * number), schedule=schedule) for number in range(4)]
    partly = [attempt(one.started_at + timedelta(days=1), schedule=schedule) for one in whole[:3]]
    found = states(Past([*whole, *partly], since=begin), date(2026, 3, 17), date(2026, 3, 18), schedule)
    assert found == ["good", "partial"]


def test_a_slot_of_a_week_covers_its_days() -> None:
    """So that a weekly schedule is not six days of missing backups."""
    schedule = Schedule(7 * 1440, SAO_PAULO)
    monday = datetime(2026, 3, 2, 5, tzinfo=UTC)
    found = states(
        Past([attempt(monday, schedule=schedule)], since=monday), date(2026, 3, 2), date(2026, 3, 10), schedule
    )
    assert found == ["good", *["covered"] * 6, "missing", "missing"]


def test_a_failure_without_a_backup_counts_and_the_worst_drill_shows() -> None:
    """A server out of reach never begins a backup."""
    at = datetime(2026, 3, 15, 12, tzinfo=UTC)
    drills = [Rehearsal(at, "pass"), Rehearsal(at, "fail")]
    day = days_of(Past([], [at], drills, at), date(2026, 3, 15), date(2026, 3, 15), DAILY, NOW)[0]
    assert (day.state, day.drilled) == ("failed", "fail")
    assert day.words == "2026-03-15: failed, drill failed"


def test_a_month_says_in_words_what_it_shows() -> None:
    """For who does not see it; and it is well-formed."""
    at = datetime(2026, 3, 14, 5, tzinfo=UTC)
    days = days_of(Past([attempt(at)], since=at), date(2026, 3, 1), date(2026, 3, 31), DAILY, NOW)
    drawn = month(2026, 3, {day.date: day for day in days})
    label = ElementTree.fromstring(drawn).attrib["aria-label"]
    assert label.startswith("March 2026: 1 good, 5 missing, 1 pending. 2026-03-15: missing;")
    assert counted(days) == "1 good, 5 missing, 1 pending"
    assert "last 31 days" in ElementTree.fromstring(strip(days)).attrib["aria-label"]


@pytest.mark.parametrize(
    ("top", "unit", "expected"),
    [
        (186 * 1024**2, "bytes", [0, 100 * 1024**2, 200 * 1024**2]),
        (3, "seconds", [0, 1, 2, 3]),
        (7200, "seconds", [0, 3600, 7200]),
        (0.2, "seconds", [0, 0.1, 0.2]),
    ],
)
def test_an_axis_has_round_values_that_hold_the_highest(top: float, unit: str, expected: list[float]) -> None:
    """In the unit of its size."""
    found = ticks(top, unit)  # type: ignore[arg-type]
    assert found[-1] >= top
    assert found == pytest.approx(expected)


def test_a_long_line_keeps_its_peak() -> None:
    """Of each stretch the highest value stays."""
    points = [(NOW + timedelta(days=number), float(number == 777)) for number in range(1000)]
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS
    assert max(value for _, value in kept) == 1.0


@pytest.mark.parametrize("values", [[], [0.0], [5.0], [0.0, 0.0], [1.0, 1e15]])
def test_a_plot_of_anything_is_well_formed(values: list[float]) -> None:
    """Nothing, one value, nothing but zeros, and very different ones."""
    points = [(NOW + timedelta(days=number), value) for number, value in enumerate(values)]
    drawn = plot(points, Frame("Size", "bytes", NOW, NOW + timedelta(days=9), SAO_PAULO))
    assert "nan" not in drawn
    assert ElementTree.fromstring(drawn).attrib["aria-label"].startswith("Size: ")


def rooms(free: list[int]) -> list[Room]:
    """Return what a disk of 1000 bytes had left, day by day."""
    return [Room(NOW + timedelta(days=number), 1000, value) for number, value in enumerate(free)]


def test_the_forecast_is_when_no_dump_is_begun_any_more() -> None:
    """Ten bytes a day go, 50 of the 1000 must stay."""
    found = forecast(rooms([900 - 10 * day for day in range(20)]), 5)
    assert found.full_at == NOW + timedelta(days=19 + (900 - 190 - 50) / 10)


def test_one_large_prune_does_not_turn_the_forecast() -> None:
    """The pace is a median."""
    free = [900 - 10 * day + (300 if day == 10 else 0) for day in range(20)]
    assert forecast(rooms(free), 0).pace == pytest.approx(10)


@pytest.mark.parametrize(
    ("free", "known", "is_full"),
    [([500], False, False), ([500] * 9, True, False), ([400, 450, 500, 550, 600], True, False), ([40] * 9, True, True)],
)
def test_a_forecast_says_what_it_does_not_know(free: list[int], *, known: bool, is_full: bool) -> None:
    """Too few days; nothing goes; it grows; it is full already."""
    found = forecast(rooms(free), 5)
    assert (found.known, found.full_at is not None) == (known, is_full)
    assert ElementTree.fromstring(bar(rooms(free)[-1], 5)).attrib["aria-label"].endswith("of the disk used")


EVIL = '<script>alert("x")</script>'


@pytest.mark.parametrize(
    "column",
    ["state", "type", "backup_id", "instance", "database", "hash", "path", "message", "data", "at", "size_bytes"],
)
def test_whatever_stands_in_a_cell_is_escaped(column: str) -> None:
    """Text of a server may be anything."""
    drawn = cells.cell({"instance": EVIL, "origin": EVIL}, column, EVIL, SAO_PAULO)
    folded = cells.cell({}, "data", f'{{"a": "{EVIL[:8]}", "b": "{"x" * 90}"}}', SAO_PAULO)
    assert "<script" not in (drawn or "")
    assert folded is not None
    assert "<script" not in folded
    assert folded.startswith("<details>")


@pytest.mark.parametrize("name", ["shop", "@users", "a/b", "a b.c~d%2F", "ção", "../x", "?q=1#x", "\udcff"])
def test_a_name_survives_its_address(name: str) -> None:
    """And no part of it is a slash, a dot or a mark that a proxy reads."""
    assert re.fullmatch(r"[A-Za-z0-9_~-]*", cells.encoded(name))
    if name != "\udcff":
        assert cells.decoded(cells.encoded(name)) == name
