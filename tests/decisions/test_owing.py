"""What a channel is owed, from the notices that it did not take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from vya_backup.decisions.owing import DIGEST, owed_to, unsettled
from vya_backup.history.notices import Notice


def untaken(number: int, *about: str) -> Notice:
    """Give a notice that a channel did not take."""
    at = datetime(2026, 1, number, tzinfo=UTC)
    return Notice(number, at, "notification_failed", {"about": about, "level": "ERROR"})


def taken(number: int, *about: str) -> Notice:
    """Give one that it took."""
    return replace(untaken(number, *about), type="notified")


def test_what_was_not_taken_is_settled_only_by_what_names_it() -> None:
    """Whatever else was told in between: a digest, another run, a unit that failed."""
    said = [untaken(1, "r1", "r2"), taken(2, "r3"), taken(3, f"{DIGEST}2026-01-05"), taken(4, "r2")]
    assert list(unsettled(said)) == ["r1"]
    assert list(unsettled([*said, taken(5, "r1")])) == []
    assert unsettled([*said, taken(5, "r1"), untaken(6, "r1")])["r1"].id == 6


def test_the_mail_of_a_week_settles_those_before_it() -> None:
    """It covers what stands; nobody waits for last month's."""
    said = [untaken(1, f"{DIGEST}2026-01-05"), untaken(2, "r1"), taken(3, f"{DIGEST}2026-01-12")]
    assert list(unsettled(said)) == ["r1"]


def test_a_digest_that_was_not_taken_is_no_run_to_be_told_late() -> None:
    """A chat may have both; the digest comes by itself again."""
    said = [untaken(1, "r1"), untaken(2, f"{DIGEST}2026-01-05"), untaken(3, "r1", "r2")]
    owed = owed_to(("ERROR",), None, unsettled(said))
    assert owed.earlier == ("r1", "r2")
    assert owed.untaken["r1"].id == 1, "why it was not told is what was said first"
    assert owed_to(("ERROR",), None, unsettled([untaken(2, f"{DIGEST}2026-01-05")])).is_nothing


def test_what_was_never_told_comes_behind_what_was_refused_and_once() -> None:
    """A killed run that a failure unit could not tell of is both."""
    owed = owed_to(("ERROR",), None, unsettled([untaken(1, "r1")]), ["r1", "r2"])
    assert owed.earlier == ("r1", "r2")
