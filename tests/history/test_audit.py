"""History cannot be changed without `audit` saying so; each kind of tampering is done here, and named."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history.samples import Steps, good, one_of_each, opened, plain, started
from vya_backup.history import chain
from vya_backup.history.audit import MOST_FAULTS, StoredHead, audit
from vya_backup.history.catalog import Catalog

GUARDS = ("events_refuse_update", "events_refuse_delete", "events_refuse_replace", "events_keep_one_line")


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with ten events."""
    catalog = opened(tmp_path, Steps())
    catalog.append(*good("b1"), *good("b2"), *good("b3"))
    yield catalog
    catalog.close()


def test_an_untouched_history_is_whole(past: Catalog) -> None:
    """No fault, all events counted, and every head that was ever seen agrees."""
    heads = [StoredHead(past.catalog_id, row["position"], row["hash"], "sidecar") for row in _events(past)]
    report = audit(past, heads)
    assert (report.ok, report.faults, report.events, report.head) == (True, (), 10, past.head())


def test_a_changed_event_is_named(past: Catalog) -> None:
    """Its content no longer gives its hash."""
    _tamper(past, "UPDATE events SET data = replace(data, '1000', '9999') WHERE id = 6")
    assert audit(past).faults == (
        "event 6 (dumped of prod/shop, 2026-01-09T02:00:12.000000Z, position 6) was changed: "
        f"its content does not give its hash {_hash(past, 6)}",
    )


def test_a_changed_event_with_a_fitting_hash_is_named_by_the_one_after_it(past: Catalog) -> None:
    """Whoever changes an event and its hash breaks the next link."""
    _tamper(past, "UPDATE events SET actor = 'nobody' WHERE id = 6", _rehash(6))
    (fault,) = audit(past).faults
    assert fault.startswith("event 7 (checksummed of prod/shop")
    assert "does not follow the event before it" in fault


def test_a_removed_event_is_a_gap(past: Catalog) -> None:
    """Positions are gapless."""
    _tamper(past, "DELETE FROM events WHERE id IN (4, 7, 8)")
    assert audit(past).faults == (
        f"position 4 is missing from the chain of catalog {past.catalog_id}: events were removed",
        f"positions 7 to 8 are missing from the chain of catalog {past.catalog_id}: events were removed",
    )


def test_a_removed_event_whose_gap_was_closed_is_named(past: Catalog) -> None:
    """Moving the later ones up changes them."""
    _tamper(past, "DELETE FROM events WHERE id = 4", "UPDATE events SET position = position - 1 WHERE position > 4")
    faults = audit(past).faults
    assert "event 5 (started of prod/shop" in faults[0]
    assert all("was changed" in fault or "does not follow" in fault for fault in faults)
    assert len(faults) == 7


def test_an_inserted_event_is_named(past: Catalog) -> None:
    """A forged event between two others, the later ones moved down, fits neither."""
    _tamper(
        past,
        "UPDATE events SET id = -id, position = -position WHERE id > 5",
        "UPDATE events SET id = 1 - id, position = 1 - position WHERE id < 0",
        "INSERT INTO events SELECT 6, catalog_id, 6, 'forged', at, 'pruned', run_id, backup_id, instance, database, "
        "host, actor, data, hash, 'x' FROM events WHERE id = 5",
        _rehash(6),
    )
    faults = audit(past).faults
    assert any(fault.startswith("event 7 ") and "does not follow" in fault for fault in faults)


def test_reordered_events_are_named(past: Catalog) -> None:
    """The order of arrival and the place in the chain are one."""
    swap = "UPDATE events SET id = {} WHERE id = {}"
    _tamper(past, swap.format(99, 5), swap.format(5, 6), swap.format(6, 99))
    faults = audit(past).faults
    assert faults == (
        "event 6 (started of prod/shop, 2026-01-09T02:00:10.000000Z, position 5) is out of order: "
        "position 5 stands behind position 6",
    )


def test_a_fork_is_named(past: Catalog, tmp_path: Path) -> None:
    """Two copies that both went on, poured into one table without its constraints."""
    copied = _copy(past, tmp_path / "copy")
    past.append(started("here"))
    copied.append(started("there"))
    _tamper(
        past,
        "CREATE TABLE poured AS SELECT * FROM events",
        f"ATTACH '{copied.path}' AS other",
        f"INSERT INTO poured SELECT 12, {', '.join(COLUMNS)} FROM other.events WHERE id = 11",
        "PRAGMA legacy_alter_table = ON",
        "DROP TABLE events",
        "ALTER TABLE poured RENAME TO events",
    )
    faults = audit(past).faults
    assert any("forks the chain: position 11 is taken twice" in fault for fault in faults)
    assert "table events was changed" in faults


