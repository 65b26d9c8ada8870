"""The catalog is gone or emptied, and copies of it lie in the tree: who is told what, and what begins anew."""

from __future__ import annotations

import json

import pytest

from tests.project import Project


@pytest.fixture
def lost(project: Project) -> Project:
    """A project with good backups, whose catalog is gone."""
    assert project.run("backup").status == 0
    project.lose_catalog()
    return project


@pytest.mark.parametrize(
    "words",
    ["restore:shop --dry-run", "restore:shop", "verify", "prune", "drill", "backup --dry-run", "status", "backups"],
)
def test_what_asks_history_says_how_it_comes_back_and_begins_none(lost: Project, words: str) -> None:
    """Nobody is told that there are no backups, and the remedy works as it is said."""
    done = lost.run(*words.split())

    assert done.status in {1, 3}
    assert "copies of one lie in testhost/@catalog" in done.err
    assert "doit catalog rebuild" in done.err
    assert "run: doit backup" not in done.said
    assert not lost.catalog.exists()
    assert lost.run("catalog", "rebuild").status == 0
    assert lost.run("restore:shop", "--to", "copy").status == 0


def test_an_emptied_file_is_a_lost_catalog_too(lost: Project) -> None:
    """A full disk or a careless hand leaves nothing of it but its name."""
    lost.catalog.touch(0o600)

    asked = lost.run("status")
    made = lost.run("backup")

    assert asked.status == 1
    assert "is empty" in asked.err
    assert "Move it away, then run: doit catalog rebuild" in asked.err
    assert made.status == 0
    assert "a new one begins" in made.err


@pytest.mark.parametrize("begins", [0, 16_384])
def test_the_remedy_for_a_broken_catalog_brings_it_back(project: Project, begins: int) -> None:
    """Neither no SQLite file at all nor a damaged one asks anybody to begin without history."""
    assert project.run("backup").status == 0
    before = len(project.json("backups"))
    content = bytearray(project.catalog.read_bytes())
    content[begins:] = b"\x17" * (len(content) - begins)
    project.catalog.write_bytes(content)

    told = project.run("backups").err

    assert "with its -wal and -shm, then run: doit catalog rebuild" in told
    project.lose_catalog()
    assert project.run("catalog", "rebuild").status == 0
    assert len(project.json("backups")) == before


def test_a_file_that_somebody_brings_is_restored_all_the_same(lost: Project) -> None:
    """It needs no history; that a new one begins is said."""
    (dump,) = lost.files("shop_*.db.gz")

    done = lost.run("restore", "--file", str(dump), "--to", "copy")

    assert done.status == 0, done.said
    assert "a new one begins" in done.err


def test_health_knows_that_it_was_lost(lost: Project) -> None:
    """Before the next backup and behind it, until both chains are one."""
    gone = {one["name"]: one for one in json.loads(lost.run("health", "--json").out)["checks"]}
    assert gone["backups"]["status"] == "failure"
    assert "doit catalog rebuild" in gone["backups"]["remedy"]

    assert lost.run("backup").status == 0
    begun = {one["name"]: one for one in json.loads(lost.run("health", "--json").out)["checks"]}
    assert begun["chain"]["status"] == "failure"
    assert "a new one begun" in begun["chain"]["what"]

    lost.lose_catalog()
    assert lost.run("catalog", "rebuild").status == 0
    whole = {one["name"]: one for one in json.loads(lost.run("health", "--json").out)["checks"]}
    assert whole["chain"]["status"] == "ok"


@pytest.mark.parametrize("words", [("verify",), ("restore:shop", "--to", "copy"), ("prune",), ("verify", "--drill")])
def test_nothing_but_a_dump_makes_an_empty_place_the_tree(project: Project, words: tuple[str, ...]) -> None:
    """Else the backups would count as lost because of what the run itself had put there, once it is run again."""
    assert project.run("backup").status == 0
    tree = project.folder / "backups"
    tree.rename(project.folder / "elsewhere")
    tree.mkdir(0o700)

    for _ in range(2):
        done = project.run(*words)
        assert done.status == 1, done.said
        assert "mounted?" in " ".join(done.said.split())
    assert list(tree.iterdir()) == []

    tree.rmdir()
    (project.folder / "elsewhere").rename(tree)
    assert project.run(*words).status == 0
    assert not {"missing", "damaged"} & set(project.types())


def test_a_tree_that_is_not_mounted_is_asked_for(project: Project) -> None:
    """Its place is an empty folder, and a whole set of backups fits there; who looks hears of it, and who backs up."""
    assert "mounted" not in project.run("backup").said
    tree = project.folder / "backups"
    tree.rename(project.folder / "elsewhere")
    tree.mkdir(0o700)

    asked = json.loads(project.run("health", "--json").out)["checks"]
    (chain,) = [one for one in asked if one["name"] == "chain"]
    made = project.run("backup")

    assert chain["status"] == "failure"
    assert "is it mounted?" in chain["what"]
    assert made.status == 0
    assert "good backups of 2 databases should lie there: is it mounted?" in made.said
    assert "mounted" not in project.run("backup").said
