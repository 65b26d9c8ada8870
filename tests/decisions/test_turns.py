"""Whose turn it is: never verified ones first, then longest ago; and a nightly timer forgets none."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vya_backup.decisions.turns import in_turn, nightly_share, overdue
from vya_backup.history.verifiable import VerifiableRow

NOW = datetime(2026, 1, 9, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def row(sequence: int, looked_event: int | None = None, days_ago: float = 1) -> VerifiableRow:
    """A backup; the event that looked at it last, and how long ago that was."""
    return VerifiableRow(
        backup_id=f"b{sequence}",
        sequence=sequence,
        instance="prod",
        database="shop",
        started_at=NOW - 90 * DAY,
        size_bytes=1,
        plain_bytes=1,
        looked_at=None if looked_event is None else NOW - days_ago * DAY,
        looked_event=looked_event,
    )


def ids(rows: list[VerifiableRow]) -> list[str]:
    """Return them in their order."""
    return [one.backup_id for one in rows]


def test_never_verified_ones_come_first_the_oldest_before_the_newer() -> None:
    """Then those that were looked at longest ago."""
    rows = [row(1, looked_event=30), row(2, looked_event=20), row(4), row(3)]
    assert ids(in_turn(rows)) == ["b3", "b4", "b2", "b1"]


def test_a_clock_that_was_set_back_turns_no_order_round() -> None:
    """The catalog's order of looks counts, not their times."""
    rows = [row(1, looked_event=20, days_ago=0), row(2, looked_event=30, days_ago=300)]
    assert ids(in_turn(rows)) == ["b1", "b2"]


@pytest.mark.parametrize(
    ("count", "every_days", "share"), [(0, 30, 0), (1, 30, 1), (30, 30, 1), (31, 30, 2), (5, 1, 5)]
)
def test_a_night_takes_an_equal_share(count: int, every_days: int, share: int) -> None:
    """Rounded up, so that the last night is not the one that lacks time."""
    assert len(nightly_share([row(n + 1) for n in range(count)], every_days=every_days, now=NOW)) == share


def test_new_backups_do_not_push_old_ones_past_their_time() -> None:
    """The share is used up by what was never verified; what is at the end of its time is taken as well."""
    old = [row(90, looked_event=5, days_ago=29.9), row(91, looked_event=6, days_ago=29.1)]
    rows = [row(n) for n in range(1, 31)] + old
    assert ids(nightly_share(rows, every_days=30, now=NOW)) == ["b1", "b2", "b90"]


def test_a_look_that_is_dated_in_the_future_does_not_count() -> None:
    """Its clock was wrong."""
    rows = [row(1), row(2, looked_event=5, days_ago=-400)]
    assert ids(nightly_share(rows, every_days=30, now=NOW)) == ["b1", "b2"]


@pytest.mark.parametrize(
    ("every_days", "kept_days", "databases"), [(30, 30, 5), (30, 90, 5), (7, 365, 2), (30, 10, 20), (2, 20, 3)]
)
def test_every_backup_is_read_again_within_the_days_night_after_night(
    every_days: int, kept_days: int, databases: int
) -> None:
    """A year of nights: new backups, old ones pruned, a timer that is up to three hours late; none waits longer."""
    kept: dict[int, VerifiableRow] = {}
    made: dict[int, datetime] = {}
    events, chance, longest = 0, random.Random(3), timedelta()
    for night in range(365):
        now = NOW + night * DAY + timedelta(minutes=chance.randrange(180))
        for _database in range(databases):
            events += 1
            kept[events], made[events] = row(events), now
        for sequence in [s for s in kept if made[s] < now - kept_days * DAY]:
            longest = max(longest, now - (kept[sequence].looked_at or made[sequence]))
            del kept[sequence]
        for one in nightly_share(list(kept.values()), every_days=every_days, now=now):
            events += 1
            longest = max(longest, now - (one.looked_at or made[one.sequence]))
            kept[one.sequence] = VerifiableRow(**(vars(one) | {"looked_at": now, "looked_event": events}))
    assert longest <= every_days * DAY + timedelta(hours=3)


@pytest.mark.parametrize(("limit", "is_enough"), [(None, True), (900, True), (320, False)])
def test_two_months_of_nights_over_three_hundred_databases(limit: int | None, is_enough: bool) -> None:
    """A fortnight is kept, a week is promised; where a night may read too few, that is said, and not before."""
    every_days, kept_days, databases, nights = 7, 14, 300, 60
    kept: dict[int, VerifiableRow] = {}
    events, longest, late = 0, timedelta(), 0
    for night in range(nights):
        now = NOW + night * DAY
        for _database in range(databases):
            events += 1
            kept[events] = replace(row(events), started_at=now - timedelta(hours=1))
        kept = {number: one for number, one in kept.items() if one.started_at > now - kept_days * DAY}
        for one in nightly_share(list(kept.values()), every_days=every_days, now=now)[:limit]:
            events += 1
            kept[one.sequence] = replace(one, looked_at=now, looked_event=events)
        longest = max(longest, *(now - (one.looked_at or one.started_at) for one in kept.values()))
        late += len(overdue(kept.values(), every_days=every_days, now=now))
    assert (longest <= every_days * DAY) is is_enough
    assert (late == 0) is is_enough


def test_a_tree_that_was_never_verified_is_through_after_the_days_and_not_in_one_night() -> None:
    """The first nights read no more than their share."""
    rows = {n: row(n) for n in range(1, 101)}
    taken = []
    for night in range(10):
        now = NOW + night * DAY
        share = nightly_share(list(rows.values()), every_days=10, now=now)
        taken.append(len(share))
        for one in share:
            rows[one.sequence] = VerifiableRow(**(vars(one) | {"looked_at": now, "looked_event": 1000 + night}))
    assert taken == [10] * 10
    assert all(one.looked_at for one in rows.values())
