"""`doit prune`, `hold` and `release` as an operator types them, and a prune that is killed on its way."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.trouble import change, wait_for
from tests.project import Project, new_project

CONFIGURATION = """\
application: {hostname: testhost}
instances:
  - {id: local, type: sqlite, path: data/*.db}
storage: {base_path: backups, retention: {daily_keep: 0, weekly_keep: 0, monthly_keep: 0, keep_last: 1, safety_days: 0}}
"""
MADE = 3
STALL = """CREATE TRIGGER stall BEFORE INSERT ON events WHEN NEW.type = '{event}' BEGIN
    SELECT count(*) FROM (WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c); END"""
"""Makes the append of an event last for ever."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three backups of `shop`, of which the policy keeps one; made once, and never changed."""
    made = new_project(tmp_path_factory.mktemp("original"), CONFIGURATION)
    made.execute("shop", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    made.execute("shop", *(f"INSERT INTO item (name) VALUES ('thing {n}')" for n in range(500)))
    for _ in range(MADE):
        done = made.run("backup", "--force")
        assert done.status == 0, done.said
    return made


@pytest.fixture
def project(original: Project, tmp_path: Path) -> Project:
    """A copy of that project: paths in it are relative, so it works anywhere."""
    shutil.copytree(original.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def ids(project: Project, state: str = "good") -> list[str]:
    """Return the backups in a state, newest first."""
    return [row["backup_id"] for row in project.json("backups") if row["state"] == state]


def dumps(project: Project) -> list[Path]:
    """Return the stored dumps."""
    return project.files("shop_*.db.gz")


def test_a_preview_shows_every_backup_with_its_reason_and_touches_nothing(project: Project) -> None:
    """In eighty columns, sizes summed."""
    before = (project.events(), project.files())

    done = project.run("prune", "--dry-run")

    assert done.status == 0, done.said
    assert (project.events(), project.files()) == before
    assert "local/shop: keep the last 1 (UTC)" in done.out
    assert done.out.count("fills no slot") == MADE - 1
    assert "newest good, last 1" in done.out
    assert "1 kept (" in done.out
    assert "2 to prune (" in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())


@pytest.mark.parametrize("name", ["prune", "prune:shop"])
def test_a_prune_prunes_and_the_second_one_changes_nothing(project: Project, name: str) -> None:
    """Everything, or one database; what is kept restores."""
    done = project.run(name)
    head = len(project.events())
    again = project.run(name)

    assert done.status == 0, done.said
    assert "2 pruned" in done.out
    assert [path.name for path in project.files()] == sorted(p.name for p in project.files("shop_*"))
    assert len(project.files()) == 3
    assert (again.status, len(project.events())) == (0, head)
    assert "nothing to prune, 1 kept" in again.out
    assert project.run("audit").status == 0
    assert project.run("restore:shop", "--to", "copy").status == 0
    _tells_the_whole_decision(project)


def _tells_the_whole_decision(project: Project) -> None:
    """Find policy, slot table and survivors in the first `pruned` event, to which the other refers, as JSON."""
    pruned = project.events("type = 'pruned'")
    data = [event["data"] for event in pruned]

    assert [one["policy"] for one in data] == ["keep the last 1"] * 2
    (kept,) = ids(project)
    assert [one["decision"] for one in data] == [pruned[0]["backup_id"]] * 2
    assert data[0]["slots"] == [{"rule": "last", "period": "1", "backup_id": kept}]
    assert data[0]["survivors"] == [{"backup_id": kept, "reason": "newest good, last 1"}]
    assert (data[1]["slots"], data[1]["survivors"]) == ([], [])
    assert data[0]["rules"]["last"] == 1
    assert data[0]["zone"] == "UTC"


def test_where_cleaning_up_is_switched_off_a_prune_is_a_preview(project: Project) -> None:
    """And says so."""
    change(project, storage={"retention": {"keep_last": 1, "safety_days": 0, "cleanup_enabled": False}})
    before = (project.types(), project.files())

    done = project.run("prune")

    assert done.status == 0, done.said
    assert "nothing was touched: storage.retention.cleanup_enabled is false" in done.out
    assert (project.types(), project.files()) == before


def test_a_night_backs_up_first_and_prunes_then(project: Project) -> None:
    """Both in one command, in either order; a backup alone never prunes."""
    done = project.run("prune", "backup", "--force")

    assert done.status == 0, done.said
    assert len(ids(project)) == 1
    assert len(dumps(project)) == 1
    types = project.types()
    assert len(types) - types[::-1].index("checksummed") < types.index("pruned") + 1


def test_a_held_backup_stays_until_it_is_released(project: Project) -> None:
    """By the beginning of its id; with reason and actor in the audit log, and never twice."""
    oldest = ids(project)[-1]
    assert "no backup has an id" in project.run("hold", "--backup", "nope", "--reason", "x").err
    held = project.run("hold", "--backup", oldest[:18], "--reason", "asked for by the auditor")
    twice = project.run("hold", "--backup", oldest, "--reason", "again")
    pruned = project.run("prune")
    kept = ids(project)
    shown = project.run("backups").out
    released = project.run("release", "--backup", oldest, "--reason", "audit is over")
    twice_released = project.run("release", "--backup", oldest, "--reason", "again")

    assert [done.status for done in (held, twice, pruned, released, twice_released)] == [0] * 5
    assert "was held already" in twice.out
    assert shown.count("good, held") == 1
    assert "was not held" in twice_released.out
    assert oldest in kept
    assert len(kept) == 2
    events = project.events("type IN ('held', 'released')")
    assert [event["data"]["reason"] for event in events] == ["asked for by the auditor", "audit is over"]
    assert all(event["actor"] and event["run_id"] for event in events)
    assert project.run("prune").status == 0
    assert len(ids(project)) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("hold", "--backup", "01"), "needs a reason"),
        (("hold", "--backup", "0", "--reason", "x"), "more than one backup has an id that begins with '0'"),
        (("prune:nope",), "nothing is known of 'nope' to prune"),
        (("release", "--reason", "x"), "either --backup or --database"),
        (("release", "--database", "nope", "--reason", "x"), "nothing is known of 'nope'"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_half_a_promise_is_refused(original: Project, words: tuple[str, ...], told: str) -> None:
    """Exit status 3, and nothing is appended."""
    before = original.types()

    done = original.run(*words)

    assert (done.status, original.types()) == (3, before), done.said
    assert told in done.err


def test_an_alarm_stops_the_prune_loudly_until_someone_looked(project: Project) -> None:
    """The database was emptied: exit status 1, the way on in the message, and no file gone."""
    project.database("shop").unlink()
    project.execute("shop", "CREATE TABLE item (id INTEGER)")
    project.run("backup", "--force")
    before = project.files()

    stopped = project.run("prune")
    preview = project.run("prune", "--dry-run")
    untouched = project.files()
    released = project.run("release", "--database", "shop", "--reason", "emptied on purpose")
    gone_on = project.run("prune")

    assert stopped.status == 1
    assert "smaller than the one before" in stopped.out
    assert "doit release --database local/shop --reason TEXT" in stopped.out
    assert "nothing is pruned: " in preview.out
    assert untouched == before
    assert released.status == 0, released.said
    assert "% smaller" in project.events("type = 'released'")[0]["data"]["about"]
    assert gone_on.status == 0, gone_on.said
    assert len(ids(project)) == 1


@pytest.mark.parametrize("event", ["pruned", "removed"])
def test_a_prune_that_is_killed_is_finished_by_the_next_run_of_anything(project: Project, event: str) -> None:
    """Killed while it appends that event: before the first nothing is gone; after it nothing is left."""
    _catalog(project, STALL.format(event=event))
    process = project.start("prune")
    if event == "removed":
        wait_for(lambda: len(project.files()) <= MADE * 3 - 3, process)
    else:
        wait_for(lambda: "prune of local/shop" in _lock(project), process)
    process.kill()
    process.communicate()
    _catalog(project, "DROP TRIGGER stall")
    left, was = len(project.files()), ids(project)

    assert project.run("restore", "--list").status == 0
    after = (len(project.files()), ids(project))
    assert project.run("prune").status == 0

    if event == "pruned":
        assert (left, len(was)) == (MADE * 3, MADE)
        assert after == (left, was)
    else:
        assert left == MADE * 3 - 3
        assert len(was) == 1
        assert after == (3, was)
    assert len(ids(project)) == 1
    assert len(project.files()) == 3
    assert project.types().count("removed") == project.types().count("pruned") == MADE - 1
    assert project.run("audit").status == 0


def _lock(project: Project) -> str:
    """Return what the holder of the lock says that it is at."""
    found = list((project.folder / "catalog").rglob("*.lock")) + list(project.folder.glob("state/**/*.lock"))
    return "".join(path.read_text() for path in found)


def _catalog(project: Project, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(project.folder / "catalog/catalog.db")) as connection, connection:
        connection.execute(statement)
