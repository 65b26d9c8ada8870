"""What the front page makes of the catalog, without a site around it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.history.samples import DAY, Steps, good, one_of_each, opened
from vya_backup.history.run_events import Configured
from vya_backup.outlook.site.front import front
from vya_backup.outlook.site.surroundings import surroundings


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
