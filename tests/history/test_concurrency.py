"""Several processes append at once, and some are killed: each chain stays one line, nothing acknowledged is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.history.samples import opened
from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog

APPENDER = """
import sys
from vya_backup.history.catalog import Catalog
from vya_backup.history.events import Held
from vya_backup.history.run_events import RunStarted
catalog = Catalog.open(sys.argv[1], host="wfdb02")
with catalog.run(RunStarted(command=sys.argv[2], version="2.0.0", environment="test")):
    for number in range(int(sys.argv[3])):
        recorded = catalog.append(Held(backup_id=f"{sys.argv[2]}-{number}", reason="a"), Held(reason="b"))
        print(recorded[-1].position, flush=True)
"""


def test_processes_that_append_at_once_keep_one_line(tmp_path: Path) -> None:
    """Four processes, one of which must also create the file: gapless positions, each append in one piece."""
    path = tmp_path / "own" / "catalog.db"
    writers = [_appender(path, f"writer{number}", 25) for number in range(4)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    catalog = Catalog.open(path, host="wfdb02")
    assert audit(catalog).faults == ()
    assert catalog.head().position == 1 + 4 * (1 + 25 * 2)
    assert len(catalog.rows("SELECT 1 FROM events WHERE type = 'catalog_created'")) == 1
    together = "SELECT count(*) FROM events AS a JOIN events AS b ON b.position = a.position + 1 "
    together += "WHERE a.backup_id IS NOT NULL AND b.run_id = a.run_id AND b.backup_id IS NULL"
    assert catalog.rows(together)[0][0] == 100


def test_a_process_killed_in_the_middle_of_appends_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """SIGKILL at any moment: what was acknowledged is there, the chain is whole, the projection fits."""
    catalog = opened(tmp_path)
    for acknowledged_before_the_kill in (1, 7, 40):
        writer = _appender(catalog.path, "victim", 1_000_000)
        assert writer.stdout is not None
        for _ in range(acknowledged_before_the_kill):
            position = int(writer.stdout.readline())
        writer.kill()
        rest = writer.stdout.read().split()
        writer.wait()
        assert catalog.head().position >= max([position, *map(int, rest[:-1])])
        assert audit(catalog).faults == ()
    before = [tuple(row) for row in catalog.rows("SELECT * FROM projected_runs")]
    catalog.rebuild_projection()
    assert [tuple(row) for row in catalog.rows("SELECT * FROM projected_runs")] == before
    assert len(before) == 3


def test_a_reader_does_not_hold_up_an_append(tmp_path: Path) -> None:
    """An open query of our own process sees its snapshot to the end, while appends go on beside it."""
    catalog = opened(tmp_path)
    reader = Catalog.open(catalog.path, host="wfdb02", read_only=True)
    writer = _appender(catalog.path, "first", 3)
    writer.communicate()
    rows = reader.stream("SELECT position FROM events ORDER BY id")
    assert next(rows) == (1,)
    second = _appender(catalog.path, "second", 3)
    second.communicate()
    assert second.returncode == 0
    assert len(list(rows)) == 7
    assert reader.head().position == 15


def _appender(path: Path, name: str, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(path), name, str(times)], stdout=subprocess.PIPE, text=True
    )
