"""What auditors ask, over a history in which everything goes wrong once: each answer against the bare events."""

from __future__ import annotations

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.history.hindsight import Happened, failures, happened, restorable_at, seconds
from tests.history.samples import good
from tests.samples.long_history import long_history
from vya_backup.errors import UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.history.questions import Question, ask, question, questions
from vya_backup.history.reading import Borrowed

CONTROLS = ("ISO 27001", "SOC 2", "GDPR", "LGPD")
NAMES = [one.name for one in questions()]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a catalog of sixty days."""
    return long_history(tmp_path_factory.mktemp("past") / "catalog.db", years=60 / 365, databases=6)


@pytest.fixture(scope="module")
def events(past: Path) -> list[Happened]:
    """Its events."""
    return happened(past)


@pytest.fixture(scope="module")
def reads(past: Path) -> Iterator[Borrowed]:
    """A reader's own connection to it."""
    with closing(sqlite3.connect(f"file:{past}?mode=ro", uri=True)) as connection:
        yield Borrowed(connection)


def answers(reads: Any, name: str, **values: Any) -> list[dict[str, Any]]:
    """Ask for everything; `from_` stands for `from`, which is a word of Python's."""
    asked = question(name)
    return ask(reads, asked, {"limit": -1} | {key.rstrip("_"): value for key, value in values.items()}).dicts()


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_is_for(name: str) -> None:
    """Title, meaning, controls, and every parameter with its default; nothing in the SQL is undeclared."""
    one = question(name)
    assert one.title
    assert one.about.endswith(".")
    assert all(control in one.serves for control in CONTROLS)
    assert all("default: " in parameter.about for parameter in one.parameters)
    assert set(re.findall(r":([a-z]+)", one.sql)) == set(one.takes)


def test_none_takes_the_name_of_a_table_or_view(reads: Borrowed) -> None:
    """The site shows a question under the same kind of address, and would hide the view."""
    taken = {row["name"] for row in reads.rows("SELECT name FROM sqlite_master")}
    assert not taken & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_parameter_is_none(reads: Borrowed, name: str) -> None:
    """The site knows only texts, and sends empty ones."""
    one = question(name)
    fixed = {"on": "2025-12-24"} if "on" in one.takes else {}
    assert ask(reads, one, dict.fromkeys(one.takes, "") | fixed) == ask(reads, one, fixed)


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_told_where_there_is_no_row(reads: Borrowed, name: str) -> None:
    """A CSV file without rows still has a head."""
    one = question(name)
    nothing = ask(reads, one, {"limit": "0"})
    assert nothing.rows == ()
    some = ask(reads, one, {"limit": "1"})
    assert nothing.columns == some.columns


@pytest.mark.parametrize("name", NAMES)
def test_none_reads_all_of_history(reads: Borrowed, name: str) -> None:
    """A million events are not read for a page: each look at them goes through an index."""
    one = question(name)
    plan = [row["detail"] for row in reads.rows(f"EXPLAIN QUERY PLAN {one.sql}", dict.fromkeys(one.takes))]
    aliases = {"events", *re.findall(r"events AS (\w+)", one.sql)}
    assert not [step for step in plan if step.startswith("SCAN") and step.split()[1] in aliases and "INDEX" not in step]


@pytest.mark.parametrize("said", ["2026-13-01", "soon", "2026-01-09T25:00", "2026-1-9", "2026-01-09T02:00+02:00"])
def test_what_is_no_time_is_refused(reads: Borrowed, said: str) -> None:
    """An answer about nothing would look like an answer of nothing."""
    with pytest.raises(UsageError, match="is no time"):
        ask(reads, question("coverage"), {"on": said})


def test_what_is_no_time_is_answered_with_nothing_where_nobody_refuses_it(reads: Borrowed) -> None:
    """The site hands texts to the SQL as they are."""
    one = question("coverage")
    assert reads.rows(one.sql, dict.fromkeys(one.takes) | {"on": "first of March"}) == []


def test_what_is_not_taken_is_refused(reads: Borrowed) -> None:
    """A misspelled parameter would be an answer to another question."""
    with pytest.raises(UsageError, match="does not take databse"):
        ask(reads, question("coverage"), {"databse": "shop"})


def test_an_unknown_question_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(UsageError, match="no question 'covrage'"):
        question("covrage")


