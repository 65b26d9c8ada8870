"""`restore`: brings back what was chosen, shows it first, and refuses what could hurt."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.project import Project

ITEMS = "SELECT count(*), min(name), max(name) FROM item"


@pytest.fixture
def backed_up(project: Project) -> Project:
    """A project whose databases have one good backup each."""
    done = project.run("backup")
    assert done.status == 0, done.said
    return project


def test_a_lost_database_comes_back(backed_up: Project) -> None:
    """By its short name, compared with its dump, told as an event."""
    before = backed_up.rows("shop", ITEMS)
    backed_up.database("shop").unlink()

    done = backed_up.run("restore:shop")

    assert done.status == 0, done.said
    assert backed_up.rows("shop", ITEMS) == before
    assert [e["type"] for e in backed_up.events("type LIKE 'restore%'")] == ["restore_started", "restored"]


def test_a_target_that_is_not_empty_needs_force(backed_up: Project) -> None:
    """Nothing is touched, and the message says both ways on."""
    backed_up.execute("shop", "DELETE FROM item")

    done = backed_up.run("restore:shop")

    assert done.status == 1
    assert "--force" in done.said
    assert "--to" in done.said
    assert backed_up.rows("shop", ITEMS)[0][0] == 0
    assert "restore_started" not in backed_up.types()


def test_force_replaces_it(backed_up: Project) -> None:
    """The old content is gone, nothing else is left in the folder."""
    before = backed_up.rows("shop", ITEMS)
    backed_up.execute("shop", "DELETE FROM item")

    done = backed_up.run("restore:shop", "--force")

    assert done.status == 0, done.said
    assert "REPLACES what is there" in done.out
    assert backed_up.rows("shop", ITEMS) == before
    assert sorted(p.name for p in (backed_up.folder / "data").iterdir()) == ["crm.db", "shop.db"]


def test_a_dry_run_checks_everything_and_touches_nothing(backed_up: Project) -> None:
    """The resolved target is shown; no event is appended."""
    backed_up.database("shop").unlink()
    before = backed_up.events()

    done = backed_up.run("restore:local/shop", "--dry-run")

    assert done.status == 0, done.said
    assert "to     local/shop  (new)" in done.out
    assert not backed_up.database("shop").exists()
    assert backed_up.events() == before


def test_another_name_leaves_the_original_alone(backed_up: Project) -> None:
    """The target that is shown is the one that is written."""
    backed_up.execute("shop", "DELETE FROM item")

    done = backed_up.run("restore:local/shop", "--to", "copy")

    assert done.status == 0, done.said
    assert "to     local/copy  (new)" in done.out
    assert backed_up.rows("copy", ITEMS)[0][0] == 500
    assert backed_up.rows("shop", ITEMS)[0][0] == 0


def test_at_takes_the_newest_backup_at_or_before_the_time(backed_up: Project) -> None:
    """Never the nearest: that could hold what was to be undone."""
    (first,) = backed_up.json("backups", "local/shop")
    backed_up.execute("shop", "DELETE FROM item")
    assert backed_up.run("backup:local/shop", "--force").status == 0
    second = backed_up.json("backups", "local/shop")[0]
    backed_up.database("shop").unlink()

    just_before = datetime.fromisoformat(second["started_at"]) - timedelta(microseconds=1)
    done = backed_up.run("restore:shop", "--at", just_before.isoformat())

    assert done.status == 0, done.said
    assert first["started_at"] < second["started_at"]
    assert first["path"] in done.out
    assert backed_up.rows("shop", ITEMS)[0][0] == 500


def test_the_time_that_a_screen_shows_means_the_backup_that_it_shows(backed_up: Project) -> None:
    """Nobody sees the fraction of a second that is in the catalog."""
    (only,) = backed_up.json("backups", "local/shop")
    shown = backed_up.run("verify:local/shop").out.splitlines()[0].split("local/shop ")[1][:19]
    assert only["started_at"].startswith(shown.replace(" ", "T"))

    done = backed_up.run("restore:shop", "--at", shown, "--to", "copy")

    assert done.status == 0, done.said


@pytest.mark.parametrize(
    "words",
    [
        ("--at", "2026-01-09", "--backup", "0"),
        ("--backup", "0", "--file", "F"),
        ("--file", "F", "--interactive"),
        ("--to", "a", "--target-database", "b"),
    ],
)
def test_two_choices_are_refused_instead_of_one_being_passed_over(backed_up: Project, words: tuple[str, ...]) -> None:
    """Nobody says two of them and means one."""
    done = backed_up.run("restore:shop", "--dry-run", *words)

    assert done.status == 1
    assert "cannot be combined" in done.out


def test_a_time_before_every_backup_is_refused(backed_up: Project) -> None:
    """The oldest is named."""
    done = backed_up.run("restore:shop", "--at", "2001-01-01")

    assert done.status == 1
    assert "no good backup of local/shop is as old as 2001-01-01" in done.said


def test_a_backup_is_taken_by_the_beginning_of_its_id(backed_up: Project) -> None:
    """As `doit backups` shows it."""
    (row,) = backed_up.json("backups", "local/shop")
    backed_up.database("shop").unlink()

    assert backed_up.run("restore:shop", "--backup", row["backup_id"][:18]).status == 0
    assert backed_up.rows("shop", ITEMS)[0][0] == 500


@pytest.mark.parametrize("where", ["middle", "end"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(backed_up: Project, where: str) -> None:
    """A flipped bit and a cut are found by the check before the first byte; the backup leaves `restorable`."""
    (dump,) = backed_up.files("shop*.db.gz")
    content = bytearray(dump.read_bytes())
    if where == "middle":
        content[len(content) // 2] ^= 0x10
    else:
        del content[-1:]
    dump.write_bytes(content)
    backed_up.database("shop").unlink()

    done = backed_up.run("restore:shop")

    assert done.status == 1
    assert "damaged" in done.said
    assert not backed_up.database("shop").exists()
    assert backed_up.run("restore:shop").status == 1
    assert [row["state"] for row in backed_up.json("backups", "local/shop")] == ["damaged"]


def test_a_suspiciously_small_newest_backup_needs_a_word(backed_up: Project) -> None:
    """A fresh, empty database must not become the source of the next restore by itself."""
    backed_up.execute("shop", "INSERT INTO item (name) SELECT name || hex(randomblob(200)) FROM item")
    backed_up.run("backup:local/shop", "--force")
    backed_up.execute("shop", "DELETE FROM item")
    backed_up.execute("shop", "VACUUM")
    backed_up.run("backup:local/shop", "--force")
    backed_up.database("shop").unlink()

    refused = backed_up.run("restore:shop")
    meant = backed_up.run("restore:shop", "--latest")

    assert refused.status == 1
    assert "smaller than the one before" in refused.said
    assert meant.status == 0, meant.said
    assert backed_up.rows("shop", ITEMS)[0][0] == 0


def test_a_file_that_the_catalog_has_never_seen_is_restored_by_its_sidecar(backed_up: Project, tmp_path: Path) -> None:
    """An artifact carried from elsewhere; it goes where its sidecar says."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in backed_up.files("shop*"):
        shutil.copy(path, elsewhere)
    shutil.rmtree(backed_up.folder / "catalog")
    backed_up.database("shop").unlink()

    done = backed_up.run("restore", "--file", str(next(elsewhere.glob("*.db.gz"))))

    assert done.status == 0, done.said
    assert backed_up.rows("shop", ITEMS)[0][0] == 500


