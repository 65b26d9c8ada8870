"""When jobs are expected: golden nights, and what must hold in every zone and at every time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vya_backup.decisions.schedule import (
    Timetable,
    after_blackouts,
    expected_between,
    in_blackout,
    next_runs,
    skipped,
    timetables,
)
from vya_backup.settings.scheduling_model import Blackout, Scheduling, spelled

ZONES = ("UTC", "America/New_York", "America/Sao_Paulo", "America/Santiago", "Australia/Lord_Howe", "Europe/Lisbon")


def scheduling(**said: object) -> Scheduling:
    """Return a section as YAML would give it."""
    return Scheduling.model_validate(said)


def backups(**said: object) -> Timetable:
    """Return the timetable of the backups."""
    return timetables(scheduling(**said))["backup"]


def at(text: str) -> datetime:
    """Return an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(found: list[datetime], zone: str) -> list[str]:
    """Return instants as a wall clock shows them."""
    return [f"{one.astimezone(ZoneInfo(zone)):%a %m-%d %H:%M}" for one in found]


@pytest.mark.parametrize(
    ("zone", "time", "after", "golden"),
    [
        # the night of the gap: 02:30 does not exist on March 8
        ("America/New_York", "02:30", "2026-03-07T12:00", ["Sun 03-08 03:30", "Mon 03-09 02:30", "Tue 03-10 02:30"]),
        # the night of the fold: 01:30 comes twice on November 1
        ("America/New_York", "01:30", "2026-10-31T12:00", ["Sun 11-01 01:30", "Mon 11-02 01:30", "Tue 11-03 01:30"]),
        # a gap at midnight, another in which the clock goes only half an hour
        ("America/Santiago", "00:00", "2024-09-07T12:00", ["Sun 09-08 01:00", "Mon 09-09 00:00", "Tue 09-10 00:00"]),
        ("Australia/Lord_Howe", "02:15", "2026-10-03T12:00", ["Sun 10-04 02:45", "Mon 10-05 02:15", "Tue 10-06 02:15"]),
    ],
)
def test_both_odd_nights_have_one_run(zone: str, time: str, after: str, golden: list[str]) -> None:
    """Once after the gap, once of the two."""
    assert local(next_runs(backups(timezone=zone, calendar=[time]), at(after), 3), zone) == golden


def test_of_a_time_that_comes_twice_the_first_one_counts() -> None:
    """05:30 UTC is 01:30 of summer time."""
    found = next_runs(backups(timezone="America/New_York", calendar=["01:30"]), at("2026-11-01T00:00"), 2)
    assert found == [at("2026-11-01T05:30"), at("2026-11-02T06:30")]


def test_what_systemd_leaves_out_is_known_beforehand() -> None:
    """It has no elapse in a gap (systemd-analyze calendar shows that), so that the timer file names it."""
    table = backups(timezone="America/New_York", calendar=["01:30", "02:30"])
    found = skipped(table, at("2026-01-01T00:00").date(), 800)
    assert local(found, "America/New_York") == ["Sun 03-08 03:30", "Sun 03-14 03:30"]


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ({}, ["01:30"]),
        ({"interval_minutes": 10080}, ["01:30"]),
        ({"interval_minutes": 480}, ["01:30", "09:30", "17:30"]),
        ({"calendar": ["18:00", 90, "6:15"]}, ["01:30", "06:15", "18:00"]),
        ({"calendar": 1080}, ["18:00"]),  # YAML 1.1 reads 18:00 so
    ],
)
def test_the_times_of_a_day(said: dict[str, object], times: list[str]) -> None:
    """Named, or one for each interval."""
    assert [spelled(time) for time in backups(**said).times] == times


def test_nothing_is_expected_in_a_blackout_or_on_another_weekday() -> None:
    """Office hours, and one across midnight that begins on Fridays."""
    windows = [{"from": "08:00", "to": "18:00"}, {"from": "22:00", "to": "02:00", "weekdays": ["fri"]}]
    table = backups(calendar=["01:00", "09:00", "18:00", "23:00"], weekdays=["fri", "sat"], blackout=windows)
    found = expected_between(table, at("2026-01-08T00:00"), at("2026-01-11T12:00"))
    assert local(found, "UTC") == ["Fri 01-09 01:00", "Fri 01-09 18:00", "Sat 01-10 18:00", "Sat 01-10 23:00"]
    assert in_blackout(at("2026-01-10T01:59"), table) == Blackout.model_validate(windows[1])
    assert in_blackout(at("2026-01-10T02:00"), table) is None


def test_the_begin_is_not_expected_again_and_the_end_is() -> None:
    """So that periods that follow each other never share one."""
    table = backups(calendar=["01:30"])
    assert expected_between(table, at("2026-01-09T01:30"), at("2026-01-10T01:30")) == [at("2026-01-10T01:30")]


def test_with_method_interval_it_counts_from_the_last() -> None:
    """No time of day is meant."""
    table = backups(method="interval", interval_minutes=360)
    assert next_runs(table, at("2026-01-09T07:13"), 2) == [at("2026-01-09T13:13"), at("2026-01-09T19:13")]


