"""Up to when the expected runs of a job are accounted for: what was told once is never told again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vya_backup.history.catalog import Catalog
from vya_backup.history.run_events import RunStarted
from vya_backup.history.schedule_events import Cause, Missed, Scheduled
from vya_backup.history.timekeeping import known_jobs

BEGAN = datetime(2026, 1, 9, 1, 30, tzinfo=UTC)
LATER, LAST = BEGAN + timedelta(hours=1), BEGAN + timedelta(hours=2)


def missed(cause: Cause, until: datetime, job: str = "backup", killed_run: str = "") -> Missed:
    """Return an expected run that did not happen."""
    return Missed(job=job, count=1, expected_at=until, until=until, cause=cause, reason="r", killed_run=killed_run)


@pytest.mark.parametrize("killed_first", [True, False])
def test_a_killed_run_takes_nothing_back_of_what_is_accounted_for(catalog: Catalog, killed_first: bool) -> None:
    """It was started at its begin; what came while it was at work was told as missed before anybody knew it dead."""
    with catalog.run(RunStarted(command="doit backup", version="2", environment="test")) as run:
        for job in ("verify", "backup"):
            catalog.append(Scheduled(job=job, outcome="started", through=BEGAN, timetable="t"))
    killed = missed("killed", BEGAN, killed_run=run.run_id)
    told = (killed, missed("busy", LATER)) if killed_first else (missed("busy", LATER), killed)

    catalog.append(*told, missed("off", LAST, "verify"))

    known = known_jobs(catalog)
    assert {name: row.through for name, row in known.items()} == {"backup": LATER, "verify": LAST}
    assert known["backup"].told
    assert known["backup"].missed_reason == "r"


def test_the_next_start_begins_anew(catalog: Catalog) -> None:
    """Whatever was missed before it."""
    catalog.append(Scheduled(job="backup", outcome="started", through=BEGAN, timetable="t"), missed("off", LAST))
    catalog.append(Scheduled(job="backup", outcome="blackout", through=LATER, timetable="t"))
    assert known_jobs(catalog)["backup"].through == LATER
