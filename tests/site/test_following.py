"""The chain as the site follows it: slice by slice, every event once, and each kind of tampering is told."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vya_backup.history.following import Watch
from vya_backup.history.reading import Borrowed


@pytest.fixture
def file(tmp_path: Path, copy: Path) -> Iterator[sqlite3.Connection]:
    """Give a copy whose triggers are gone, as whoever tampers would begin."""
    target = tmp_path / "tampered.db"
    shutil.copyfile(copy, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        for name in ("events_refuse_update", "events_refuse_delete"):
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


def followed(connection: sqlite3.Connection, watch: Watch | None = None, most: int = 100) -> Watch:
    """Read to the end."""
    watch = watch or Watch()
    while watch.follow(Borrowed(connection), most):
        pass
    return watch


def test_a_whole_chain_is_read_once_and_is_whole(file: sqlite3.Connection) -> None:
    """The second walk finds nothing new to read."""
    watch = followed(file)
    total = file.execute("SELECT count(*) FROM events").fetchone()[0]
    assert (watch.events, watch.faults, watch.is_done, watch.percent) == (total, [], True, 100)
    assert followed(file, watch).events == total


def test_while_it_is_read_the_share_is_known(file: sqlite3.Connection) -> None:
    """So that a page can say how far it is."""
    watch = Watch()
    watch.follow(Borrowed(file), 900)
    assert not watch.is_done
    assert 0 < watch.percent < 100


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE events SET actor = 'somebody else' WHERE position = 40", "was changed"),
        ("UPDATE events SET data = CAST(data AS BLOB) WHERE position = 40", "was changed"),
        ("DELETE FROM events WHERE position = 40", "but follows position 39"),
        ("UPDATE events SET prev_hash = hash WHERE position = 40", "does not follow"),
    ],
)
def test_tampering_is_told(file: sqlite3.Connection, statement: str, words: str) -> None:
    """With the event."""
    file.execute(statement)
    assert any(words in fault for fault in followed(file).faults)


def test_an_end_that_is_cut_off_later_is_told(file: sqlite3.Connection) -> None:
    """Though what is left is a chain."""
    watch = followed(file)
    file.execute("DELETE FROM events WHERE id > (SELECT max(id) - 5 FROM events)")
    assert "was read before" in followed(file, watch).faults[0]