def test_a_file_without_its_sidecar_needs_to_be_told_where(backed_up: Project, tmp_path: Path) -> None:
    """Refused, then done with both words."""
    alone = tmp_path / "alone.db.gz"
    shutil.copy(next(iter(backed_up.files("shop*.db.gz"))), alone)

    refused = backed_up.run("restore", "--file", str(alone))
    done = backed_up.run("restore", "--file", str(alone), "--target-instance", "local", "--to", "found")

    assert refused.status == 1
    assert "--target-instance" in refused.said
    assert done.status == 0, done.said
    assert backed_up.rows("found", ITEMS)[0][0] == 500


def test_a_dump_of_another_database_needs_a_name(backed_up: Project) -> None:
    """`restore:crm --file shop…` is a mistake until `--to` says otherwise."""
    (dump,) = backed_up.files("shop*.db.gz")

    done = backed_up.run("restore:local/crm", "--file", str(dump), "--force")

    assert done.status == 1
    assert "is a dump of local/shop, not of local/crm" in done.said
    assert backed_up.rows("crm", "SELECT name FROM person") == [("Ada",)]


def test_the_bare_group_restores_nothing_and_lists_what_there_is(backed_up: Project) -> None:
    """Without a name it fails, after showing the choices."""
    done = backed_up.run("restore")

    assert done.status == 1
    assert "local/shop" in done.out
    assert "restore_started" not in backed_up.types()


@pytest.mark.parametrize("words", [("restore", "--list"), ("restore", "list")])
def test_listing_only_lists(backed_up: Project, words: tuple[str, ...]) -> None:
    """Both spellings."""
    done = backed_up.run(*words)

    assert done.status == 0, done.said
    assert "local/shop" in done.out
    assert "local/crm" in done.out


def test_a_bare_restore_takes_instance_and_database(backed_up: Project) -> None:
    """The specification's spelling."""
    backed_up.database("shop").unlink()

    done = backed_up.run("restore", "--instance", "local", "--database", "shop", "--latest")

    assert done.status == 0, done.said
    assert backed_up.rows("shop", ITEMS)[0][0] == 500


def test_no_pattern_restores_several_databases_by_accident(backed_up: Project) -> None:
    """`restore:*` needs --all --force."""
    backed_up.execute("crm", "DELETE FROM person")

    refused = backed_up.run("restore:local/*")
    meant = backed_up.run("restore:local/*", "--all", "--force")

    assert refused.status == 3
    assert "--all --force" in refused.err
    assert meant.status == 0, meant.said
    assert backed_up.rows("crm", "SELECT name FROM person") == [("Ada",)]


def test_an_ambiguous_short_name_lists_the_instances(backed_up: Project) -> None:
    """`restore:shop` must never mean one of two."""
    text = (backed_up.folder / "config/config.yaml").read_text()
    (backed_up.folder / "more").mkdir()
    shutil.copy(backed_up.database("shop"), backed_up.folder / "more")
    backed_up.configure(text.replace("storage:", "  - {id: second, type: sqlite, path: more/*.db}\nstorage:"))
    backed_up.run("backup")

    done = backed_up.run("restore:shop")

    assert done.status == 3
    assert "restore:local/shop, restore:second/shop" in done.err


def test_an_unknown_name_is_refused(backed_up: Project) -> None:
    """Never exit status 0 for a typo."""
    done = backed_up.run("restore:shopp")

    assert done.status == 3
    assert "shopp" in done.err


def test_restoring_to_another_kind_of_server_is_refused(backed_up: Project) -> None:
    """A dump goes back only to its own family."""
    text = (backed_up.folder / "config/config.yaml").read_text()
    backed_up.configure(text.replace("storage:", "  - {id: pg, type: postgresql, host: localhost}\nstorage:"))

    done = backed_up.run("restore:local/shop", "--target-instance", "pg")

    assert done.status == 1
    assert "cannot go to pg" in done.said