def test_with_method_interval_what_a_blackout_refuses_is_expected_at_its_end() -> None:
    """A daily one would else be refused at the same hour for ever; windows that follow each other are one."""
    windows = [{"from": "08:00", "to": "18:00"}, {"from": "18:00", "to": "24:00"}]
    table = backups(method="interval", blackout=windows)
    assert next_runs(table, at("2026-01-09T09:13"), 2) == [at("2026-01-11T00:00"), at("2026-01-12T00:00")]
    night = backups(method="interval", interval_minutes=480, blackout=[{"from": "22:00", "to": "06:30"}])
    found = next_runs(night, at("2026-01-09T15:00"), 3)
    assert found == [at("2026-01-10T06:30"), at("2026-01-10T14:30"), at("2026-01-11T06:30")]


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({}, {1080: range(7)}),  # off at 01:30 and on at 09:00: the catch-up was refused
        ({"calendar": ["20:00"]}, {}),  # comes anyway, and not before its time
        ({"calendar": ["12:00", "20:00"], "interval_minutes": 720}, {}),
        ({"calendar": ["09:00", "11:00"], "interval_minutes": 720, "weekdays": ["mon", "sat"]}, {1080: (0, 5)}),
        ({"interval_minutes": 60}, {}),
        ({"method": "interval"}, {1080: range(7)}),
        ({"blackout": [{"from": "22:00", "to": "01:30"}]}, {}),
        ({"blackout": [{"from": "22:00", "to": "06:00", "weekdays": ["sun"]}]}, {360: (0,)}),
        ({"blackout": [{"from": "22:00", "to": "06:00"}, {"from": "05:00", "to": "07:00"}]}, {420: range(7)}),
        ({"blackout": [{"from": "00:00", "to": "24:00", "weekdays": ["sun"]}], "calendar": ["00:30"]}, {}),
    ],
)
def test_what_a_blackout_refused_is_made_up_at_its_end(said: dict[str, object], ends: dict[int, Iterable[int]]) -> None:
    """On the days that backups are made on, and where nothing else comes in that period."""
    said = {"blackout": [{"from": "08:00", "to": "18:00"}], "weekdays": [], **said}
    made = scheduling(**said)
    found = after_blackouts(timetables(made)["backup"], made.interval_minutes)
    assert found == {minute: frozenset(days) for minute, days in ends.items()}


def test_what_no_timer_is_to_start_is_never_expected() -> None:
    """Switched off as a whole or one by one; retention goes with the backups unless it has times."""
    assert timetables(scheduling(enabled=False)) == {}
    assert list(timetables(scheduling())) == ["backup", "verify", "drill"]
    assert list(timetables(scheduling(drill={"enabled": False}, prune={"calendar": ["03:00"]}))) == [
        "backup",
        "prune",
        "verify",
    ]


def test_a_short_interval_shortens_the_patience() -> None:
    """Else one run would stand for two."""
    assert backups(interval_minutes=20).patience == timedelta(minutes=10)
    assert backups(method="interval", interval_minutes=30).patience == timedelta(minutes=15)
    assert backups().patience == timedelta(minutes=30)


times = st.lists(st.integers(0, 1439).map(spelled), min_size=1, max_size=4, unique=True)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), times, instants, st.integers(0, 20), st.integers(0, 20))
def test_periods_that_follow_each_other_share_nothing_and_lose_nothing(
    zone: str, calendar: list[str], start: datetime, days: int, more: int
) -> None:
    """However the time is cut, each expected run is in one part: what bookkeeping of missed runs rests on."""
    table = backups(timezone=zone, calendar=calendar)
    middle, end = start + timedelta(days=days, minutes=37), start + timedelta(days=days + more, minutes=54)
    parts = expected_between(table, start, middle) + expected_between(table, middle, end)
    assert parts == expected_between(table, start, end)
    assert parts == sorted(set(parts))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 1439), instants)
def test_every_day_has_one_run(zone: str, time: int, start: datetime) -> None:
    """In 40 days 40 of them, never nearer than 22 hours and never further than 26."""
    found = next_runs(backups(timezone=zone, calendar=[spelled(time)]), start, 40)
    assert len(found) == 40
    assert all(timedelta(hours=22) <= later - one <= timedelta(hours=26) for one, later in pairwise(found))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ZONES), times, instants, st.integers(0, 1439), st.integers(0, 1439))
def test_no_run_is_expected_in_a_blackout(
    zone: str, calendar: list[str], start: datetime, begin: int, end: int
) -> None:
    """Whatever the window."""
    window = {"from": spelled(begin), "to": spelled(end)}
    table = backups(timezone=zone, calendar=calendar, blackout=[window])
    open_table = backups(timezone=zone, calendar=calendar)
    span = (start, start + timedelta(days=9))
    kept = expected_between(table, *span)
    assert all(in_blackout(one, table) is None for one in kept)
    dark = set(expected_between(open_table, *span)) - set(kept)
    assert all(in_blackout(one, table) for one in dark)
