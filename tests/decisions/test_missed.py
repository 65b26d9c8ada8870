"""Which expected runs did not happen: each is told once, with the cause, and none is invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vya_backup.decisions.missed import Machine, Process, expected_now, missed, words
from vya_backup.decisions.schedule import Timetable, expected_between, timetables
from vya_backup.history.timekeeping import JobRow
from vya_backup.settings.scheduling_model import Scheduling

GONE, ALIVE, OF_ANOTHER_BOOT = Process(True, True), Process(False, True), Process(True, False)
NEVER = timedelta(0)


def at(text: str) -> datetime:
    """Return an instant of UTC in January 2026: `09 01:30`."""
    return datetime.fromisoformat(f"2026-01-{text}").replace(tzinfo=UTC)


def table(**said: object) -> Timetable:
    """Return the timetable of the backups."""
    return timetables(Scheduling.model_validate(said))["backup"]


def job(began: str = "09 01:33", ended: str | None = "09 01:50", **more: object) -> JobRow:
    """Return a job whose last run began and ended then, as the timetable of every night expects."""
    row = JobRow(
        job="backup",
        through=at(began),
        timetable=str(table()),
        started_at=at(began),
        expected_at=at("09 01:30"),
        run_id="r1",
        process={"pid": 1},
        finished_at=at(ended) if ended else None,
        exit_status=0 if ended else None,
        told=False,
        missed_at=None,
        missed_from=None,
        missed_count=None,
        missed_reason=None,
    )
    return replace(row, **more)  # type: ignore[arg-type]


def machine(now: str, booted: str = "01 00:00", slept: timedelta = NEVER) -> Machine:
    """Return a machine at an instant."""
    return Machine(at(now), at(booted), slept)


@pytest.mark.parametrize("now", ["09 01:34", "09 23:00", "10 01:29", "10 01:30", "10 02:00"])
def test_what_is_not_late_yet_is_not_missed(now: str) -> None:
    """Up to half an hour, the tolerance, belongs to the expected time."""
    assert [m for m in missed(job(), table(), machine(now), GONE) if at(now) < at("10 02:00")] == []


@pytest.mark.parametrize(
    ("now", "machine_changes", "process", "cause", "count"),
    [
        ("10 02:01", {}, GONE, "nothing", 1),
        ("12 12:00", {}, GONE, "nothing", 3),
        ("12 12:00", {"booted_at": at("12 09:00")}, GONE, "off", 3),
        ("10 12:00", {"slept": timedelta(hours=7)}, GONE, "asleep", 1),
    ],
)
def test_each_stretch_is_one_event_with_its_cause(
    now: str, machine_changes: dict[str, object], process: Process, cause: str, count: int
) -> None:
    """However long the machine was away."""
    (found,) = missed(job(), table(), replace(machine(now), **machine_changes), process)  # type: ignore[arg-type]
    assert (found.cause, found.count, found.expected_at) == (cause, count, at("10 01:30"))
    assert found.until == at("10 01:30") + (count - 1) * timedelta(days=1)


def test_a_boot_in_between_divides_the_stretch() -> None:
    """Before it the machine was off, after it something else is wrong."""
    found = missed(job(), table(), machine("13 12:00", booted="11 09:00"), GONE)
    assert [(one.cause, one.count) for one in found] == [("off", 2), ("nothing", 2)]


def test_behind_a_long_run_nothing_was_idle() -> None:
    """It was at work at the next expected time: ended since, or still at it."""
    hourly = table(interval_minutes=60)
    row = job(ended="09 03:40", timetable=str(hourly))
    (found,) = missed(row, hourly, machine("09 04:20"), GONE)
    assert (found.cause, found.count, found.until) == ("busy", 2, at("09 03:30"))
    (again,) = missed(replace(row, finished_at=None), hourly, machine("09 04:20"), ALIVE)
    assert again == found


def test_beside_another_run_what_is_expected_now_is_missed_at_once() -> None:
    """No patience: it is known that nothing will be started."""
    hourly = table(interval_minutes=60)
    row = job(ended=None, timetable=str(hourly))
    (found,) = missed(row, hourly, machine("09 02:31"), ALIVE, beside=True)
    assert (found.cause, found.expected_at) == ("busy", at("09 02:30"))


def test_of_two_that_are_started_in_one_minute_the_second_invents_nothing() -> None:
    """Cron and a timer: it comes before the first is recorded, and all it knows is the run of the night before."""
    assert missed(job(), table(), machine("10 01:31"), GONE, beside=True) == []
    (found,) = missed(job(), table(), machine("11 01:31"), GONE, beside=True)
    assert (found.count, found.until) == (1, at("10 01:30"))


@pytest.mark.parametrize(("process", "words_of_it"), [(GONE, "killed"), (OF_ANOTHER_BOOT, "the machine went down")])
def test_a_run_without_an_end_did_not_happen(process: Process, words_of_it: str) -> None:
    """It is told by the time that it was expected at; once; and not while it is at work."""
    row = job(ended=None)
    (found,) = missed(row, table(), machine("09 09:00"), process)
    assert (found.cause, found.expected_at, found.killed_run) == ("killed", at("09 01:30"), "r1")
    assert words_of_it in found.reason
    assert missed(replace(row, told=True), table(), machine("09 09:00"), process) == []
    assert missed(row, table(), machine("09 09:00"), ALIVE) == []


def test_what_the_clock_stepped_over_is_not_invented() -> None:
    """Set back, everything is accounted for already; and nothing is expected across another timetable."""
    assert missed(job(), table(), machine("05 12:00"), GONE) == []
    assert missed(job(), table(calendar=["03:00"]), machine("20 12:00"), GONE) == []


def test_a_clock_that_was_a_year_wrong_does_not_count_for_ever() -> None:
    """What lies back further than 400 days is left out."""
    found = missed(job(), table(), Machine(at("10 00:00") + timedelta(days=5000), at("01 00:00"), NEVER), GONE)
    assert sum(one.count for one in found) == 400


def test_a_run_knows_the_time_that_it_is_for() -> None:
    """The timer's delay belongs to it; what comes later, or by hand, is for none."""
    assert expected_now(table(), at("10 01:34")) == at("10 01:30")
    assert expected_now(table(), at("10 07:00")) is None


def test_the_sentence_names_job_times_and_cause() -> None:
    """In the zone of the schedule."""
    (found,) = missed(job(), table(), machine("12 12:00", booted="12 09:00"), GONE)
    assert words(found, table().zone) == (
        "backup was expected 3 times from 2026-01-10 01:30 to 2026-01-12 01:30 and did not happen: "
        "the machine was off: it booted at 2026-01-12 09:00"
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.sampled_from([60, 480, 1440]),
)
def test_whenever_somebody_looks_each_time_is_told_once(pauses: list[int], starts: list[bool], interval: int) -> None:
    """Runs and mere looks at any moments: what was told, and what runs were for, is every expected time so far."""
    timetable, begin = table(interval_minutes=interval, tolerance_minutes=10), at("09 01:33")
    now, row, accounted = begin, job(timetable=str(timetable)), 0
    for pause, is_run in zip(pauses, starts, strict=False):
        now += timedelta(minutes=pause)
        for one in missed(row, timetable, Machine(now, at("01 00:00"), NEVER), GONE):
            assert row.through < one.expected_at <= one.until
            accounted += one.count
            row = replace(row, through=one.until)
        if is_run:
            accounted += len(expected_between(timetable, row.through, now))
            row = replace(row, through=now, started_at=now, finished_at=now)
    assert accounted == len(expected_between(timetable, begin, row.through))
