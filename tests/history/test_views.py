"""What the views say of what happened; everything that looks at the past reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.history.samples import DAY, PROCESS, Steps, checksummed, dumped, good, one_of_each, opened, started
from vya_backup.clock import now
from vya_backup.history import journal, keeping, restores, views
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.events import Failed, Held, Released
from vya_backup.history.run_events import Configured, Discovered
from vya_backup.history.unfinished_drills import unfinished_drills

PROMISED = {
    "backups": "backup_id instance database engine state path size_bytes sha256 started_at finished_at "
    "duration_seconds verified_at drilled_at held",
    "restorable": "backup_id instance database path size_bytes sha256 started_at proved_at future",
    "databases": "instance database age_seconds size_bytes due last_failure_at kept_bytes kept_count",
    "runs": "run_id started_at finished_at exit_status",
    "restores": "restore_id state started_at finished_at",
    "failures": "at instance database code message",
    "audit_log": "id at sentence",
}
LIVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "started only": ("running", ("started",)),
    "dumped, not read back": ("running", ("started", "dumped")),
    "read back": ("good", ("started", "dumped", "checksummed")),
    "read back without a dump": ("running", ("started", "checksummed")),
    "failed": ("failed", ("started", "failed")),
    "failed after the dump": ("failed", ("started", "dumped", "failed")),
    "a later failure does not unmake a good one": ("good", ("started", "dumped", "checksummed", "failed")),
    "abandoned": ("abandoned", ("started", "abandoned")),
    "abandoned, then adopted": ("good", ("started", "abandoned", "dumped", "checksummed")),
    "damaged": ("damaged", ("started", "dumped", "checksummed", "damaged")),
    "damaged before it was good": ("damaged", ("started", "dumped", "damaged")),
    "a failed one is not missed": ("failed", ("started", "failed", "missing")),
    "missing": ("missing", ("started", "dumped", "checksummed", "missing")),
    "missing, then found intact": ("good", ("started", "dumped", "checksummed", "missing", "verified")),
    "never good, so never good by a verification": ("damaged", ("started", "dumped", "damaged", "verified")),
    "pruned": ("pruned", ("started", "dumped", "checksummed", "pruned")),
    "pruned is the end": ("pruned", ("started", "dumped", "checksummed", "pruned", "missing", "damaged", "verified")),
}


@pytest.mark.parametrize(("view", "columns"), PROMISED.items())
def test_every_view_has_the_columns_that_others_rely_on(catalog: Catalog, view: str, columns: str) -> None:
    """The names of the design, at least."""
    found = {row["name"] for row in catalog.rows(f"SELECT name FROM pragma_table_info('{view}')")}
    assert set(columns.split()) <= found


@pytest.mark.parametrize(("state", "life"), LIVES.values(), ids=LIVES.keys())
def test_a_backups_state_follows_its_life(catalog: Catalog, state: str, life: tuple[str, ...]) -> None:
    """running, good, failed, abandoned, damaged, missing or pruned; only a good one can be restored."""
    kinds = one_of_each()
    catalog.append(*(kinds[kind] for kind in life))
    assert [row.state for row in views.backups(catalog)] == [state]
    assert [row.backup_id for row in views.restorable(catalog)] == (["b1"] if state == "good" else [])
    assert bool(views.newest_good(catalog)) == (state == "good")
    published = views.newest_published(catalog).get(("prod", "shop"))
    assert views.newest_published_of(catalog, "prod", "shop") == published


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_what_is_found_of_one_backup_says_nothing_of_another_that_waits(catalog: Catalog, harm: str) -> None:
    """A dump that is still to be read back keeps its state, whatever happens to the others."""
    waiting, other = one_of_each("b1"), one_of_each("b2")
    catalog.append(waiting["started"], waiting["dumped"])
    catalog.append(other["started"], other["dumped"], other["checksummed"], other[harm])

    assert {row.backup_id: row.state for row in views.backups(catalog)} == {"b1": "running", "b2": harm}


def test_a_digest_that_differs_from_the_dumps_makes_nothing_good(catalog: Catalog) -> None:
    """What was read back must be what was streamed out."""
    catalog.append(started(), dumped(), checksummed().model_copy(update={"sha256": "0" * 64}))
    assert views.restorable(catalog) == []


def test_a_dump_that_only_waits_for_its_checksum_is_found(catalog: Catalog) -> None:
    """After a crash between dump and checksum, only the checksum is to do."""
    catalog.append(*good("old"), started("new"), dumped("new"), started("running"))
    assert [(row.backup_id, row.dumped) for row in views.unfinished(catalog)] == [("new", True), ("running", False)]
    assert views.newest_published(catalog)["prod", "shop"].backup_id == "new"
    assert views.newest_published_of(catalog, "prod", "shop") == views.newest_published(catalog)["prod", "shop"]
    assert views.newest_published_of(catalog, "prod", "blog") is None
    assert views.newest_good(catalog)["prod", "shop"].backup_id == "old"
    assert views.unfinished(catalog)[1].process == PROCESS.model_dump()


def test_a_backup_dated_in_the_future_is_flagged_and_never_outranks(tmp_path: Path) -> None:
    """A clock that ran ahead: the order is the catalog's own."""
    clock = Steps(now() + timedelta(days=400))
    catalog = opened(tmp_path, clock)
    catalog.append(*good("ahead", at=clock.at))
    clock.at = now() - timedelta(minutes=1)
    catalog.append(*good("today"))
    rows = views.restorable(catalog, "prod", "shop")
    assert [(row.backup_id, row.future) for row in rows] == [("today", False), ("ahead", True)]
    assert views.newest_good(catalog)["prod", "shop"].backup_id == "today"


