"""`recover`: what it shows, what it leaves alone, what it calls done, and with which status it ends."""

from __future__ import annotations

import pytest

from tests.project import CONFIGURATION, Outcome, Project

SPARE = "  - {id: spare, type: sqlite, path: spare/*.db}\nstorage:"
ONTO_SPARE = ("recover:local", "--target-instance", "spare")
COUNT = "SELECT count(*) FROM item"


@pytest.fixture
def lost(project: Project) -> Project:
    """A project with a good backup of each database, and an empty instance beside."""
    project.configure(CONFIGURATION.replace("storage:", SPARE))
    (project.folder / "spare").mkdir()
    done = project.run("backup", "--instance", "local")
    assert done.status == 0, done.said
    return project


def recovered(project: Project, *words: str) -> Outcome:
    """Run the recovery, and demand that it ended well."""
    done = project.run(*ONTO_SPARE, *words)
    assert done.status == 0, done.said
    return done


def story(project: Project) -> list[str]:
    """Return the events of recoveries and restores, in order."""
    return [kind for kind in project.types() if kind.startswith(("recover", "restore"))]


def test_every_database_comes_back_and_each_has_its_event(lost: Project) -> None:
    """Beside the ordinary events of each restore, which carry the recovery's id."""
    done = recovered(lost)

    assert lost.rows("../spare/shop", COUNT) == [(500,)]
    assert lost.rows("../spare/crm", "SELECT name FROM person") == [("Ada",)]
    kinds = story(lost)
    assert (kinds[0], kinds[-1], kinds.count("restored")) == ("recovery_started", "recovered", 2)
    ids = {event["data"]["recovery_id"] for event in lost.events("type LIKE 'recover%' OR type = 'restored'")}
    assert len(ids) == 1
    assert "local on spare stands again" in done.out
    assert "2 done" in done.out


def test_the_same_command_again_finds_everything_in_its_place(lost: Project) -> None:
    """And leaves no trace of itself in history."""
    recovered(lost)
    before = story(lost)

    done = recovered(lost)

    assert story(lost) == before
    assert "2 up to date" in done.out


def test_a_database_that_was_there_before_is_a_conflict_and_left_alone(lost: Project) -> None:
    """Named, with status 1; everything else goes on."""
    lost.execute("../spare/crm", "CREATE TABLE mine (v int)")

    done = lost.run(*ONTO_SPARE)

    assert done.status == 1
    assert "FAIL spare/crm  conflict: exists there and is not empty" in done.out
    assert lost.rows("../spare/crm", "SELECT name FROM sqlite_master") == [("mine",)]
    assert lost.rows("../spare/shop", COUNT) == [(500,)]
    (failed,) = lost.events("type = 'recovery_failed'")
    assert {one["database"]: one["result"] for one in failed["data"]["results"]} == {
        "shop": "restored",
        "crm": "conflict",
    }


def test_after_a_conflict_is_out_of_the_way_the_same_recovery_goes_on(lost: Project) -> None:
    """What stands is not restored again."""
    lost.execute("../spare/crm", "CREATE TABLE mine (v int)")
    assert lost.run(*ONTO_SPARE).status == 1
    lost.database("../spare/crm").unlink()

    recovered(lost)

    restored = [event["database"] for event in lost.events("type = 'restored'")]
    assert restored == ["shop", "crm"]
    first, second = lost.events("type = 'recovery_started'")
    assert first["data"]["recovery_id"] == second["data"]["recovery_id"]
    assert (first["data"]["resumed"], second["data"]["resumed"]) == (False, True)
    assert second["data"]["databases"] == ["crm"]


def test_force_replaces_what_is_there(lost: Project) -> None:
    """By the ordinary safe restore."""
    lost.execute("../spare/crm", "CREATE TABLE mine (v int)")

    recovered(lost, "--force")

    assert lost.rows("../spare/crm", "SELECT name FROM person") == [("Ada",)]


def test_a_restore_by_hand_since_then_makes_it_a_conflict(lost: Project) -> None:
    """Also one of the same backup: what stands there is not the recovery's any more."""
    recovered(lost)
    done = lost.run("restore:local/shop", "--target-instance", "spare", "--force")
    assert done.status == 0, done.said

    again = lost.run(*ONTO_SPARE)

    assert again.status == 1
    assert "spare/shop  conflict" in again.out


def test_a_newer_backup_is_not_taken_over_an_older_one_without_a_word(lost: Project) -> None:
    """A finished recovery counts only while it brought what would be chosen now."""
    recovered(lost)
    lost.execute("shop", "INSERT INTO item (name) VALUES ('newer')")
    assert lost.run("backup", "--instance", "local", "--force").status == 0

    without = lost.run(*ONTO_SPARE)
    recovered(lost, "--force")

    assert without.status == 1
    assert lost.rows("../spare/shop", COUNT) == [(501,)]


def test_a_suspiciously_small_backup_needs_a_word(lost: Project) -> None:
    """As in a restore; everything else goes on."""
    lost.execute("shop", "INSERT INTO item (name) SELECT name || hex(randomblob(200)) FROM item")
    assert lost.run("backup:local/shop", "--force").status == 0
    lost.execute("shop", "DELETE FROM item")
    lost.execute("shop", "VACUUM")
    assert lost.run("backup:local/shop", "--force").status == 0

    refused = lost.run(*ONTO_SPARE)
    recovered(lost, "--latest")

    assert refused.status == 1
    assert "smaller than the one before" in " ".join(refused.out.split())
    assert lost.rows("../spare/crm", "SELECT name FROM person") == [("Ada",)]
    assert lost.rows("../spare/shop", COUNT) == [(0,)]


def test_the_plan_fits_eighty_columns_and_touches_nothing(lost: Project) -> None:
    """Sizes and expected times, unknown at first, and then from what the last restores took."""
    before = lost.events()

    unknown = recovered(lost, "--dry-run")
    assert lost.events() == before
    assert list((lost.folder / "spare").iterdir()) == []
    recovered(lost)
    known = recovered(lost, "--dry-run", "--force")

    assert "expected time: unknown" in unknown.out
    assert "2 databases to restore" in unknown.out
    assert max(len(line) for line in unknown.out.splitlines() if "/spare/" not in line) <= 80
    assert "expected time: about " in known.out
    assert "dry run: nothing was touched" in known.out


def test_an_excluded_database_is_left_out(lost: Project) -> None:
    """By its exact name; one that does not exist is a mistake."""
    recovered(lost, "--exclude-database", "shop")
    assert not lost.database("../spare/shop").exists()
    assert lost.database("../spare/crm").exists()

    wrong = lost.run(*ONTO_SPARE, "--exclude-database", "shops")

    assert wrong.status == 1
    assert "no database 'shops' to exclude" in wrong.out


def test_a_point_in_time_takes_the_backups_of_then(lost: Project) -> None:
    """And says which databases have none that old."""
    done = lost.run(*ONTO_SPARE, "--at", "2001-01-01")

    assert done.status == 1
    assert " ".join(done.out.split()).count("no good backup of local/") == 2
    assert list((lost.folder / "spare").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("recover:local",), "no target is named"),
        (("recover",), "no instance is named"),
        (("recover:local", "--target-instance", "nowhere"), "there is no instance 'nowhere'"),
    ],
)
def test_an_incomplete_command_says_what_it_lacks(lost: Project, words: tuple[str, ...], said: str) -> None:
    """Nothing is touched."""
    done = lost.run(*words)

    assert done.status == 1
    assert said in done.said
    assert "recovery_started" not in lost.types()