def test_coverage_is_what_was_good_at_that_moment(reads: Borrowed, events: list[Happened]) -> None:
    """Not what is good today: what was pruned, damaged or found again since then counts as it did."""
    chance = random.Random(20260109)
    interesting = [e.at for e in events if e.type in {"damaged", "missing", "verified", "pruned", "checksummed"}]
    for moment in [*chance.sample(interesting, 60), events[0].at, events[-1].at]:
        told = {
            (row["host"], row["instance"], row["database"]): row["backup_id"]
            for row in answers(reads, "coverage", on=moment)
        }
        assert told == restorable_at(events, moment), moment


def test_coverage_of_a_day_is_that_of_its_end_with_the_age_then(reads: Borrowed, events: list[Happened]) -> None:
    """In seconds between the moment that the dump began and midnight."""
    begun = {event.backup_id: event.at for event in events if event.type == "started"}
    rows = answers(reads, "coverage", on="2025-12-24")
    assert {row["as_of"] for row in rows} == {"2025-12-25"}
    assert rows == [row | {"as_of": "2025-12-25"} for row in answers(reads, "coverage", on="2025-12-25T00:00:00Z")]
    found = [row for row in rows if row["restorable"] == "yes"]
    assert found
    for row in found:
        expected = seconds("2025-12-25T00:00:00Z", begun[row["backup_id"]])
        assert row["age_seconds"] == pytest.approx(expected, abs=1)


def test_scope_names_what_was_found_left_out_and_lost(reads: Borrowed, events: list[Happened]) -> None:
    """From the newest discovery of each instance, and from what was ever backed up."""
    newest = {(e.host, e.instance): e for e in events if e.type == "discovered"}
    good_ones = {e.key for e in events if e.type == "checksummed"}
    expected = {}
    for (host, instance), event in newest.items():
        for name in event.data["found"]:
            key = (host, instance, name)
            expected[key] = "backed up" if key in good_ones else "never backed up"
        for left_out in event.data["excluded"]:
            expected[host, instance, left_out["name"]] = "left out"
    for key in {e.key for e in events if e.type == "started"} - set(expected):
        expected[key] = "backed up" if str(key[2]).startswith("@") else "no longer found"
    told = {(row["host"], row["instance"], row["database"]): row["state"] for row in answers(reads, "scope")}
    asked = {instance for _, instance in newest}
    assert {key: state for key, state in told.items() if key[1] in asked} == expected
    assert {state for key, state in told.items() if key[1] not in asked} <= {"never asked", "switched off"}


def test_failures_are_told_with_what_mended_them(reads: Borrowed, events: list[Happened]) -> None:
    """And with the time between the two."""
    expected = [(bad.at, bad.instance, bad.database, mended.at if mended else None) for bad, mended in failures(events)]
    rows = answers(reads, "failures_mended")
    assert [(row["at"], row["instance"], row["database"], row["mended_at"]) for row in rows] == expected
    assert {bad.type for bad, _ in failures(events)} >= {"failed", "discovery_failed", "damaged", "drilled"}
    for row in rows:
        assert row["state"] == ("mended" if row["mended_at"] else "open")
        if row["mended_at"]:
            assert row["open_seconds"] == pytest.approx(seconds(row["mended_at"], row["at"]), abs=1)
    still = [row for row in rows if row["state"] == "open"]
    assert answers(reads, "failures_mended", state="open") == still


def test_deletions_have_their_reason_and_their_end(reads: Borrowed, events: list[Happened]) -> None:
    """Each pruned backup, newest first, whether all are asked for or those of one database."""
    removed = {event.backup_id: event for event in events if event.type == "removed"}
    expected = [
        (
            e.at,
            e.backup_id,
            e.data["reason"],
            e.data["policy"],
            removed[e.backup_id].at if e.backup_id in removed else None,
        )
        for e in reversed(events)
        if e.type == "pruned"
    ]
    rows = answers(reads, "deletions")
    names = ("pruned_at", "backup_id", "reason", "policy", "removed_at")
    assert [tuple(row[name] for name in names) for row in rows] == expected
    assert len(expected) > 20
    instance, database = rows[0]["instance"], rows[0]["database"]
    of_one = [row for row in rows if row["database"] == database]
    assert answers(reads, "deletions", database=database) == of_one
    assert answers(reads, "deletions", instance=instance, database=database) == [
        row for row in of_one if row["instance"] == instance
    ]
    assert answers(reads, "deletions", instance="another", database=database) == []


