"""`doit catalog rebuild`: the catalog is gone, the tree of backups is there, and work goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.project import CONFIGURATION, Outcome, Project, new_project

CATALOG = "catalog/catalog.db"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two databases, each with two good backups, in two runs and two segments. Never changed: copied."""
    project = new_project(tmp_path_factory.mktemp("template"), CONFIGURATION)
    project.execute("shop", "CREATE TABLE item (name TEXT)", "CREATE VIEW things AS SELECT name FROM item")
    project.execute("shop", *(f"INSERT INTO item (name) VALUES ('thing {n}')" for n in range(500)))
    project.execute("crm", "CREATE TABLE person (name TEXT)", "INSERT INTO person VALUES ('Ada')")
    for _ in range(2):
        assert project.run("backup", "--force").status == 0
    return project


@pytest.fixture
def backed_up(template: Project, tmp_path: Path) -> Project:
    """A copy of the template, to lose things of."""
    return Project(Path(shutil.copytree(template.folder, tmp_path / "project")))


def stored(project: Project) -> list[tuple[Any, ...]]:
    """Return all events as they are stored."""
    with closing(sqlite3.connect(project.folder / CATALOG)) as connection:
        return connection.execute("SELECT * FROM events ORDER BY id").fetchall()


def views(project: Project) -> dict[str, Any]:
    """Return what the views say of backups and databases, but for what a rebuild adds: how each was verified."""
    added = {"verified_at", "looked_at", "looked_event", "verdict", "verdict_reason"}
    backups = [{name: row[name] for name in row if name not in added} for row in project.json("backups")]
    return {"backups": backups, "kept": [row["kept_count"] for row in project.json("databases")]}


def copies(project: Project) -> Path:
    """Return the folder of the copies."""
    return project.folder / "backups/testhost/@catalog"


def lose(project: Project) -> None:
    """Lose the catalog, with its folder."""
    shutil.rmtree(project.folder / "catalog")


def rebuild(project: Project, *words: str, status: int = 0) -> Outcome:
    """Rebuild, and demand an exit status."""
    done = project.run("catalog", "rebuild", *words)
    assert done.status == status, done.said
    return done


def goes_on(project: Project) -> None:
    """Restoring, backing up and auditing work; the copies are complete again."""
    project.execute("shop", "DELETE FROM item")
    assert project.run("restore:local/shop", "--force", "--yes").status == 0
    assert project.rows("shop", "SELECT count(*) FROM item") == [(500,)]
    assert project.run("backup", "--force").status == 0
    told = project.run("audit")
    assert told.status == 0, told.said


def test_a_lost_catalog_comes_back_event_for_event(backed_up: Project) -> None:
    """The same ids, positions and hashes; the rebuild itself is recorded behind them."""
    before, shown = stored(backed_up), views(backed_up)
    lose(backed_up)

    done = rebuild(backed_up)

    after = stored(backed_up)
    assert after[: len(before)] == before
    assert [row[5] for row in after[len(before) :]] == [
        "run_started",
        "catalog_rebuilt",
        *["verified"] * 4,
        "run_finished",
    ]
    assert {row[1] for row in after} == {before[0][1]}
    assert f"{len(before)} events recovered" in done.out
    assert before[-1][-1] in done.out
    assert views(backed_up) == shown
    assert (backed_up.folder / CATALOG).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (backed_up.folder / "catalog").iterdir()) == ["catalog.db", "state"]
    goes_on(backed_up)


@pytest.mark.parametrize("pattern", ["*.gz", "*.jsonl"], ids=["segments alone", "snapshot alone"])
def test_either_kind_of_copy_is_enough_for_what_it_holds(backed_up: Project, pattern: str) -> None:
    """Segments hold everything; a snapshot the time before it, and the loss of the rest is known from the sidecars."""
    before = stored(backed_up)
    lose(backed_up)
    for path in copies(backed_up).rglob(pattern):
        path.unlink()

    if pattern == "*.gz":
        rebuild(backed_up)
        assert stored(backed_up)[: len(before)] == before
    else:
        done = rebuild(backed_up, status=1)
        after = stored(backed_up)
        kept = next(number for number, row in enumerate(after) if row not in before)
        assert 5 < kept < len(before)
        assert "are lost: no sound copy has them" in done.out
        assert {row[1] for row in after[kept:]} != {before[0][1]}, "going on with the old chain would fork it"
    assert len(backed_up.json("backups")) == 4
    told = backed_up.run("audit")
    assert told.status == 0, told.said


