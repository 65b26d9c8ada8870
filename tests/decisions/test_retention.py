"""Retention: golden calendars, and what holds for any history of backups whatever the policy."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decisions import calendars
from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import (
    PERIODS,
    Candidate,
    Decision,
    Policy,
    decide,
    local_day,
    periods_of,
    rules_for,
)
from vya_backup.settings.storage_model import Retention, RetentionOverride

GOLDEN = sorted(calendars.FOLDER.glob("*.txt"))
ZONE = ZoneInfo("America/Sao_Paulo")
START = datetime(2018, 10, 1, tzinfo=UTC)  # both nights of that zone's last summer time lie ahead
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_calendar_is_decided_as_it_is_written(path: Path) -> None:
    """Every fate with its reasons, and the slot table."""
    text = calendars.written(path, calendars.read(path))
    if os.environ.get("VYA_GOLDEN") == "write":
        path.write_text(text)

    assert text == path.read_text()


def test_a_policy_says_itself_in_english() -> None:
    """In previews, events and here."""
    assert str(Policy()) == "keep 7 daily, 4 weekly and 12 monthly"
    assert str(Policy(daily=0, weekly=0, monthly=0, last=3, days=30)) == "keep the last 3 and everything of 30 days"
    assert str(Policy.of(Retention(strategy="simple", keep_last=1))) == "keep the last 1"


def test_the_first_override_that_names_a_database_counts() -> None:
    """A key left out is as above; a glob matches the whole key."""
    ledger = RetentionOverride(databases=("pg/ledger", "my/*"), daily_keep=30, cleanup_enabled=False)
    rest = RetentionOverride(databases=("pg/*",), strategy="simple", keep_last=2)
    retention = Retention(weekly_keep=9, overrides=(ledger, rest))

    found = {name: rules_for(retention, Key(*name.split("/"))) for name in ("pg/ledger", "my/x", "pg/xledger", "o/x")}

    assert [rules.daily_keep for rules in found.values()] == [30, 30, 7, 7]
    assert [rules.strategy for rules in found.values()] == ["gfs", "gfs", "simple", "gfs"]
    assert [rules.cleanup_enabled for rules in found.values()] == [False, False, True, True]
    assert {rules.weekly_keep for rules in found.values()} == {9}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strategy": "simple"}, "simple needs keep_last or keep_days"),
        ({"daily_keep": 0, "weekly_keep": 0, "monthly_keep": 0}, "keeps nothing but the newest"),
        ({"overrides": [{"databases": ["a/b"], "strategy": "simple"}]}, "override for a/b: strategy simple needs"),
        ({"overrides": [{"databases": ["b"]}]}, "write INSTANCE/DATABASE"),
        ({"overrides": [{"databases": []}]}, "databases"),
    ],
)
def test_settings_that_would_lose_nearly_everything_are_refused(settings: dict[str, object], words: str) -> None:
    """`strategy: simple` alone must not mean: keep one."""
    with pytest.raises(ValueError, match=words):
        Retention.model_validate(settings)


# ------------------------------------------------------------------ whatever happened

numbers = st.integers(0, 4)
policies = st.builds(
    Policy,
    daily=numbers,
    weekly=numbers,
    monthly=numbers,
    yearly=numbers,
    last=numbers,
    days=numbers,
    safety_days=st.integers(0, 3),
)
steps = st.one_of(st.integers(0, 30), st.integers(20, 30), st.integers(24 * 5, 24 * 50), st.integers(-24 * 40, -1))
"""Hours from one backup to the next: many a day, nightly, gaps, and clocks that were set back."""
states = st.sampled_from(["good"] * 6 + ["damaged", "missing", "running"])
moments = st.tuples(steps, states, st.booleans(), st.sampled_from([False, False, True]))


@st.composite
def histories(draw: st.DrawFn) -> list[Candidate]:
    """Backups in the order of the catalog."""
    at, backups = START, []
    for number, (hours, state, verified, held) in enumerate(draw(st.lists(moments, max_size=40)), start=1):
        at += hours * HOUR
        backups.append(Candidate(f"b{number}", number, state, at, verified=verified, held=held))
    return backups


def after(backups: list[Candidate]) -> datetime:
    """Return a moment after all of them."""
    return max((one.started_at for one in backups), default=START) + HOUR


def pruned(backups: list[Candidate], policy: Policy, now: datetime, barred: str = "") -> Decision:
    """Decide in the zone of these tests."""
    return decide(backups, policy, now, ZONE, barred)


def kept(decision: Decision) -> set[str]:
    """Return the ids that stay."""
    return {fate.candidate.backup_id for fate in decision.survivors}


@settings(max_examples=150, deadline=None)
@given(histories(), policies)
def test_no_run_of_prunes_ever_loses_a_promised_slot(backups: list[Candidate], policy: Policy) -> None:
    """Pruned after every backup, each of the newest N periods that ever had a good one still has one."""
    there: list[Candidate] = []
    history: list[Candidate] = []
    now = START
    for one in backups:
        now = max(now, one.started_at + HOUR)
        there.append(one)
        history += [one] if one.state == "good" else []
        decision = pruned(there, policy, now)
        there = [fate.candidate for fate in reversed(decision.survivors)]
        for number, rule in enumerate(PERIODS):
            promised = _newest(history, number, getattr(policy, rule))
            assert promised <= _newest(there, number, len(there)), rule


def _newest(backups: list[Candidate], number: int, count: int) -> set[str]:
    good = {periods_of(local_day(one.started_at, ZONE))[number] for one in backups if one.state == "good"}
    return set(sorted(good, reverse=True)[:count])


@settings(max_examples=150, deadline=None)
@given(histories(), policies)
def test_pruning_twice_prunes_nothing_the_second_time(backups: list[Candidate], policy: Policy) -> None:
    """What stays would stay again, with the same slot table."""
    first = pruned(backups, policy, after(backups))
    second = pruned([fate.candidate for fate in first.survivors], policy, after(backups))

    assert second.victims == ()
    assert second.slots == first.slots


@settings(max_examples=150, deadline=None)
@given(histories(), policies, st.sampled_from([*PERIODS, "last", "days", "safety_days"]), st.integers(1, 3))
def test_keeping_more_never_deletes_more(backups: list[Candidate], policy: Policy, rule: str, more: int) -> None:
    """Any number of the policy may be raised."""
    richer = replace(policy, **{rule: getattr(policy, rule) + more})

    assert kept(pruned(backups, policy, after(backups))) <= kept(pruned(backups, richer, after(backups)))


@settings(max_examples=150, deadline=None)
@given(histories(), policies, st.data())
def test_what_is_promised_is_never_pruned(backups: list[Candidate], policy: Policy, data: st.DataObject) -> None:
    """The newest good one, what is held, restored, drilled or young, and everything while a reason stands."""
    now = after(backups) - data.draw(st.integers(0, 80)) * DAY  # some may be dated in the future
    restoring = {one.backup_id for one in backups if data.draw(st.booleans())}
    drilling = {one.backup_id for one in backups if data.draw(st.booleans())}
    candidates = [
        replace(one, restoring=one.backup_id in restoring, drilling=one.backup_id in drilling) for one in backups
    ]
    decision = pruned(candidates, policy, now)
    good = [one for one in candidates if one.state == "good"]
    safe = [one for one in candidates if one.held or one.restoring or one.state != "good" or one.started_at > now]
    safe += [one for one in candidates if now - one.started_at < timedelta(days=policy.safety_days)] + good[-1:]
    safe += [one for one in candidates if one.drilling]

    assert {one.backup_id for one in safe} <= kept(decision)
    assert pruned(candidates, policy, now, barred="a reason").victims == ()


@settings(max_examples=100, deadline=None)
@given(histories(), policies)
def test_what_is_not_good_pushes_nothing_out(backups: list[Candidate], policy: Policy) -> None:
    """Neither damaged ones nor those of a clock that runs ahead take a slot of a real one."""
    good = [one for one in backups if one.state == "good"]
    now = after(good)
    ahead = [Candidate(f"f{n}", -1 - n, "good", now + (n + 1) * DAY) for n in range(9)]
    alone, crowded = pruned(good, policy, now), pruned([*ahead, *backups], policy, now)

    assert kept(alone) <= kept(crowded)
    assert crowded.slots == alone.slots


@settings(max_examples=100, deadline=None)
@given(histories(), policies, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_come_decides_nothing(backups: list[Candidate], policy: Policy, chance: Random) -> None:
    """The sequence does."""
    shuffled = list(backups)
    chance.shuffle(shuffled)

    assert pruned(shuffled, policy, after(backups)) == pruned(backups, policy, after(backups))
