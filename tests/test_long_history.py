"""The made-up history is one that the program could have written, is always the same, and has everything in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples.fleet import long_fleet
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


def test_a_fleet_has_each_database_once_for_each_host(tmp_path: Path) -> None:
    """What its views say of each host is its own."""
    fleet = Catalog.open_copy(long_fleet(tmp_path / "fleet" / "fleet.db", hosts=3, years=FORTY_DAYS, databases=3))
    assert audit(fleet).ok
    for view in ("databases", "drills"):
        counts = fleet.rows(f"SELECT origin, count(*) AS databases FROM {view} GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in counts] == [("backup-01", 5), ("backup-02", 5), ("backup-03", 5)]
    stray = (
        "SELECT count(*) FROM databases AS d JOIN backups AS b ON b.backup_id = d.newest_good WHERE b.host <> d.origin"
    )
    assert fleet.rows(stray)[0][0] == 0
    fleet.close()