def test_drills_restores_and_runs_are_told_whole(reads: Borrowed, events: list[Happened]) -> None:
    """As many as there are events of them, with what these say."""
    drills = [e for e in reversed(events) if e.type in {"drilled", "drill_abandoned"}]
    told = [(row["at"], row["verdict"], row["duration_seconds"]) for row in answers(reads, "drills_made")]
    assert told == [(e.at, e.data.get("verdict", "abandoned"), e.data.get("duration_seconds")) for e in drills]

    begun = [e for e in events if e.type == "restore_started"]
    restores = [row for row in answers(reads, "restores_made") if row["kind"] == "restore"]
    assert [(row["id"], row["done_by"]) for row in reversed(restores)] == [
        (e.data["restore_id"], e.actor) for e in begun
    ]
    ends = {e.data["restore_id"]: e for e in events if e.type in {"restored", "restore_failed"}}
    states = {"restored": "restored", "restore_failed": "failed"}
    for row in restores:
        assert row["state"] == (states[ends[row["id"]].type] if row["id"] in ends else "running")
    recoveries = {e.data["recovery_id"] for e in events if e.type == "recovery_started"}
    assert {row["id"] for row in answers(reads, "restores_made") if row["kind"] == "recovery"} == recoveries

    runs = [e.run_id for e in events if e.type == "run_started"]
    assert [row["run_id"] for row in reversed(answers(reads, "runs_made"))] == runs
    made = [e.backup_id for e in events if e.type == "started"]
    assert [row["backup_id"] for row in reversed(answers(reads, "backups_made"))] == made


def test_history_has_every_event_as_a_sentence(reads: Borrowed, events: list[Happened]) -> None:
    """Newest first, with its place in the chain; a type or a database finds the same events another way."""
    rows = answers(reads, "history")
    assert sorted(row["position"] for row in rows) == [event.id for event in events]
    assert [row["at"] for row in rows] == sorted((event.at for event in events), reverse=True)
    for name, value in (("type", "pruned"), ("type", "held"), ("database", "shop"), ("instance", "prod-pg-01")):
        assert answers(reads, "history", **{name: value}) == [row for row in rows if row[name] == value]
    both = [row for row in rows if (row["type"], row["database"]) == ("checksummed", "shop")]
    assert answers(reads, "history", type="checksummed", database="shop") == both


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("history", "at"),
        ("backups_made", "started_at"),
        ("deletions", "pruned_at"),
        ("drills_made", "at"),
        ("failures_mended", "at"),
        ("restores_made", "started_at"),
        ("runs_made", "started_at"),
    ],
)
def test_a_period_has_all_of_its_last_day(reads: Borrowed, name: str, column: str) -> None:
    """Two periods side by side are the same as both in one."""
    everything = answers(reads, name)
    middle = sorted(row[column] for row in everything)[len(everything) // 2][:10]
    before = answers(reads, name, to=middle)
    assert before == [row for row in everything if row[column][:10] <= middle]
    assert answers(reads, name, from_=middle) == [row for row in everything if row[column][:10] >= middle]
    moment = before[0][column]
    assert answers(reads, name, to=moment) == before


def test_a_host_is_told_apart(reads: Borrowed) -> None:
    """Where several hosts' catalogs were merged, or one host was renamed."""
    for one in questions():
        if "host" in one.takes:
            assert ask(reads, one, {"host": "another"}).rows == (), one.name


def test_a_limit_takes_the_newest(reads: Borrowed) -> None:
    """A thousand rows unless another number is said."""
    rows = answers(reads, "history")
    assert len(ask(reads, question("history")).rows) == min(len(rows), 1000)
    assert ask(reads, question("history"), {"limit": 3}).dicts() == rows[:3]


def test_every_event_type_of_trouble_is_in_the_history(events: list[Happened]) -> None:
    """These tests would show little over a history in which all went well."""
    seen = Counter(event.type for event in events)
    assert seen.keys() >= {"failed", "damaged", "missing", "drilled", "pruned", "held", "restored", "recovered"}


def test_questions_are_values() -> None:
    """Whoever mounts them gets plain names and texts."""
    assert all(isinstance(one, Question) for one in questions())
    assert len(set(NAMES)) == len(NAMES) >= 12


def test_a_live_catalog_answers_as_its_copy_does(tmp_path: Path) -> None:
    """`Reads` is all that a question takes."""
    catalog = Catalog.open(tmp_path / "c" / "catalog.db", host="wfdb02")
    catalog.append(*good())
    with closing(sqlite3.connect(catalog.path)) as connection:
        for one in questions():
            fixed = {"on": "2030-01-01"} if "on" in one.takes else {}
            ours, theirs = ask(catalog, one, fixed), ask(Borrowed(connection), one, fixed)
            assert len(ours.rows) == len(theirs.rows), one.name
    catalog.close()
