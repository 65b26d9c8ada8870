"""What is due, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from vya_backup.decisions.naming import Key
from vya_backup.decisions.plan import Known, Work, decide, matches, select, shape_of, short_names
from vya_backup.decisions.slots import Schedule, slot_at
from vya_backup.settings.model import Instance

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SLOT = slot_at(NOW, Schedule(1440, ZoneInfo("UTC")))
GOOD = Known("b1", "h/x.sql.gz", True, "shape", NOW - timedelta(hours=1), 100, 100)


def test_a_good_backup_of_this_slot_is_up_to_date() -> None:
    """Nothing is done twice."""
    assert decide(GOOD, slot=SLOT, now=NOW, shape="shape").work is Work.NOTHING


@pytest.mark.parametrize(
    ("newest", "work", "reason"),
    [
        (None, Work.DUMP, "no good backup"),
        (replace(GOOD, size_on_disk=None), Work.DUMP, "missing"),
        (replace(GOOD, size_on_disk=99), Work.DUMP, "99 bytes instead of 100"),
        (replace(GOOD, shape="other"), Work.DUMP, "settings"),
        (replace(GOOD, started_at=NOW - timedelta(days=1)), Work.DUMP, "earlier slot"),
        (replace(GOOD, started_at=NOW + timedelta(minutes=1)), Work.DUMP, "future"),
        (replace(GOOD, good=False), Work.CHECKSUM, "not yet read back"),
    ],
)
def test_what_is_due_says_why(newest: Known | None, work: Work, reason: str) -> None:
    """Each way of being due has its reason."""
    decision = decide(newest, slot=SLOT, now=NOW, shape="shape")

    assert decision.work is work
    assert reason in decision.reason


def test_force_dumps_although_fresh() -> None:
    """A word on the command line is reason enough."""
    assert decide(GOOD, slot=SLOT, now=NOW, shape="shape", forced=True).work is Work.DUMP


def test_an_exclusion_matches_the_whole_name_only() -> None:
    """`app` leaves `myapp` and `app2` alone; a glob says so itself."""
    instance = Instance(id="p", type="mysql", host="localhost", exclude_databases=("app", "scratch_*"))
    found = [(n, False) for n in ("app", "myapp", "app2", "scratch_1", "my_scratch_1")] + [("mysql", True)]

    selected, excluded, _ = select(found, instance)

    assert selected == ("app2", "my_scratch_1", "myapp")
    assert {(e.name, e.reason) for e in excluded} == {
        ("app", "exclude_databases: app"),
        ("scratch_1", "exclude_databases: scratch_*"),
        ("mysql", "system database"),
    }


def test_a_listed_database_that_is_not_there_is_told() -> None:
    """Could not find what was asked for is never the same as nothing to do."""
    instance = Instance(id="p", type="mysql", host="localhost", databases=("shop", "gone"))

    selected, _, absent = select([("shop", False), ("other", False)], instance)

    assert (selected, absent) == (("shop",), ("gone",))


def test_a_name_with_brackets_matches_itself() -> None:
    """A name that happens to look like a glob can still be named exactly."""
    assert matches("a[1]", "a[1]")
    assert not matches("A1", "a1")


def test_short_names_exist_while_they_are_unambiguous() -> None:
    """`restore:shop` must never mean one of two."""
    keys = [Key("a", "shop"), Key("b", "shop"), Key("b", "crm"), Key("a", "@users")]

    assert short_names(keys) == {"crm": Key("b", "crm")}


def test_the_address_shapes_a_dump_and_compression_does_not() -> None:
    """Another server under the same id is due at once."""
    one = Instance(id="p", type="mysql", host="localhost")

    assert shape_of(one, "x") != shape_of(one.model_copy(update={"port": 3307}), "x")
    assert shape_of(one, "x") == shape_of(one.model_copy(update={"parallel": 9}), "x")