def test_the_newest_good_one_of_each_database_is_its_own(catalog: Catalog) -> None:
    """Databases of the same name on two instances are two databases."""
    catalog.append(*good("a1"), *good("a2"), *good("b1", instance="dev"), started("a3"))
    newest = {key: row.backup_id for key, row in views.newest_good(catalog).items()}
    assert newest == {("prod", "shop"): "a2", ("dev", "shop"): "b1"}


def test_when_the_newest_is_damaged_the_one_before_it_is_the_newest_good(catalog: Catalog) -> None:
    """And the counts of what is kept follow."""
    catalog.append(*good("b1", size=100), *good("b2", size=900))
    assert _kept(catalog) == ("b2", 2, 1000)
    catalog.append(one_of_each("b2")["damaged"])
    assert _kept(catalog) == ("b1", 1, 100)
    catalog.append(one_of_each("b1")["pruned"])
    assert _kept(catalog) == (None, 0, 0)


@pytest.mark.parametrize(
    ("at", "is_due", "is_overdue"),
    [
        (now, False, False),
        (lambda: now() - DAY, True, False),
        (lambda: now() - 2 * DAY, True, True),
        (lambda: now() + 3 * DAY, True, False),
    ],
    ids=["in this slot", "in the slot before", "two slots ago", "dated in the future"],
)
def test_a_database_is_due_when_no_good_backup_covers_the_slot_of_now(
    tmp_path: Path, at: Callable[[], object], is_due: bool, is_overdue: bool
) -> None:
    """Due by the slot, overdue after one and a half intervals."""
    clock = Steps(at())  # type: ignore[arg-type]
    catalog = opened(tmp_path, clock)
    catalog.append(*good(at=clock.at))
    (row,) = views.databases(catalog)
    assert (row.due, row.overdue) == (is_due, is_overdue)


