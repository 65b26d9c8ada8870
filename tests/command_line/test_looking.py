"""The looking commands: they fit the terminal, speak JSON when asked, and change nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from tests.history.samples import good
from tests.project import CONFIGURATION, Outcome, Project
from vya_backup import clock
from vya_backup.history.catalog import Catalog
from vya_backup.settings.scheduling_model import DAYS

LOOKING = [("backups",), ("databases",), ("plan",), ("status",), ("audit",), ("status", "--last-backup"), ("list",)]


@pytest.fixture
def looked_at(project: Project) -> Project:
    """Two good backups, one database with a long name and no good backup yet."""
    project.run("backup")
    name = "a_database_with_a_rather_long_name_of_sixty_three_characters_xx"
    project.execute(name, "CREATE TABLE t (a)")
    project.database(name).write_bytes(b"SQLite format 3\0" + b"\0" * 5000)
    project.run("backup")
    return project


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_what_is_shown_fits_eighty_columns(looked_at: Project, words: tuple[str, ...]) -> None:
    """On a terminal of that width nothing wraps by accident."""
    done = looked_at.run(*words)

    assert done.status in {0, 1}
    assert done.out
    too_long = [line for line in done.out.splitlines() if len(line) > 80 and words != ("list",)]
    assert not too_long


@pytest.mark.parametrize("words", [w for w in LOOKING if w != ("list",)], ids=" ".join)
def test_json_is_all_there_is_on_standard_output(looked_at: Project, words: tuple[str, ...]) -> None:
    """A program can read it."""
    assert json.loads(looked_at.run(*words, "--json").out)


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_looking_appends_nothing(looked_at: Project, words: tuple[str, ...]) -> None:
    """Not even a run."""
    before = looked_at.events()

    looked_at.run(*words)

    assert looked_at.events() == before


def test_a_database_without_a_good_backup_is_loud(looked_at: Project) -> None:
    """In `databases` and in `status`."""
    assert "NO GOOD BACKUP" in looked_at.run("databases").out
    assert "2 of 3 databases have a fresh good backup" in looked_at.run("status").out


def test_the_plan_says_why(looked_at: Project) -> None:
    """From the last discovery; no server is contacted."""
    plan = {row["database"]: row for row in looked_at.json("plan")}

    assert plan["shop"]["work"] == "nothing"
    assert plan["shop"]["reason"] == "a good backup covers the current slot"
    assert plan["shop"]["task"] == "backup:local/shop"


@pytest.mark.parametrize("words", [("backups",), ("databases",), ("plan",), ("status",), ("audit",)], ids=" ".join)
def test_before_the_first_backup_there_is_one_clear_line(project: Project, words: tuple[str, ...]) -> None:
    """Not a traceback, and the way on."""
    done = project.run(*words)

    assert done.status == 1
    assert "there is no catalog" in done.err
    assert "Traceback" not in done.said


def test_an_unknown_database_is_refused(looked_at: Project) -> None:
    """Never an empty list for a typo."""
    done = looked_at.run("backups", "shopp")

    assert done.status == 3
    assert "nothing is known of 'shopp'" in done.err


# --------------------------------------------------------------------------- audit


def tamper(project: Project, statement: str) -> Outcome:
    """Change the catalog as somebody with write permission could, and audit it."""
    with closing(sqlite3.connect(project.folder / "catalog/catalog.db")) as connection, connection:
        for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger[0]}")
        connection.execute(statement)
    return project.run("audit")


def test_an_untouched_catalog_is_intact(looked_at: Project) -> None:
    """Every stored head agrees."""
    report = looked_at.json("audit")

    assert report["ok"]
    assert report["stored_heads"] == 4  # of two sidecars, and of the copies that two runs made
    assert report["events"] == len(looked_at.events())


def test_a_changed_event_is_named(looked_at: Project) -> None:
    """With its position."""
    done = tamper(looked_at, "UPDATE events SET actor = 'nobody' WHERE position = 4")

    assert done.status == 1
    assert "NOT INTACT" in done.out
    assert "4" in next(line for line in done.out.splitlines() if line.startswith("FAULT"))


def test_a_cut_off_tail_is_found_by_the_heads_that_have_left_the_catalog(looked_at: Project) -> None:
    """Those in the sidecars and in the catalog's copies; the last one that is lost is named."""
    done = tamper(looked_at, "DELETE FROM events WHERE position > 3")

    assert done.status == 1
    assert "is cut off: it stops at position 3" in done.out
    assert "@catalog" in done.out


def test_a_head_kept_elsewhere_must_be_in_the_chain(looked_at: Project) -> None:
    """`--head HASH`."""
    head = looked_at.json("audit")["head"]["hash"]

    assert looked_at.run("audit", "--head", head).status == 0
    assert looked_at.run("audit", "--head", "0" * 64).status == 1


def test_on_a_weekend_status_calls_nothing_overdue_that_is_made_on_weekdays(project: Project) -> None:
    """Here the week has one day, that of a backup three days ago."""
    past = clock.now() - timedelta(days=3)
    catalog = Catalog.open(project.catalog, host="testhost", now=lambda: past)
    catalog.append(*good("b1", instance="local", at=past))
    catalog.close()
    (row,) = project.json("databases")
    assert row["overdue"]
    weekly = f"{{timezone: UTC, weekdays: [{DAYS[past.weekday()]}]}}"
    project.configure(CONFIGURATION.replace("{timezone: UTC}", weekly))
    (row,) = project.json("databases")
    assert not row["overdue"]
    assert project.run("status").out.startswith("1 of 1 databases have a fresh good backup")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("databases nope", "nothing is known of an instance 'nope'"),
        ("plan local", "plan does not take 'local'"),
        ("status local", "status does not take 'local'"),
        ("backups local/shop local/crm", "backups does not take 'local/crm'"),
        ("forget", "forget names no task"),
    ],
)
def test_a_word_that_means_nothing_is_not_passed_over(project: Project, words: str, told: str) -> None:
    """What is shown without it would be taken for an answer to it."""
    assert project.run("backup").status == 0

    done = project.run(*words.split())

    assert done.status == 3
    assert told in done.err
    assert "Traceback" not in done.err
