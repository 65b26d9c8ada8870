"""A nightly share that is cut short says so on the screen, as soon as a backup waits longer than was promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.engines.contract import Bench
from tests.engines.places import SqlitePlace
from tests.history.samples import Steps, good
from tests.jobs.copies import workspace_in
from tests.project import CONFIGURATION, Project
from vya_backup.command_line.session import wired
from vya_backup.decisions.turns import nightly_share, overdue
from vya_backup.history.events import Pruned, Verified
from vya_backup.history.verifiable import verifiable
from vya_backup.settings.loading import load

DAY = timedelta(days=1)
PROMISED = CONFIGURATION.replace("id: local", "id: place") + "verification: {every_days: 2}\n"


@pytest.fixture
def three_days_old(project: Project) -> Project:
    """Two databases whose only backups are three days old, and never verified since."""
    project.configure(PROMISED)
    clock = Steps(datetime.now(UTC) - 3 * DAY)
    with wired(load(project.folder / "config/config.yaml"), read_only=False, now=clock) as workspace:
        bench = Bench(SqlitePlace(project.folder / "data"), replace(workspace, clock=clock))
        for name in ("crm", "shop"):
            bench.backup(name)
    return project


def test_what_a_night_does_not_reach_in_time_is_told(three_days_old: Project) -> None:
    """With the way on, until a night has read it; a promise of more days is kept."""
    project = three_days_old

    short = project.run("verify", "--rolling", "--limit", "1")
    enough = project.run("verify", "--rolling")

    assert (short.status, enough.status) == (0, 0), short.said
    (warning,) = [line for line in short.out.splitlines() if line.startswith("warning: ")]
    assert "1 backup was not read within verification.every_days (2), the longest ago place/shop" in warning
    assert "--max-minutes, --limit" in warning
    assert "warning" not in enough.out


def test_the_catalog_itself_keeps_the_promise_for_two_months(tmp_path: Path, long: bool) -> None:
    """Nights as events: dumps, prunes and verifications; three hundred databases with `--long`."""
    databases, every_days, kept_days = 300 if long else 6, 7, 14
    clock = Steps()
    catalog = workspace_in(tmp_path, clock).catalog
    for night in range(60):
        clock.at = datetime(2026, 1, 9, 2, tzinfo=UTC) + night * DAY
        catalog.append(*(e for n in range(databases) for e in good(f"b{night}-{n}", database=f"d{n}", at=clock.at)))
        gone = [(f"b{night - kept_days}-{n}", f"d{n}") for n in range(databases) if night >= kept_days]
        catalog.append(*(Pruned(**_of(*one), path="x", reason="old", policy="keep 14 daily") for one in gone))
        share = nightly_share(verifiable(catalog), every_days=every_days, now=clock.at)
        catalog.append(*(Verified(**_of(one.backup_id, one.database), path="x", verdict="pass") for one in share))
        assert overdue(verifiable(catalog), every_days=every_days, now=clock.at) == []
    assert len(verifiable(catalog)) == databases * kept_days
    catalog.close()


def _of(backup_id: str, database: str) -> dict[str, str]:
    return {"instance": "prod", "database": database, "backup_id": backup_id}