@pytest.mark.parametrize("name", GUARDS)
def test_a_dropped_trigger_is_named(past: Catalog, name: str) -> None:
    """How tampering begins."""
    with plain(past.path) as connection:
        connection.execute(f"DROP TRIGGER {name}")
    assert audit(past).faults == (f"trigger {name} was dropped",)


def test_a_trigger_or_view_that_was_changed_or_added_is_named(past: Catalog) -> None:
    """A guard that guards nothing, one that swallows events, a view that hides them."""
    with plain(past.path) as connection:
        connection.execute("DROP TRIGGER events_refuse_delete")
        connection.execute("CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events BEGIN SELECT 1; END")
        connection.execute("CREATE TRIGGER swallow BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END")
        connection.execute("DROP VIEW failures")
        connection.execute("CREATE VIEW failures AS SELECT * FROM events WHERE 0")
    assert set(audit(past).faults) == {
        "trigger events_refuse_delete was changed",
        "trigger swallow was added to events",
        "view failures was changed",
    }


def test_a_tail_that_was_cut_off_is_seen_by_a_head_that_left_the_file(past: Catalog) -> None:
    """A hash chain proves edits, not the removal of the newest rows: only a head elsewhere does."""
    head = past.head()
    _tamper(past, "DELETE FROM events WHERE id > 8")
    assert audit(past).ok
    stored = StoredHead(head.catalog_id, head.position, head.hash, "shop/b3.metadata.json")
    assert audit(past, [stored]).faults == (
        f"the end of the chain of catalog {past.catalog_id} is cut off: it stops at position 8, "
        "but shop/b3.metadata.json remembers position 10",
    )


def test_a_history_written_anew_is_seen_by_a_head_that_left_the_file(past: Catalog) -> None:
    """From an event to the end changed and rehashed: whole in itself, and not what the sidecar remembers."""
    stored = StoredHead(past.catalog_id, 7, past.rows("SELECT hash FROM events WHERE id = 7")[0][0], "a sidecar")
    renewed = [
        step for number in range(6, 11) for step in (_relink(number), _rehash(number))
    ]  # each event names the new hash of the one before
    _tamper(past, "UPDATE events SET actor = 'nobody' WHERE id = 6", *renewed)
    assert audit(past).ok
    (fault,) = audit(past, [stored]).faults
    assert fault.startswith("event 7 (checksummed of prod/shop")
    assert "is not the one that a sidecar remembers" in fault


def test_another_catalog_in_its_place_is_seen_by_a_head_that_left_the_file(past: Catalog, tmp_path: Path) -> None:
    """A fresh file under the old name."""
    stored = StoredHead(past.catalog_id, 5, "x", "a sidecar")
    fresh = opened(tmp_path / "fresh")
    assert audit(fresh, [stored]).faults == (
        f"a sidecar remembers the chain of catalog {past.catalog_id}, of which no event is here",
    )


def test_a_chain_that_does_not_begin_at_its_beginning_is_named(past: Catalog) -> None:
    """Whoever changes the file's identity starts a chain without catalog_created."""
    with plain(past.path) as connection:
        connection.execute("UPDATE catalog_facts SET value = 'another' WHERE name = 'catalog_id'")
    changed = Catalog.open(past.path, host="h", read_only=True)
    assert audit(changed).faults == ("the chain of this catalog, another, has no event",)
    writer = Catalog(past.path, "h", Steps(), read_only=False)
    writer.catalog_id = "another"
    writer.append(started("b9"))
    (fault,) = audit(writer).faults
    assert "begins a chain without being its catalog_created" in fault


@pytest.mark.parametrize(
    "value", ["x'00ff'", "CAST(x'ff41' AS TEXT)", "data || char(0) || 'more'"], ids=["blob", "no UTF-8", "after a NUL"]
)
def test_values_that_no_event_can_have_are_named_too(past: Catalog, value: str) -> None:
    """Types and bytes that our own writer never produces do not hide a change, nor stop the audit."""
    _tamper(past, "PRAGMA ignore_check_constraints = ON", f"UPDATE events SET data = {value} WHERE id = 4")
    (fault,) = audit(past).faults
    assert fault.startswith("event 4 (checksummed of prod/shop")
    assert "was changed" in fault


def test_every_kind_of_text_survives_the_audit(catalog: Catalog) -> None:
    """SQLite's spelling of JSON and ours agree where it matters: no false alarm over strange names."""
    names = ['a"b', "a\\b", "ü/ß/漢字", "\x01\x1f\x7f", "tab\tnew\nline", "\u2028", "😀", "</script>", "'"]
    catalog.append(*(started(f"b{number}", database=name) for number, name in enumerate(names)))
    catalog.append(*one_of_each("b2").values())
    assert audit(catalog).faults == ()


