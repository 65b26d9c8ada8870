"""Publishing at the end of each run, `doit catalog publish`, `merge`, `export`, and `doit audit --catalog`."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project, new_project

PUBLISHED = CONFIGURATION + "catalog: {published_path: shown/catalog.db}\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One database, backed up and published once. Never changed: copied."""
    project = new_project(tmp_path_factory.mktemp("template"), PUBLISHED)
    project.execute("shop", "CREATE TABLE item (name TEXT)", "INSERT INTO item VALUES ('thing')")
    done = project.run("backup")
    assert (done.status, done.err) == (0, "")
    return project


@pytest.fixture
def project(template: Project, tmp_path: Path) -> Project:
    """A copy of the template."""
    return Project(Path(shutil.copytree(template.folder, tmp_path / "project")))


def events(path: Path) -> list[tuple[object, ...]]:
    """Return all events of a file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM events ORDER BY id").fetchall()


def is_published(project: Project) -> bool:
    """Say whether the copy has all that the catalog has."""
    return events(project.folder / "shown/catalog.db") == events(project.catalog)


def test_each_run_publishes_what_it_did(project: Project) -> None:
    """Also a command that is no run; a look and a preview publish nothing."""
    assert is_published(project)
    assert project.run("backup", "--force").status == 0
    assert is_published(project)
    backup = project.json("backups")[0]["backup_id"]
    assert project.run("hold", "--backup", backup, "--reason", "audit").status == 0
    assert is_published(project)
    (project.folder / "shown/catalog.db").unlink()
    assert project.run("backup", "--dry-run").status == 0
    assert not (project.folder / "shown/catalog.db").exists()


def test_a_slow_reader_delays_no_run(project: Project) -> None:
    """It succeeds with a note, history is not told of a failure, and the next run publishes both."""
    with closing(sqlite3.connect(project.folder / "shown/catalog.db")) as reader:
        cursor = reader.execute("SELECT id FROM events ORDER BY id")
        cursor.fetchone()
        done = project.run("backup", "--force")
        assert (done.status, done.err.count("\n")) == (0, 1)
        assert done.err.startswith("note: the catalog is published with the next run: the copy ")
        refused = project.run("catalog", "publish")  # as patient as a person
        cursor.close()
    assert refused.status == 1
    assert "held by a reader" in refused.err
    assert "failed" not in project.types()
    assert project.run("backup", "--force").err == ""
    assert is_published(project)


def test_what_cannot_be_published_is_told_and_fails_no_backup(project: Project) -> None:
    """On standard error and in history; the command that is about nothing else fails."""
    with closing(sqlite3.connect(project.folder / "shown/catalog.db")) as connection:
        connection.execute("DROP TRIGGER events_refuse_update")
    done = project.run("backup", "--force")
    assert done.status == 0
    assert "error: the catalog was not published: " in done.err
    assert "trigger events_refuse_update was dropped" in done.err
    (failed,) = project.events("type = 'failed'")
    (started, finished) = project.events("type IN ('run_started', 'run_finished')")[-2:]
    assert failed["data"]["step"] == "publication of the catalog"
    assert failed["run_id"] == started["run_id"]
    assert finished["data"]["exit_status"] == 0
    assert project.run("catalog", "publish").status == 1

    (project.folder / "shown/catalog.db").rename(project.folder / "tampered.db")
    told = project.run("catalog", "publish")
    assert (told.status, "written" in told.out) == (0, True)
    assert is_published(project)


def test_publishing_needs_to_know_where(project: Project) -> None:
    """A command of the configuration that is wrong ends with 3."""
    project.configure(CONFIGURATION)
    done = project.run("catalog", "publish")
    assert (done.status, "catalog.published_path is not set" in done.err) == (3, True)


@pytest.mark.parametrize("place", ["backups/catalog.db", "catalog/published.db"])
def test_a_place_where_no_reader_may_look_is_refused(project: Project, place: str) -> None:
    """With file and line."""
    project.configure(CONFIGURATION + f"catalog: {{published_path: {place}}}\n")
    done = project.run("backup")
    assert done.status == 3
    assert done.err.startswith("error: config/config.yaml:6: catalog.published_path is ")
    assert "give it a folder of its own" in " ".join(done.err.split())


def test_the_fleet_is_merged_audited_and_never_appended_to(project: Project, tmp_path: Path) -> None:
    """Of a live catalog of this host and a published copy of another one."""
    (tmp_path / "other").mkdir()
    other = new_project(tmp_path / "other", PUBLISHED.replace("testhost", "otherhost"))
    other.execute("shop", "CREATE TABLE item (name TEXT)")
    assert other.run("backup").status == 0
    copy, fleet = str(other.folder / "shown/catalog.db"), str(project.folder / "fleet/fleet.db")
    words = ("catalog", "merge", "catalog/catalog.db")

    merged = project.run(*words, "--output", fleet, copy)
    again = json.loads(project.run(*words, copy, "--json", "--into", fleet).out)
    assert merged.status == 0, merged.said
    assert "holds the history of 2 hosts" in merged.out
    assert [(chain["host"], chain["added"]) for chain in again["chains"]] == [("otherhost", 0), ("testhost", 0)]

    audited = project.run("audit", "--catalog", fleet, "--json")
    assert audited.status == 0
    assert {chain["host"] for chain in json.loads(audited.out)["chains"]} == {"otherhost", "testhost"}
    project.configure(CONFIGURATION + "catalog: {path: fleet/fleet.db}\n")
    for command in ("backup", "prune", "verify", "restore:shop"):
        refused = project.run(command)
        assert refused.status == 1, refused.said
        assert "merged from the catalogs of otherhost, testhost, and nothing can be appended to it" in refused.err
    assert project.run("status").status == 0


@pytest.mark.parametrize("words", [(), ("--output", "a.db", "--into", "b.db")])
def test_a_merge_needs_one_place_to_write(project: Project, words: tuple[str, ...]) -> None:
    """Otherwise the command line is wrong."""
    done = project.run("catalog", "merge", "catalog/catalog.db", *words)
    assert (done.status, "one file to write" in done.err) == (3, True)


def test_an_audit_of_a_copy_names_what_was_changed(project: Project) -> None:
    """It needs nothing but the file."""
    copy = project.folder / "shown/catalog.db"
    assert project.run("audit", "--catalog", str(copy)).status == 0
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("DROP TRIGGER events_refuse_update")
        connection.execute("UPDATE events SET actor = 'mallory' WHERE position = 3")
    done = project.run("audit", "--catalog", str(copy))
    assert done.status == 1
    assert "trigger events_refuse_update was dropped" in done.out
    assert "position 3) was changed" in done.out


def test_events_are_exported_and_the_export_goes_on(project: Project) -> None:
    """To standard output or a new private file, which is never overwritten."""
    whole = project.run("catalog", "export")
    lines = [json.loads(line) for line in whole.out.splitlines()]
    assert [line["position"] for line in lines] == list(range(1, len(events(project.catalog)) + 1))
    since = project.run("catalog", "export", "--since", "3", "--output", "events.jsonl")
    file = project.folder / "events.jsonl"
    assert (since.status, since.out) == (0, "")
    assert file.read_text() == "".join(f"{line}\n" for line in whole.out.splitlines()[3:])
    assert file.stat().st_mode & 0o777 == 0o600
    assert project.run("catalog", "export", "--output", "events.jsonl").status == 1
    assert project.run("catalog", "export", "--since", "-1").status == 3
    assert project.run("catalog", "export", "--since", "x").status == 3
    assert project.run("catalog", "export", "--catalog", "shown/catalog.db").out == whole.out
