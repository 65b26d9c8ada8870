"""The made-up history is one that the program could have written, is always the same, and has everything in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples.long_history import UNTIL, long_history
from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.journal import runs
from vya_backup.history.recorded import recorded

FORTY_DAYS = 40 / 365
RARE = {"abandoned", "failed", "discovery_failed", "damaged", "missing", "held", "released", "restored"} | {
    "restore_failed",
    "recovered",
    "accounts_changed",
    "configured",
    "pruned",
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty days of six databases."""
    return long_history(tmp_path_factory.mktemp("history") / "catalog.db", years=FORTY_DAYS, databases=6)


def test_it_is_whole_and_every_event_reads_back(history: Path) -> None:
    """The chain verifies, each event is valid, and nothing has a later time than asked for."""
    catalog = Catalog.open(history, host="reader", read_only=True)
    assert audit(catalog).ok
    events = list(recorded(catalog))
    assert {event.event.type for event in events} >= RARE
    assert max(event.at for event in events) < UNTIL.isoformat()


def test_drills_end_in_all_three_ways_and_the_disk_fills(history: Path) -> None:
    """What pages and metrics have to show is there."""
    catalog = Catalog.open(history, host="reader", read_only=True)
    verdicts = catalog.rows("SELECT DISTINCT json_extract(data, '$.verdict') FROM events WHERE type = 'drilled'")
    assert {row[0] for row in verdicts} == {"pass", "fail", "cannot judge"}
    rooms = catalog.rows(
        "SELECT json_extract(data, '$.room.free_bytes') FROM events WHERE type = 'run_finished' ORDER BY id"
    )
    assert rooms[-1][0] < rooms[0][0]
    assert any(run.finished_at is None for run in runs(catalog))


def test_the_same_arguments_make_the_same_history(history: Path, tmp_path: Path) -> None:
    """Ids and hashes too; another seed makes another one."""
    heads = [
        Catalog.open(path, host="reader", read_only=True).head()
        for path in (
            history,
            long_history(tmp_path / "a" / "catalog.db", years=FORTY_DAYS, databases=6),
            long_history(tmp_path / "b" / "catalog.db", years=FORTY_DAYS, databases=6, seed=2),
        )
    ]
    assert heads[0] == heads[1]
    assert heads[0].hash != heads[2].hash
