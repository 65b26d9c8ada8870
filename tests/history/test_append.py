"""One door into history: chain, place, run and transaction of every append."""

from __future__ import annotations

import hashlib
import os
import pwd
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.history.samples import Steps, good, one_of_each, opened, started
from vya_backup.errors import CatalogError
from vya_backup.history import chain
from vya_backup.history.actor import actor
from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.events import Held
from vya_backup.history.identifiers import new_id
from vya_backup.history.journal import audit_log, runs
from vya_backup.history.run_events import Configured, Discovered, RunStarted

RUN = RunStarted(command="backup", version="2.0.0", environment="test")


def test_a_new_catalog_begins_its_chain(catalog: Catalog) -> None:
    """The first event is catalog_created at position 1, chained to nothing."""
    first = catalog.rows("SELECT * FROM events")
    assert [(row["type"], row["position"], row["prev_hash"]) for row in first] == [
        ("catalog_created", 1, chain.GENESIS)
    ]
    assert catalog.head().catalog_id == first[0]["catalog_id"] == catalog.catalog_id


def test_each_event_is_chained_to_the_one_before(catalog: Catalog) -> None:
    """`hash` covers every column but id and hash, prev_hash included."""
    catalog.append(*good())
    rows = catalog.rows("SELECT * FROM events ORDER BY id")
    assert [row["position"] for row in rows] == [1, 2, 3, 4]
    assert [row["prev_hash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
    assert [chain.digest([row[name] for name in chain.HASHED]) for row in rows] == [row["hash"] for row in rows]
    assert catalog.head().hash == rows[-1]["hash"]


def test_the_canonical_encoding_is_written_down() -> None:
    """An auditor's own program gives the same hash from this text, and no later version may change it."""
    values = ("c", 1, "e", "2026-01-09T02:00:00.000000Z", "held", None, "b", "i", 'd"ß\n', "h", "a", '{"n":1}', "0")
    text = r"""["c",1,"e","2026-01-09T02:00:00.000000Z","held",null,"b","i","d\"ß\n","h","a","{\"n\":1}","0"]"""
    assert chain.digest(values) == hashlib.sha256(text.encode()).hexdigest()


def test_time_and_place_are_recorded(tmp_path: Path) -> None:
    """Each event says when (UTC, microseconds), on which host, and who."""
    catalog = opened(tmp_path, Steps())
    recorded = catalog.append(started())[0]
    assert recorded.at.startswith("2026-01-09T02:00:")
    assert recorded.at.endswith(".000000Z")
    assert (recorded.host, recorded.actor) == ("wfdb02", actor())


def test_the_actor_is_the_account_and_who_is_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """sudo's word stands beside the account, never in its place."""
    account = pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert actor().split()[0] == account
    monkeypatch.setenv("SUDO_USER", "alice")
    assert actor().startswith(f"{account} (sudo: alice")


def test_identifiers_are_uuids_of_version_7_in_order_of_time() -> None:
    """48 bits of milliseconds lead, the rest is chance."""
    clock = Steps()
    made = [new_id(clock) for _ in range(50)]
    assert made == sorted(made)
    assert len(set(made)) == 50
    assert {(identifier[14], identifier[19] in "89ab") for identifier in made} == {("7", True)}
    assert int(made[0].replace("-", "")[:12], 16) == 1_767_924_001_000


def test_a_run_that_did_nothing_leaves_no_trace(catalog: Catalog) -> None:
    """Looking, or finding all up to date, is no run."""
    before = catalog.head()
    with catalog.run(RUN) as run:
        run.finish(0, {"fresh": 3})
    assert catalog.head() == before


def test_a_run_that_did_something_has_a_beginning_and_an_end(catalog: Catalog) -> None:
    """`run_started` goes before the first event, and all of them share its id."""
    with catalog.run(RUN) as run:
        catalog.append(*good())
        run.finish(0, {"good": 1})
    log = audit_log(catalog)[:-1]
    assert [line.type for line in reversed(log)] == ["run_started", "started", "dumped", "checksummed", "run_finished"]
    assert {line.run_id for line in log} == {run.run_id}
    assert [(row.command, row.exit_status, row.results) for row in runs(catalog)] == [("backup", 0, {"good": 1})]
    assert catalog.append(started("b2"))[0].run_id is None


def test_what_a_run_was_told_is_recorded_behind_its_beginning_once_until_it_changes(catalog: Catalog) -> None:
    """An auditor sees under which retention and for which instances each run worked."""
    told = one_of_each()["configured"]
    assert isinstance(told, Configured)
    changed = told.model_copy(update={"interval_minutes": 60})
    for number, configured in enumerate((told, told, changed)):
        with catalog.run(RUN, configured):
            catalog.append(Held(reason=str(number)))
    log = [line.type for line in reversed(audit_log(catalog)[:-1])]
    assert log == ["run_started", "configured", "held", "run_started", "held", "run_started", "configured", "held"]


def test_events_that_happen_together_are_recorded_together_or_not_at_all(catalog: Catalog) -> None:
    """A full file system in the middle of an append leaves nothing of it; the run begins with the next one."""
    connection = catalog._connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    before = catalog.head()
    with catalog.run(RUN):
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(CatalogError, match="the disk is full"):
            catalog.append(*(Held(reason="x" * 3000) for _ in range(20)))
        assert catalog.head() == before
        connection.execute("PRAGMA max_page_count = 1000000")
        catalog.append(Held(reason="y"))
    assert [line.type for line in audit_log(catalog, 2)] == ["held", "run_started"]


def test_what_did_not_change_is_not_said_again(catalog: Catalog) -> None:
    """`append_if_changed` compares with the last event of the same type and instance."""
    found = Discovered(instance="prod", server="8.4", found=("a", "b"))
    other = Discovered(instance="dev", server="8.4", found=())
    said = [catalog.append_if_changed(event) for event in (found, other, found, other)]
    assert said == [True, True, False, False]
    assert catalog.append_if_changed(found.model_copy(update={"found": ("a",)}))
    assert catalog.append_if_changed(found)


def test_threads_of_one_process_keep_one_line(catalog: Catalog) -> None:
    """Each thread has its own connection; positions stay gapless."""
    threads = [
        threading.Thread(target=lambda n=n: [catalog.append(started(f"{n}-{i}")) for i in range(20)]) for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalog.head().position == 121
    assert audit(catalog).ok


def test_what_is_decided_under_the_write_lock_cannot_be_overtaken(catalog: Catalog) -> None:
    """While the decision is made, another process cannot begin to write; what it raises undoes everything."""
    seen: list[str] = []

    def decide() -> list[Event]:
        with closing(sqlite3.connect(catalog.path, isolation_level=None, timeout=0)) as other:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            seen.append("locked")
        return list(good())

    assert [one.event.type for one in catalog.append_decided(decide)] == ["started", "dumped", "checksummed"]
    assert seen == ["locked"]
    head = catalog.head()
    assert catalog.append_decided(list) == ()
    with pytest.raises(ZeroDivisionError):
        catalog.append_decided(lambda: [*good("b2")][: 1 // 0])
    assert catalog.head() == head