def test_without_copies_the_sidecars_are_enough(backed_up: Project) -> None:
    """A new chain; every backup with its own times, and good only because it was read again."""
    before = {row["backup_id"]: row for row in backed_up.json("backups")}
    lose(backed_up)
    shutil.rmtree(copies(backed_up))

    rebuild(backed_up)

    after = {row["backup_id"]: row for row in backed_up.json("backups")}
    assert after.keys() == before.keys()
    for name in ("instance", "database", "engine", "path", "size_bytes", "sha256", "slot_start", "state", "rows"):
        assert [after[key][name] for key in after] == [before[key][name] for key in after], name
    assert [row["started_at"] for row in after.values()] == [before[key]["started_at"] for key in after]
    assert backed_up.types().count("checksummed") == 4
    assert "was lost before it was made again" in backed_up.run("audit").out
    goes_on(backed_up)


@pytest.mark.parametrize("with_copies", [True, False], ids=["copies", "sidecars"])
def test_nothing_is_called_good_that_was_not_read_again(backed_up: Project, with_copies: bool) -> None:
    """One dump damaged, one gone: both are told, and neither is good."""
    lose(backed_up)
    if not with_copies:
        shutil.rmtree(copies(backed_up))
    damaged, gone = backed_up.files("shop*.db.gz")
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    gone.unlink()

    done = rebuild(backed_up, status=1)

    assert f"{damaged.name} is damaged" in done.out
    assert f"{gone.name}" in "".join(line for line in done.out.splitlines() if "missing" in line)
    states = {Path(row["path"]).name: row["state"] for row in backed_up.json("backups")}
    assert states[damaged.name] == "damaged"
    assert states.get(gone.name) == ("missing" if with_copies else None), "a sidecar alone does not prove a dump"
    good = [row for row in backed_up.json("backups") if row["state"] == "good"]
    assert [row["database"] for row in good] == ["crm", "crm"]
    assert backed_up.json("databases", "local")[0]["newest_good"] == good[0]["backup_id"]


def test_files_without_history_are_told(backed_up: Project) -> None:
    """One with a sidecar is taken over, one without is left alone, one of another host is only counted."""
    segments = sorted(copies(backed_up).rglob("*.jsonl"))
    lose(backed_up)
    newest = max(backed_up.files("crm*.metadata.json"), key=lambda path: path.stat().st_mtime_ns)
    for path in segments[1:]:
        path.unlink()
    stray = newest.with_name("nobody_20260101_000000_full.db.gz")
    stray.write_bytes(b"x")
    other = backed_up.folder / "backups/otherhost/local/crm"
    other.mkdir(parents=True)
    dump = newest.with_name(newest.name.replace(".metadata.json", ".db.gz"))
    shutil.copy(dump, other)
    (other / newest.name).write_text(newest.read_text().replace('"testhost"', '"otherhost"'))

    done = rebuild(backed_up, status=1)

    assert f"{stray.name} has no history and no sidecar of this host" in done.out
    assert f"{dump.name} had no history: taken over from its sidecar" in done.out
    assert "1 dump of other hosts left alone" in done.out
    assert len([row for row in backed_up.json("backups") if row["state"] == "good"]) == 4


def test_a_sidecar_that_was_changed_is_told(backed_up: Project) -> None:
    """The history holds its digest."""
    lose(backed_up)
    (path, *_) = backed_up.files("shop*.metadata.json")
    path.write_text(path.read_text().replace('"client": "', '"client": "x'))
    assert f"{path.name} differs from what was written" in rebuild(backed_up, status=1).out


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_an_existing_catalog_is_never_overwritten(backed_up: Project, suffix: str) -> None:
    """Nor is a stale log left beside the new file, into which SQLite would pour it."""
    before = stored(backed_up)
    if suffix:
        (backed_up.folder / CATALOG).rename(backed_up.folder / "kept.db")
        (backed_up.folder / f"{CATALOG}{suffix}").write_bytes(b"stale")

    done = rebuild(backed_up, status=1)

    assert "is never overwritten" in done.err
    if suffix:
        assert not (backed_up.folder / CATALOG).exists()
    else:
        assert stored(backed_up) == before