def test_faults_without_end_are_counted(catalog: Catalog) -> None:
    """A report that nobody could read is cut, and says so."""
    catalog.append(*(started(f"b{number}") for number in range(150)))
    _tamper(catalog, "UPDATE events SET host = 'elsewhere' WHERE id > 1")
    report = audit(catalog)
    assert len(report.faults) == MOST_FAULTS + 1
    assert report.faults[-1] == "and 50 more faults"


COLUMNS = (*chain.HASHED, "hash")
VALUES = st.one_of(st.none(), st.integers(-5, 10**6), st.text(max_size=20), st.binary(max_size=8))


@settings(max_examples=60, deadline=None)
@given(number=st.integers(1, 10), column=st.sampled_from(COLUMNS), value=VALUES)
def test_no_single_value_can_be_changed_unseen(number: int, column: str, value: object) -> None:
    """Any column of any event, set to any other value."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = _prepared(Path(folder))
        before = catalog.rows(f"SELECT {column} AS value FROM events WHERE id = ?", (number,))[0]["value"]
        changed = _set(catalog, number, column, value, before)
        assert audit(catalog).ok is not changed
        catalog.close()


_TEMPLATE: list[bytes] = []


def _prepared(folder: Path) -> Catalog:
    """Return a copy of one catalog without guards or constraints on its columns: all is left to the audit."""
    path = folder / "own" / "catalog.db"
    if not _TEMPLATE:
        catalog = opened(folder, Steps())
        catalog.append(*good("b1"), *good("b2"), *good("b3"))
        catalog.close()
        _TEMPLATE.append(path.read_bytes())
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(_TEMPLATE[0])
    return Catalog.open(path, host="h", read_only=True)


def _set(catalog: Catalog, number: int, column: str, value: object, before: object) -> bool:
    """Change one value past all guards; say whether the file now holds another one than before."""
    with _unguarded(catalog) as connection:
        try:
            connection.execute(f"UPDATE events SET {column} = ? WHERE id = ?", (value, number))
        except sqlite3.IntegrityError:  # a constraint that even the owner of the file meets
            return False
        after = connection.execute(f"SELECT {column} FROM events WHERE id = ?", (number,)).fetchone()[0]
    return type(after) is not type(before) or after != before


def _tamper(catalog: Catalog, *steps: str | Callable[[sqlite3.Connection], None]) -> None:
    with _unguarded(catalog) as connection:
        for step in steps:
            if callable(step):
                step(connection)
            else:
                connection.execute(step)


class _unguarded:  # noqa: N801 (used as a context manager)
    """A plain connection on which the triggers are away for a while."""

    def __init__(self, catalog: Catalog) -> None:
        self._open = plain(catalog.path)

    def __enter__(self) -> sqlite3.Connection:
        self._connection = self._open.__enter__()
        self._connection.execute("PRAGMA ignore_check_constraints = ON")
        sql = "SELECT name, sql FROM sqlite_master WHERE name IN (?, ?, ?, ?)"
        self._triggers = self._connection.execute(sql, GUARDS).fetchall()
        for name, _ in self._triggers:
            self._connection.execute(f"DROP TRIGGER {name}")
        return self._connection

    def __exit__(self, *problem: object) -> None:
        for _, text in self._triggers:
            self._connection.execute(text)
        self._open.__exit__(None, None, None)


def _rehash(number: int) -> Callable[[sqlite3.Connection], None]:
    def step(connection: sqlite3.Connection) -> None:
        sql = f"SELECT {', '.join(chain.HASHED)} FROM events WHERE id = ?"
        digest = chain.digest(connection.execute(sql, (number,)).fetchone())
        connection.execute("UPDATE events SET hash = ? WHERE id = ?", (digest, number))

    return step


def _relink(number: int) -> str:
    return f"UPDATE events SET prev_hash = (SELECT hash FROM events WHERE id = {number - 1}) WHERE id = {number}"


def _copy(catalog: Catalog, folder: Path) -> Catalog:
    catalog.close()
    folder.mkdir(mode=0o700)
    shutil.copy(catalog.path, folder / "catalog.db")
    return Catalog.open(folder / "catalog.db", host="elsewhere")


def _events(catalog: Catalog) -> list[sqlite3.Row]:
    return catalog.rows("SELECT * FROM events ORDER BY id")


def _hash(catalog: Catalog, number: int) -> str:
    return f"{catalog.rows('SELECT hash FROM events WHERE id = ?', (number,))[0][0][:12]}…"
