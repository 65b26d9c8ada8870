"""Three verdicts: a pass is believed, a failure is the backup's own, and all else cannot judge and says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.drills.bench import DrillBench, asked, drill_bench
from tests.drills.conftest import configure
from tests.engines.contract import ITEMS
from tests.engines.places import ServerPlace, SqlitePlace
from tests.project import Project
from tests.servers import PostgresqlServer
from vya_backup.history.views import BackupRow, backup


@pytest.fixture
def bench(tmp_path: Path, ground: Path) -> Iterator[DrillBench]:
    """A bench of SQLite files with the database `shop`."""
    place = SqlitePlace(tmp_path / "data")
    place.make("shop")
    made = drill_bench(place, tmp_path, ground)
    with closing(made.workspace.catalog):
        yield made


@pytest.fixture
def server_bench(postgresql_15: PostgresqlServer, tmp_path: Path, ground: Path) -> Iterator[DrillBench]:
    """A bench of a server with the database `shop`."""
    place = ServerPlace(postgresql_15)
    place.drop("shop")
    place.make("shop")
    made = drill_bench(place, tmp_path, ground)
    with closing(made.workspace.catalog):
        yield made
    place.drop("shop")


def is_proved(bench: DrillBench, row: BackupRow) -> bool:
    """Say whether the catalog calls a backup proved."""
    found = backup(bench.workspace.catalog, row.backup_id)
    return found is not None and found.drilled_at is not None


def test_a_copy_that_differs_from_the_manifest_fails(bench: DrillBench) -> None:
    """With the difference; the backup is not proved by it."""
    row = bench.backup_telling("shop", lambda told: told["manifest"]["rows"].update(item=ITEMS + 1))

    done = bench.drill(row)

    assert done.verdict == "fail"
    assert done.differences == (f"item has {ITEMS} rows instead of {ITEMS + 1}",)
    assert not is_proved(bench, row)


def test_an_artifact_that_is_damaged_fails(bench: DrillBench) -> None:
    """The drill reads it back first; the damage is a fact of its own."""
    row = bench.backup("shop")
    path = bench.workspace.store.path(row.path or "")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))

    done = bench.drill(row)

    found = backup(bench.workspace.catalog, row.backup_id)
    assert done.verdict == "fail"
    assert "damaged" in done.reason
    assert found is not None
    assert found.state == "damaged"


def test_assertions_are_asked_of_the_restored_copy(bench: DrillBench) -> None:
    """A wrong answer fails the drill, and so does a question that cannot be asked; all of them are told at once."""
    right = [asked("SELECT count(*) FROM item", ITEMS), asked("SELECT name FROM few WHERE name LIKE '%, 7;'", NAME)]
    wrong = [asked("SELECT 1 + 1", 3), asked("SELECT missing FROM item", 1)]
    other = asked("SELECT 1", 2, "place/other")
    row = bench.backup("shop")

    first = bench.drill(row, assertions=[*right, other])
    second = bench.drill(row, assertions=[*right, *wrong])

    assert (first.verdict, first.assertions) == ("pass", 2), first.reason
    assert is_proved(bench, row)
    assert second.verdict == "fail"
    assert "'SELECT 1 + 1' gives 2 instead of 3" in second.reason
    assert "'SELECT missing FROM item' cannot be asked: no such column" in second.reason


NAME = "it's (thing), 7;"


def test_without_a_sandbox_nothing_is_judged(
    bench: DrillBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the configuration says that none is wanted; then it is told with the result."""
    row = bench.backup("shop")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    refused = bench.drill(row)
    monkeypatch.undo()
    done = bench.drill(row, sandbox="none")

    assert refused.verdict == "cannot judge"
    assert "apt-get install bubblewrap" in refused.reason
    assert (done.verdict, done.sandbox) == ("pass", "none"), done.reason


def test_what_this_machine_lacks_is_named_and_not_judged(server_bench: DrillBench) -> None:
    """A missing extension, a server of a later version: the backup may be fine, this machine cannot tell."""
    extension, server = (
        server_bench.drill(server_bench.backup_telling("shop", lambda told, needs=needs: told["needs"].update(needs)))
        for needs in ({"extensions": ["postgis_of_somebody_else"]}, {"server_version": [99, 1]})
    )

    assert (extension.verdict, server.verdict) == ("cannot judge", "cannot judge")
    assert "postgis_of_somebody_else" in extension.reason
    assert "no postgres of postgresql 99 or later" in server.reason


def test_a_drill_that_would_fill_the_disk_is_ended_and_not_judged(bench: DrillBench) -> None:
    """What stays free is looked at while it goes on; the backup is not to blame."""
    done = bench.drill(bench.backup("shop"), limits={"min_free_mb": 2**40})

    assert done.verdict == "cannot judge"
    assert f"bytes left of the {2**60:,} that stay free" in done.reason


def test_the_view_tells_when_a_database_was_last_proved(bench: DrillBench) -> None:
    """And how its newest drill ended, whatever came after the proof."""
    row = bench.backup("shop")
    proof = bench.drill(row)
    bench.drill(bench.backup_telling("shop", lambda told: told["manifest"]["rows"].update(item=ITEMS + 1)))

    (told,) = view(bench)

    first, last = bench.workspace.catalog.rows("SELECT at FROM events WHERE type = 'drilled' ORDER BY id")
    assert (told["proved_at"], told["last_drill_at"]) == (first["at"], last["at"])
    assert (told["backup_id"], told["duration_seconds"]) == (row.backup_id, proof.seconds)
    assert (told["rows"], told["drills"], told["last_verdict"]) == (ITEMS, 2, "fail")


def view(bench: DrillBench) -> list[dict[str, Any]]:
    """Read the view `drills`."""
    return [dict(row) for row in bench.workspace.catalog.rows("SELECT * FROM drills")]


def test_a_failed_drill_is_loud(files: Project) -> None:
    """On the screen and in the exit status."""
    configure(files, {"assertions": [asked("SELECT 1", 2, "local/shop")]})
    assert files.run("backup").status == 0

    done = files.run("drill:local/shop")

    assert done.status == 1
    assert "FAIL local/shop  the drill failed" in done.out
