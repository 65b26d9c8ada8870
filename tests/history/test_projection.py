"""The projection says what the events say, whatever happened, and costs the same however much happened."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history.samples import good, one_of_each, opened, plain
from vya_backup.history import projection
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event

HISTORIES = st.lists(
    st.builds(
        lambda kind, number, database: one_of_each(f"{database}{number}", f"r{number}", database)[kind],
        st.sampled_from(sorted(one_of_each())),
        st.integers(1, 3),
        st.sampled_from(["shop", "blog"]),
    ),
    max_size=40,
)


@settings(max_examples=25, deadline=None)
@given(history=HISTORIES)
def test_whatever_happened_the_projection_equals_its_rebuild(history: list[Event]) -> None:
    """Any events in any order, appended one by one or together, and then replayed: the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = opened(Path(folder))
        half = len(history) // 2
        for event in history[:half]:
            catalog.append(event)
        catalog.append(*history[half:])
        before = _projected(catalog)
        catalog.rebuild_projection()
        assert _projected(catalog) == before
        assert _counted(catalog) == _counted_again(catalog)
        catalog.close()


def test_a_rebuild_mends_a_projection_that_someone_changed(catalog: Catalog) -> None:
    """The events are the truth: rows that were forged, removed or added beside them are gone after a rebuild."""
    catalog.append(*good(), *one_of_each("b2", database="blog").values())
    before = _projected(catalog)
    with plain(catalog.path) as connection:
        connection.execute("UPDATE projected_backups SET state = 'good', path = 'elsewhere'")
        connection.execute("UPDATE projected_databases SET kept_count = 7, good_sequence = 99")
        connection.execute("DELETE FROM projected_restores")
        connection.execute("INSERT INTO projected_tasks VALUES ('', 'forged', '{}')")
    assert _projected(catalog) != before
    catalog.rebuild_projection()
    assert _projected(catalog) == before


@pytest.mark.parametrize("kind", sorted(one_of_each()))
def test_an_append_reads_no_table_from_end_to_end(catalog: Catalog, kind: str) -> None:
    """The cost of an append does not grow with history: each statement of it finds its rows by an index."""
    catalog.append(*good())
    connection = catalog._connection()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    catalog.append(one_of_each()[kind])
    connection.set_trace_callback(None)
    plans = [line for sql in statements for line in _plan(connection, sql)]
    assert plans
    allowed = (*_OF_THE_EVENT_ITSELF, *_OF_EVERY_DATABASE.get(kind, ()))
    assert not [line for line in plans if line.startswith("SCAN") and not line.startswith(allowed)]


_OF_THE_EVENT_ITSELF = ("SCAN CONSTANT ROW", "SCAN json_each VIRTUAL TABLE")
_OF_EVERY_DATABASE = {"configured": ("SCAN d", "SCAN found VIRTUAL TABLE")}
"""An event that speaks of all databases costs their number; it comes when somebody changed the configuration."""


def test_the_newest_good_backup_is_one_seek_away(catalog: Catalog) -> None:
    """What each change of a state asks, in a trigger whose plan SQLite does not show by itself."""
    trigger = catalog.rows("SELECT sql FROM sqlite_master WHERE name = 'projected_backups_are_counted'")[0]["sql"]
    question = re.search(r"\(\s*(SELECT sequence .*?LIMIT 1)\s*\)", " ".join(trigger.split()))
    assert question is not None
    sql = question[1].replace("new.instance", "'prod'").replace("new.database", "'shop'").replace("new.origin", "''")
    assert _plan(catalog._connection(), sql) == [
        "SEARCH projected_backups USING COVERING INDEX projected_backups_newest (instance=? AND database=? AND state=?)"
    ]


def _plan(connection: Any, sql: str) -> list[str]:
    if not sql.upper().lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
        return []
    return [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


def _projected(catalog: Catalog) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: [tuple(row) for row in catalog.rows(f"SELECT * FROM {table} ORDER BY 1, 2")]
        for table in projection.TABLES
    }


def _counted(catalog: Catalog) -> list[tuple[Any, ...]]:
    sql = "SELECT instance, database, kept_count, kept_bytes, good_sequence FROM projected_databases WHERE kept_count"
    return sorted(map(tuple, catalog.rows(sql)))


def _counted_again(catalog: Catalog) -> list[tuple[Any, ...]]:
    sql = (
        "SELECT instance, database, count(*), sum(size_bytes), max(sequence) FROM projected_backups "
        "WHERE state = 'good' GROUP BY instance, database"
    )
    return sorted(map(tuple, catalog.rows(sql)))
