"""A catalog that is filled from elsewhere takes only what its chains prove."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.history.samples import Steps, good
from tests.jobs.copies import rows, workspace_in
from vya_backup.errors import CatalogError
from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.chain import digest
from vya_backup.history.copying import entries
from vya_backup.history.recovering import Recovery, complete
from vya_backup.history.segments import Entry
from vya_backup.history.views import backups


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog of seven events."""
    workspace = workspace_in(tmp_path, Steps())
    workspace.catalog.append(*good("b1"), *good("b2"))
    yield workspace.catalog
    workspace.catalog.close()


def test_what_is_taken_is_a_catalog_with_its_views(past: Catalog, tmp_path: Path) -> None:
    """Twice the same events are taken once; it goes on under its own id."""
    path = tmp_path / "again/catalog.db"
    with Recovery(path) as recovery:
        assert recovery.take(entries(past.path)) == ""
        assert recovery.take(entries(past.path)) == ""
        recovery.finish(past.catalog_id)
    again = Catalog.open(path, host="h", now=Steps())
    assert rows(path) == rows(past.path)
    assert backups(again) == backups(past)
    again.append(*good("b3"))
    assert audit(again).ok
    again.close()


def changed(events: list[Entry]) -> None:
    events[3] = replace(events[3], values=(*events[3].values[:3], "then", *events[3].values[4:]))


def with_another_hash(events: list[Entry]) -> None:
    events[3] = replace(events[3], hash="0" * 64)


def with_bytes(events: list[Entry]) -> None:
    events[3] = replace(events[3], values=(*events[3].values[:3], b"then", *events[3].values[4:]))


def with_a_gap(events: list[Entry]) -> None:
    del events[3]


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (changed, "was changed: its content does not give its hash"),
        (with_another_hash, "was changed: its content does not give its hash"),
        (with_bytes, "is no event: it holds bytes"),
        (with_a_gap, "comes after a gap: the one before it is 3"),
    ],
)
def test_a_false_event_ends_the_taking(
    past: Catalog, tmp_path: Path, tamper: Callable[[list[Entry]], None], said: str
) -> None:
    """Everything before it stays."""
    events = list(entries(past.path))
    tamper(events)
    with Recovery(tmp_path / "again/catalog.db") as recovery:
        assert said in recovery.take(events)
        assert recovery.events == 3


def test_an_event_of_another_past_does_not_follow(past: Catalog, tmp_path: Path) -> None:
    """Sound in itself, at the right position, behind another event than it names."""
    other = workspace_in(tmp_path / "other", Steps())
    other.catalog.append(*good("x1"), *good("x2"))
    other.catalog.close()
    foreign = list(entries(other.catalog.path))[3]
    mine = list(entries(past.path))
    forged = (mine[0].values[0], *foreign.values[1:])
    with Recovery(tmp_path / "again/catalog.db") as recovery:
        told = recovery.take([*mine[:3], Entry(forged, digest(forged))])
    assert "does not follow the event before it" in told


def test_what_the_log_still_holds_comes_into_the_file_before_it_is_moved(past: Catalog, tmp_path: Path) -> None:
    """SQLite closes a file without a word when the disk refuses what is in its log; the file alone would be damaged."""
    left = tmp_path / "left.db"
    past._connection().execute("PRAGMA wal_autocheckpoint = 0")
    past.append(*good("b3"))
    for suffix in ("", "-wal"):
        shutil.copy(f"{past.path}{suffix}", f"{left}{suffix}")

    complete(left)

    assert not left.with_name("left.db-wal").exists()
    assert rows(left) == rows(past.path)


def test_a_file_that_is_not_sound_is_not_moved(past: Catalog) -> None:
    """Whoever made it is told, instead of whoever needs it."""
    past.close()
    content = past.path.read_bytes()
    half = len(content) // 2
    past.path.write_bytes(content[:half] + b"x" * (len(content) - half))

    with pytest.raises(CatalogError, match=r"is damaged|is not whole"):
        complete(past.path)