def test_a_discovered_database_without_a_backup_is_due(tmp_path: Path) -> None:
    """Known is what was found, or was ever backed up; what is gone from the server is no longer due."""
    catalog = opened(tmp_path, Steps(now() - 9 * DAY))
    catalog.append(*good("b1", database="gone", at=now() - 9 * DAY), *good("u1", database="@users", at=now() - 9 * DAY))
    catalog.append(Discovered(instance="prod", server="8.4", found=("new", "gone")))
    catalog.append(Discovered(instance="prod", server="8.4", found=("new",)))
    rows = {row.database: (row.present, row.due, row.overdue) for row in views.databases(catalog)}
    assert views.database_names(catalog) == [("prod", name) for name in sorted(rows)]
    assert rows == {"@users": (None, True, True), "gone": (False, False, False), "new": (True, True, True)}
    assert views.known_databases(catalog)["prod"].found == ("new",)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"enabled": False}, {"shop": False, "crm": False, "@users": False}),
        ({"id": "another"}, {"shop": False, "crm": False, "@users": False}),
        ({"databases": ()}, {"shop": False, "crm": False, "@users": False}),
        ({"users": False}, {"shop": True, "crm": False, "@users": False}),
    ],
    ids=["instance switched off", "instance removed", "a restore target only", "accounts left out"],
)
def test_what_is_no_longer_configured_is_not_overdue_for_ever(
    catalog: Catalog, change: dict[str, object], expected: dict[str, bool]
) -> None:
    """Nobody waits for a backup that nobody orders; ordered again, what the last discovery saw is expected again."""
    told = one_of_each()["configured"]
    assert isinstance(told, Configured)
    changed = told.model_copy(update={"instances": (told.instances[0].model_copy(update=change),)})
    catalog.append(*good("b1", database="shop"), *good("b2", database="crm"), *good("b3", database="@users"))
    catalog.append(Discovered(instance="prod", server="18", found=("shop",)))

    catalog.append(told)
    asked = [{row.database: row.present for row in views.databases(catalog)}]
    catalog.append(changed)
    asked.append({row.database: row.present for row in views.databases(catalog)})
    assert all(row.present or not row.overdue for row in views.databases(catalog))
    catalog.append(told)
    asked.append({row.database: row.present for row in views.databases(catalog)})

    ordered = {"shop": True, "crm": False, "@users": None}
    assert asked == [ordered, expected, ordered]


def test_the_last_failure_of_a_database_is_at_hand(catalog: Catalog) -> None:
    """Also of one that failed before anything started."""
    catalog.append(Failed(instance="prod", database="shop", step="plan", code="tool", message="too old"))
    (row,) = views.databases(catalog)
    assert (row.last_failure_code, row.last_failure_message, row.newest_good) == ("tool", "too old", None)
    assert [failure.step for failure in journal.failures(catalog)] == ["plan"]


def test_a_hold_lasts_until_it_is_released(catalog: Catalog) -> None:
    """Whatever restores come and go meanwhile."""
    where = {"instance": "prod", "database": "shop", "backup_id": "b1"}
    kinds = one_of_each()
    catalog.append(*good(), Held(**where, reason="audit"), kinds["restore_started"], kinds["restored"])
    assert [row.held for row in views.backups(catalog)] == [True]
    catalog.append(Released(**where, reason="done"))
    assert [row.held for row in views.backups(catalog)] == [False]


@pytest.mark.parametrize("end", ["restored", "restore_failed"])
def test_a_backup_is_being_restored_until_the_restore_ends(catalog: Catalog, end: str) -> None:
    """So that nothing removes the file under it; a restore that never ended is found."""
    kinds = one_of_each()
    catalog.append(*good(), kinds["restore_started"])
    assert [row.restoring for row in views.backups(catalog)] == [True]
    assert [row.restore_id for row in restores.unfinished_restores(catalog)] == ["r1"]
    catalog.append(kinds[end])
    assert [row.restoring for row in views.backups(catalog)] == [False]
    assert [row.state for row in restores.restores(catalog)] == [end.removeprefix("restore_")]


def test_a_drill_proves_a_backup(catalog: Catalog) -> None:
    """`proved_at` is when a drill passed; one that failed proves nothing."""
    drilled = one_of_each()["drilled"]
    catalog.append(*good(), drilled.model_copy(update={"verdict": "fail"}))
    assert views.restorable(catalog)[0].proved_at is None
    recorded = catalog.append(drilled)[0]
    proved_at = views.restorable(catalog)[0].proved_at
    assert proved_at is not None
    assert proved_at.isoformat()[:19] == recorded.at[:19]


