"""A catalog is lost after two weeks of real life; made again, everything that relies on it works on from there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.drills.ground import nothing_is_left, short_folder
from tests.engines.contract import ITEMS, Bench
from tests.engines.places import SqlitePlace
from tests.history.samples import Steps
from tests.project import Outcome, Project, new_project
from vya_backup.command_line.session import wired
from vya_backup.decisions.naming import Key
from vya_backup.jobs.copying import copy_out
from vya_backup.jobs.drilling import drill_database
from vya_backup.jobs.holding import hold_backup, release_backup
from vya_backup.jobs.pruning import prune
from vya_backup.jobs.verifying import verify
from vya_backup.settings.loading import load
from vya_backup.transport.pipeline import silent

CONFIGURATION = """\
application: {{hostname: testhost}}
instances:
  - {{id: place, type: sqlite, path: data/*.db}}
storage: {{base_path: backups, retention: {{daily_keep: 4, weekly_keep: 2, monthly_keep: 0, safety_days: 0}}}}
scheduling: {{timezone: UTC}}
drill: {{folder: {ground}}}
"""
DAY = timedelta(days=1)
NIGHTS = 14
DATABASES = ("shop", "crm")
BACKUPS = [pytest.param(True, id="from the copies"), pytest.param(False, id="from the sidecars alone")]


@dataclass(frozen=True)
class Life:
    """A project with a past, and the backup that is held in it."""

    project: Project
    held: str


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Two weeks of backups, verifications, drills, holds and prunes, copied out every night. Never changed."""
    with short_folder() as ground:
        project = new_project(tmp_path_factory.mktemp("life"), CONFIGURATION.format(ground=ground))
        began = datetime.now(UTC).replace(hour=2, minute=0) - (NIGHTS + 2) * DAY
        clock = Steps(began)
        loaded = load(project.folder / "config/config.yaml")
        with wired(loaded, read_only=False, now=clock) as workspace:
            bench = Bench(SqlitePlace(project.folder / "data"), replace(workspace, clock=clock))
            held = _lived(bench, clock, began)
        yield Life(project, held)
        nothing_is_left(ground)


def _lived(bench: Bench, clock: Steps, began: datetime) -> str:
    """Let the nights pass, and return the id of a backup that is held to the end."""
    workspace, held = bench.workspace, []
    for name in DATABASES:
        bench.place.make(name)
    for night in range(NIGHTS):
        clock.at = began + night * DAY
        rows = {name: bench.backup(name) for name in DATABASES}
        bench.place.execute("shop", f"INSERT INTO item VALUES ({ITEMS + night}, 'of night {night}')")
        if night in {1, 4}:
            hold_backup(workspace, rows["shop"].backup_id, f"for the auditors, night {night}")
            held.append(rows["shop"].backup_id)
        if night in {5, 12}:
            assert drill_database(workspace, rows["crm"], silent).verdict == "pass"
        if night == 11:
            assert verify(workspace, rows["crm"].backup_id, silent)
        if night == 6:
            release_backup(workspace, held[0], "they have looked")
        if night in {7, 10}:
            assert prune(workspace, Key("place", "shop"), silent).pruned
        copy_out(workspace)
    return held[1]


@pytest.fixture
def life(original: Life, tmp_path: Path) -> Life:
    """A copy of that life, to lose things of."""
    return replace(original, project=Project(Path(shutil.copytree(original.project.folder, tmp_path / "project"))))


def done(project: Project, *words: str) -> Outcome:
    """Run a command that has to end well."""
    outcome = project.run(*words)
    assert outcome.status == 0, outcome.said
    return outcome


def fates(project: Project) -> list[str]:
    """Return what a prune would do, a line for each backup."""
    return [line for line in done(project, "prune", "--dry-run").out.splitlines() if line.startswith(("keep", "prune"))]


def lose(project: Project, *, with_copies: bool) -> None:
    """Lose the catalog, and its copies too where they are no part of the rebuild."""
    shutil.rmtree(project.folder / "catalog")
    if not with_copies:
        shutil.rmtree(project.folder / "backups/testhost/@catalog")


@pytest.mark.parametrize("with_copies", BACKUPS)
def test_restore_retention_and_audit_work_on_after_a_rebuild(life: Life, with_copies: bool) -> None:
    """The same fates as before but for what only the history knew; then restore, prune, verify, backup and audit.

    A rebuild reads every dump to its last byte, which is what a verification does: so all are verified before, too.
    """
    project = life.project
    done(project, "verify")
    before, head = fates(project), project.events()[-1]
    lose(project, with_copies=with_copies)

    rebuilt = done(project, "catalog", "rebuild")

    after = fates(project)
    if with_copies:
        assert after == before
        assert project.events(f"position = {head['position']}")[0]["hash"] == head["hash"]
    else:
        assert _without_held(after, life.held) == _without_held(before, life.held)
        assert "holds are not in sidecars" in rebuilt.out
        done(project, "hold", "--backup", life.held, "--reason", "for the auditors, again")
        assert fates(project) == before
    works_on(life, expected_kept=sum(line.startswith("keep") for line in before))


def _without_held(lines: list[str], held: str) -> list[str]:
    """Return the fates of all but the backup that was held: sidecars know of no hold."""
    return [line for line in lines if held[:13] not in line]


def works_on(life: Life, expected_kept: int) -> None:
    """Every command that relies on the history, and a chain without a gap or a fork behind it all."""
    project = life.project
    assert "shop" in done(project, "status").out
    project.execute("shop", "DELETE FROM item")
    done(project, "restore:place/shop", "--force", "--yes")
    assert project.rows("shop", "SELECT count(*) FROM item") == [(ITEMS + NIGHTS - 1,)]
    done(project, "prune")
    good = [row for row in project.json("backups") if row["state"] == "good"]
    assert len(good) == expected_kept
    assert len(project.files("*.db.gz")) == expected_kept
    assert life.held in {row["backup_id"] for row in good}
    assert f"{expected_kept} done" in done(project, "verify").out
    done(project, "backup")
    assert {row["due"] for row in project.json("databases")} == {False}
    assert json.loads(done(project, "audit", "--json").out)["ok"]
    own = project.events("catalog_id = (SELECT value FROM catalog_facts WHERE name = 'catalog_id')")
    assert [event["position"] for event in own] == list(range(1, len(own) + 1))
    shutil.rmtree(project.folder / "catalog")
    done(project, "catalog", "rebuild")  # what was copied since then is as good
    assert project.events()[: len(own)][-1]["hash"]


@pytest.mark.parametrize("with_copies", BACKUPS)
def test_an_alarm_outlives_the_catalog(life: Life, with_copies: bool) -> None:
    """A database that was emptied in its last night: what stopped its pruning stops it after the rebuild, too."""
    project = life.project
    project.database("shop").unlink()
    project.execute("shop", "CREATE TABLE item (id INTEGER)")
    done(project, "backup", "--force")
    assert "smaller than the one before" in project.run("prune").out
    lose(project, with_copies=with_copies)

    done(project, "catalog", "rebuild")
    stopped = project.run("prune:place/shop")

    assert stopped.status == 1, stopped.said
    assert "smaller than the one before" in stopped.out
    done(project, "release", "--database", "shop", "--reason", "emptied on purpose")
    done(project, "prune:place/shop")
