"""Slots follow the local day, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vya_backup.decisions.schedule import longest_gap, timetables
from vya_backup.decisions.slots import Schedule, is_overdue, slot_at
from vya_backup.history.watching import Demands
from vya_backup.settings.scheduling_model import Scheduling

ZONES = ["UTC", "America/Sao_Paulo", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe"]
WEEKEND = [{"from": "00:00", "to": "24:00", "weekdays": ["sat", "sun"]}]
INTERVALS = [15, 60, 360, 720, 1440, 2880, 10080]


def daily(zone: str, minutes: int = 1440) -> Schedule:
    return Schedule(minutes, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "hours"),
    [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2028, 2, 29), 24)],
    ids=["spring night", "autumn night", "leap day"],
)
def test_a_daily_slot_is_the_local_day(day: tuple[int, int, int], hours: int) -> None:
    """The day has 23 hours in spring, 25 in autumn."""
    noon = datetime(*day, 12, tzinfo=ZoneInfo("Europe/Berlin"))

    slot = slot_at(noon, daily("Europe/Berlin"))

    assert slot.end - slot.start == timedelta(hours=hours)
    assert slot.start.astimezone(ZoneInfo("Europe/Berlin")).hour == 0


def test_hourly_slots_of_the_autumn_night_are_twenty_five() -> None:
    """The hour that comes twice is two slots, so neither backup hides the other."""
    schedule = daily("Europe/Berlin", 60)
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)

    slots = {slot_at(start + timedelta(minutes=10 * n), schedule).start for n in range(25 * 6)}

    assert len(slots) == 25


def test_the_last_slot_of_a_long_day_ends_with_the_day() -> None:
    """Six-hourly in the 25 hours of autumn: four slots of six hours and one of one."""
    schedule = daily("Europe/Berlin", 360)
    last = slot_at(datetime(2026, 10, 25, 22, 30, tzinfo=UTC), schedule)

    assert (last.start, last.end) == (
        datetime(2026, 10, 25, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )


def test_a_weekly_slot_begins_on_monday() -> None:
    """Seven days are an ISO week."""
    slot = slot_at(datetime(2026, 11, 21, 3, tzinfo=UTC), daily("UTC", 10080))

    assert (slot.start, slot.end) == (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))


@given(
    instant=st.datetimes(datetime(2018, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(ZONES),
    minutes=st.sampled_from(INTERVALS),
)
def test_slots_tile_time(instant: datetime, zone: str, minutes: int) -> None:
    """Every instant lies in its own slot, and the next slot begins where this one ends."""
    schedule = daily(zone, minutes)

    slot = slot_at(instant, schedule)

    assert slot.holds(instant)
    assert not slot.holds(slot.end)
    assert slot_at(slot.end, schedule).start == slot.end
    assert slot_at(slot.start, schedule) == slot


def test_overdue_begins_after_one_and_a_half_intervals() -> None:
    """A backup that is late by half an interval is overdue; none at all is always overdue."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    schedule = daily("UTC")

    assert is_overdue(None, now, schedule)
    assert not is_overdue(now - timedelta(hours=36), now, schedule)
    assert is_overdue(now - timedelta(hours=36, seconds=1), now, schedule)


@pytest.mark.parametrize(
    ("said", "newest", "first_late"),
    [
        ({}, "2026-11-20T01:33", "2026-11-21T13:34"),
        ({"weekdays": ["mon", "tue", "wed", "thu", "fri"]}, "2026-11-20T01:33", "2026-11-23T02:01"),  # a Friday
        ({"weekdays": ["mon", "tue", "wed", "thu", "fri"]}, "2026-11-19T01:33", "2026-11-20T13:34"),
        ({"weekdays": ["fri"]}, "2026-11-20T00:10", "2026-11-27T02:01"),  # by hand, before its time
        ({"blackout": WEEKEND}, "2026-11-20T01:33", "2026-11-23T02:01"),
        ({"method": "interval"}, "2026-11-20T10:00", "2026-11-21T22:01"),
        ({"interval_minutes": 720}, "2026-11-20T01:33", "2026-11-20T19:34"),
    ],
)
def test_where_the_days_are_named_nothing_is_overdue_before_one_of_them_has_passed(
    said: dict[str, object], newest: str, first_late: str
) -> None:
    """On a weekend none is expected; on the Monday after it, once that one is late."""
    scheduling = Scheduling.model_validate(said)
    table = timetables(scheduling)["backup"]
    schedule = Schedule(scheduling.interval_minutes, scheduling.zone, table)
    good, late = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (newest, first_late))

    assert not is_overdue(good, late - timedelta(minutes=2), schedule)
    assert is_overdue(good, late, schedule)
    demands = Demands(scheduling.interval_minutes, longest_gap(table) // timedelta(minutes=1))
    assert good + demands.overdue_after >= late - timedelta(hours=12)


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ({}, 0),
        ({"weekdays": ["mon", "tue", "wed", "thu", "fri"]}, 72),
        ({"weekdays": ["wed"]}, 168),
        ({"blackout": [{"from": "00:00", "to": "06:00", "weekdays": ["sun"]}]}, 48),
    ],
)
def test_the_longest_gap_is_that_of_a_weekend(said: dict[str, object], hours: int) -> None:
    """Where each day is the same there is nothing to know."""
    assert longest_gap(timetables(Scheduling.model_validate(said))["backup"]) == timedelta(hours=hours)