def test_backups_are_found_by_name_state_and_number(catalog: Catalog) -> None:
    """Newest first."""
    catalog.append(*good("b1"), *good("b2", database="blog"), started("b3"))
    assert [row.backup_id for row in views.backups(catalog)] == ["b3", "b2", "b1"]
    assert [row.backup_id for row in views.backups(catalog, "prod", "shop", states=("good",))] == ["b1"]
    assert [row.backup_id for row in views.backups(catalog, limit=1)] == ["b3"]
    found = views.backup(catalog, "b2")
    assert found is not None
    assert found.key == "prod/blog"
    assert views.backup(catalog, "nope") is None


QUERIES: dict[str, Callable[[Catalog], object]] = {
    "backups of a database": lambda catalog: views.backups(catalog, "prod", "shop", limit=50),
    "backups of an instance": lambda catalog: views.backups(catalog, "prod", limit=50),
    "newest backups": lambda catalog: views.backups(catalog, limit=50),
    "one backup": lambda catalog: views.backup(catalog, "b1"),
    "restorable of a database": lambda catalog: views.restorable(catalog, "prod", "shop", limit=50),
    "newest good": views.newest_good,
    "newest published": views.newest_published,
    "newest published of a database": lambda catalog: views.newest_published_of(catalog, "prod", "shop"),
    "unfinished": views.unfinished,
    "databases": views.databases,
    "names of databases": views.database_names,
    "restores": lambda catalog: restores.restores(catalog, 50),
    "unfinished restores": restores.unfinished_restores,
    "failures": lambda catalog: journal.failures(catalog, 50),
    "known databases": views.known_databases,
    "runs": lambda catalog: journal.runs(catalog, 50),
    "last event of its kind": lambda catalog: catalog.append_if_changed(one_of_each()["discovered"]),
    "drills without an end": unfinished_drills,
    "head": Catalog.head,
    "what retention asks of a database": lambda catalog: keeping.retained(catalog, "prod", "shop"),
    "prunes that were cut off": lambda catalog: keeping.to_be_removed(catalog, "wfdb02"),
    "a backup by the beginning of its id": lambda catalog: keeping.beginning_with(catalog, "b"),
    "one backup for retention": lambda catalog: keeping.one(catalog, "b1"),
    "alarms of a database": lambda catalog: keeping.alarms(catalog, "prod", "shop"),
}


@pytest.mark.parametrize("ask", QUERIES.values(), ids=QUERIES.keys())
def test_no_view_that_a_command_needs_reads_all_events_or_all_backups(
    catalog: Catalog, ask: Callable[[Catalog], object]
) -> None:
    """The cost must not grow with history: the query plans go through indexes, in the order that is asked for."""
    catalog.append(*good(), *_all_kinds())
    connection = catalog._connection()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    ask(catalog)
    connection.set_trace_callback(None)
    queries = [sql for sql in statements if sql.startswith(("SELECT", "\nSELECT"))]
    plans = [(sql, row["detail"]) for sql in queries for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert plans
    assert not [(sql, line) for sql, line in plans if _grows(sql, line)]


def _grows(sql: str, line: str) -> bool:
    """Judge one line of a plan: a scan is fine along an index of few rows, or backwards until the limit is met."""
    few = ("SCAN d", *(f"SCAN projected_{name}" for name in ("databases", "drills", "instances", "prunes")))
    in_order = line.startswith(("SCAN b", "SCAN projected_r")) and "LIMIT 50" in sql and "sequence DESC" in sql
    scans = line.startswith("SCAN") and not in_order and not any(name in line for name in few)
    sorts_few = "projected_instances" in sql or "failures" in sql  # ids out of an index of failures alone
    return scans or ("TEMP B-TREE" in line and not sorts_few)


def _all_kinds() -> list[Event]:
    return [event for kind, event in one_of_each("b9", database="blog").items() if kind != "catalog_created"]


def _kept(catalog: Catalog) -> tuple[str | None, int, int]:
    (row,) = views.databases(catalog)
    return (row.newest_good, row.kept_count, row.kept_bytes)