def test_copies_from_elsewhere_are_named(backed_up: Project, tmp_path: Path) -> None:
    """The tree, a host's part or the folder itself; where there are none the folder is refused."""
    before = stored(backed_up)
    elsewhere = tmp_path / "off-site/testhost"
    elsewhere.mkdir(parents=True)
    shutil.move(copies(backed_up), elsewhere)
    for said in (elsewhere.parent, elsewhere, elsewhere / "@catalog"):
        lose(backed_up)
        shutil.rmtree(copies(backed_up), ignore_errors=True)
        rebuild(backed_up, "--from", str(said))
        assert stored(backed_up)[: len(before)] == before
    lose(backed_up)
    assert "no copies of a catalog" in rebuild(backed_up, "--from", str(backed_up.folder / "data"), status=3).err


def test_where_there_is_nothing_nothing_is_made(project: Project) -> None:
    """A wrong base_path, most likely."""
    assert "nothing to make a catalog from" in rebuild(project, status=1).err
    assert not (project.folder / CATALOG).exists()


def test_two_catalogs_of_one_host_are_united(backed_up: Project) -> None:
    """The catalog was lost, a backup began a new one, saying so; a rebuild makes one file of both chains."""
    first = stored(backed_up)
    lose(backed_up)
    done = backed_up.run("backup", "--force")
    assert "copies of one lie in testhost/@catalog" in done.err
    second = stored(backed_up)
    assert backed_up.run("audit").status == 1, "the copies remember a chain that is not here"
    lose(backed_up)

    rebuild(backed_up)

    after = stored(backed_up)
    assert [row[1:] for row in after[: len(first) + len(second)]] == [row[1:] for row in first + second]
    assert after[-1][1] == second[0][1]
    assert len(backed_up.json("backups")) == 6
    assert backed_up.run("audit").status == 0


def test_a_rebuild_tells_machines_too(backed_up: Project) -> None:
    """`--json` and nothing else on standard output."""
    lose(backed_up)
    told = json.loads(rebuild(backed_up, "--json").out)
    assert (told["ok"], told["source"], told["good"], told["faults"]) == (True, "copies", 4, [])


def test_what_a_cut_off_rebuild_left_is_removed_by_the_next(backed_up: Project) -> None:
    """Its draft never had the catalog's name."""
    lose(backed_up)
    (backed_up.folder / "catalog").mkdir(mode=0o700)
    for suffix in ("", "-wal", ".snapshot"):
        (backed_up.folder / f"catalog/.catalog.db.rebuilding{suffix}").write_bytes(b"half")
    rebuild(backed_up)
    assert not list((backed_up.folder / "catalog").glob(".catalog*"))


def test_a_run_whose_copy_fails_says_so_and_its_backups_are_good(project: Project) -> None:
    """Exit status 1, a line, an event; the next run catches up."""
    copies(project).parent.mkdir(parents=True)
    copies(project).write_text("in the way")

    done = project.run("backup")

    assert done.status == 1
    assert "the catalog was not copied into the tree of backups" in done.err
    assert [row["state"] for row in project.json("backups")] == ["good", "good"]
    assert project.types()[-2:] == ["failed", "run_finished"]
    assert project.events()[-1]["data"]["exit_status"] == 1
    copies(project).unlink()
    assert project.run("backup").status == 0
    last = max(copies(project).rglob("*.jsonl")).read_bytes().splitlines()[-1]
    assert json.loads(last)["hash"] == stored(project)[-1][-1]


@pytest.mark.parametrize("words", ["backup --force --dry-run", "restore:shop --dry-run", "backup --list-databases"])
def test_a_preview_copies_nothing(backed_up: Project, words: str) -> None:
    """Also where there would be something to copy."""
    shutil.rmtree(copies(backed_up))
    backed_up.run(*words.split())
    assert not copies(backed_up).exists()
