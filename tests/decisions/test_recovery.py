"""What a recovery does with each database, in which order, and how long it may take."""

from __future__ import annotations

import pytest

from vya_backup.decisions.recovery import (
    Brought,
    Candidate,
    Fate,
    Pace,
    Planned,
    Rates,
    Standing,
    Target,
    expected_total,
    plan,
    rates_of,
)

UNKNOWN = Rates({}, None)


def fate(
    standing: Standing = Standing.ABSENT,
    brought: Brought | None = None,
    *,
    force: bool = False,
    exclude: bool = False,
    problem: str = "",
) -> Fate:
    """Return what happens to one database whose backup is `new`."""
    target = Target({"shop": standing}, {"shop": brought} if brought else {})
    candidates = [Candidate("shop", "new", plain_bytes=10, problem=problem)]
    (planned,) = plan(candidates, target, UNKNOWN, force=force, exclude={"shop"} if exclude else set())
    return planned.fate


@pytest.mark.parametrize(
    ("standing", "force", "expected"),
    [
        (Standing.ABSENT, False, Fate.RESTORE),
        (Standing.EMPTY, False, Fate.RESTORE),
        (Standing.FULL, False, Fate.CONFLICT),
        (Standing.FULL, True, Fate.REPLACE),
        (Standing.EMPTY, True, Fate.RESTORE),
    ],
)
def test_what_somebody_else_put_there_needs_a_word(standing: Standing, force: bool, expected: Fate) -> None:
    """An empty database is nobody's."""
    assert fate(standing, force=force) is expected


@pytest.mark.parametrize(
    ("brought", "force", "expected"),
    [
        (Brought("new", tables_only=False, finished=False), False, Fate.DONE),
        (Brought("new", tables_only=False, finished=False), True, Fate.DONE),
        (Brought("old", tables_only=False, finished=False), False, Fate.DONE),
        (Brought("new", tables_only=True, finished=False), False, Fate.FINISH),
        (Brought("old", tables_only=True, finished=False), False, Fate.CONFLICT),
        (Brought("new", tables_only=False, finished=True), False, Fate.DONE),
        (Brought("new", tables_only=False, finished=True), True, Fate.REPLACE),
        (Brought("old", tables_only=False, finished=True), False, Fate.CONFLICT),
        (Brought("old", tables_only=False, finished=True), True, Fate.REPLACE),
    ],
)
def test_what_this_recovery_brought_counts(brought: Brought, force: bool, expected: Fate) -> None:
    """An unfinished one goes on; a finished one counts while it brought what would be taken now."""
    assert fate(Standing.FULL, brought, force=force) is expected


def test_what_it_brought_and_somebody_dropped_comes_back() -> None:
    """The catalog's word is no database."""
    assert fate(Standing.ABSENT, Brought("new", tables_only=False, finished=False)) is Fate.RESTORE
    assert fate(Standing.ABSENT, Brought("new", tables_only=True, finished=False)) is Fate.RESTORE


def test_without_a_backup_it_is_named_unless_it_was_excluded() -> None:
    """Nobody should believe that everything is back."""
    assert fate(problem="there is no good backup") is Fate.LACKING
    assert fate(problem="there is no good backup", exclude=True) is Fate.EXCLUDED
    assert fate(Standing.FULL, exclude=True, force=True) is Fate.EXCLUDED


def test_the_largest_come_first_and_what_needs_no_work_last() -> None:
    """So that no large one is begun when the others are done."""
    candidates = [Candidate(name, "b", plain_bytes=size) for name, size in (("a", 1), ("b", 9), ("c", 5), ("d", 99))]

    planned = plan(candidates, Target({"d": Standing.FULL}, {}), UNKNOWN, force=False, exclude=set())

    assert [one.database for one in planned] == ["b", "c", "a", "d"]


def test_the_pace_is_its_own_else_that_of_its_engine_else_unknown() -> None:
    """In seconds for the bytes of its dump."""
    paces = [
        Pace("mysql", "prod", "shop", 10),
        Pace("mysql", "other", "shop", 30),
        Pace("postgresql", "prod-pg", "crm", 1000),
    ]
    rates = rates_of(paces, "prod", "mysql")

    assert rates.seconds(Candidate("shop", plain_bytes=100)) == 10
    assert rates.seconds(Candidate("never restored", plain_bytes=100)) == 5
    assert rates_of(paces, "local", "sqlite").seconds(Candidate("any", plain_bytes=100)) is None


def test_the_whole_takes_as_long_as_the_busiest_worker() -> None:
    """Each next database goes to whoever is free first; one of unknown length makes all of it unknown."""
    planned = [Planned(Candidate(str(n)), Fate.RESTORE, expected_seconds=n) for n in (8, 5, 4, 2)]
    done = Planned(Candidate("done"), Fate.DONE, expected_seconds=None)

    assert expected_total([*planned, done], 1) == 19
    assert expected_total([*planned, done], 2) == 10
    assert expected_total(planned, 9) == 8
    assert expected_total([*planned, Planned(Candidate("new"), Fate.RESTORE)], 2) is None
