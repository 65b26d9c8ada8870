"""What the front page makes of the catalog, without a site around it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.history.samples import DAY, Steps, good, one_of_each, opened
from tests.project import CONFIGURATION, new_project
from tests.site.conftest import hand_over, open_folder, serving
from vya_backup.history.run_events import Configured
from vya_backup.outlook.site.front import front
from vya_backup.outlook.site.surroundings import surroundings

TICK = "M4.500 12.500"


def test_a_proof_that_is_too_old_counts_no_more_and_is_told_all_the_same(tmp_path: Path) -> None:
    """Nobody is told that no drill has ever passed where one has."""
    began = datetime(2026, 1, 9, 2, tzinfo=UTC)
    catalog = opened(tmp_path, Steps(began))
    told = one_of_each()["configured"]
    assert isinstance(told, Configured)
    catalog.append(told.model_copy(update={"drill_max_age_days": 7}), *good(), one_of_each()["drilled"])

    soon, late = (front(catalog, surroundings(catalog, began + days * DAY)) for days in (3, 40))

    assert (len(soon.proved), len(late.proved)) == (1, 0)
    assert [page.newest_proof.name for page in (soon, late) if page.newest_proof] == ["prod/shop"] * 2
    catalog.close()


def test_no_tick_stands_above_a_problem(tmp_path: Path) -> None:
    """Covered, and yet its drill failed: whoever glances at the sign alone shall read on."""
    with open_folder("vya-site-front-") as shown:
        copy = shown / "catalog.db"
        project = new_project(tmp_path, f"{CONFIGURATION}catalog: {{published_path: {copy}}}\n")
        project.execute("shop", "CREATE TABLE item (name TEXT)")
        assert project.run("backup").status == 0
        hand_over(copy)
        with serving(copy) as site:
            well = site.get("/").text
            wrong = "{database: local/shop, sql: SELECT count(*) FROM item, expect: 7}"
            folder = f"drill: {{folder: {shown}, assertions: [{wrong}]}}\n"
            project.configure(f"{CONFIGURATION}catalog: {{published_path: {copy}}}\n{folder}")
            assert project.run("verify", "--drill").status == 1
            ill = site.get("/").text
            style = site.get("/assets/site.css").text
    assert all("The one database is covered" in page and ">1 database, " in page for page in (well, ill))
    assert [TICK in page for page in (well, ill)] == [True, False]
    assert [f'class="verdict {tone}"' in page for tone, page in (("good", well), ("warn", ill))] == [True, True]
    assert ".verdict.warn svg { background: var(--warn); }" in style
