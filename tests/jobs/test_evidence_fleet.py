"""Two hosts with the same instances and databases in one catalog: no answer mixes them, and each chain is evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.evidence import Judge, contents, make, program
from tests.history.hindsight import failures, happened, restorable_at
from tests.samples.long_history import long_history
from vya_backup.history.catalog import Catalog
from vya_backup.history.questions import ask, question, questions
from vya_backup.jobs.merging import merge

HOSTS = ("east", "west")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """The union of forty days of both."""
    folder = tmp_path_factory.mktemp("fleet")
    files = [
        long_history(folder / f"{host}.db", years=40 / 365, databases=3, seed=number, host=host)
        for number, host in enumerate(HOSTS)
    ]
    merge(files, folder / "fleet.db")
    with closing(Catalog.open_copy(folder / "fleet.db")) as catalog:
        yield catalog


def test_each_host_is_covered_by_its_own_backups(fleet: Catalog) -> None:
    """At any moment."""
    events = happened(fleet.path)
    for event in events[:: len(events) // 20]:
        rows = ask(fleet, question("coverage"), {"on": event.at, "limit": -1}).dicts()
        told = {(row["host"], row["instance"], row["database"]): row["backup_id"] for row in rows}
        assert told == restorable_at(events, event.at)
    assert {key[0] for key in told} == set(HOSTS)


def test_what_works_on_one_host_mends_nothing_on_the_other(fleet: Catalog) -> None:
    """Though both have an instance and a database of that name."""
    rows = ask(fleet, question("failures_mended"), {"limit": -1}).dicts()
    told = [(row["host"], row["at"], row["mended_at"]) for row in rows]
    assert told == [(bad.host, bad.at, mended.at if mended else None) for bad, mended in failures(happened(fleet.path))]


def test_an_answer_about_one_host_is_what_it_would_say_itself(fleet: Catalog) -> None:
    """Of every question that takes a host."""
    for one in questions():
        if "host" not in one.takes:
            continue
        fixed = {"on": "2026-01-05", "limit": -1} if "on" in one.takes else {"limit": -1}
        with closing(Catalog.open_copy(fleet.path.with_name("east.db"))) as east:
            alone = ask(east, one, fixed)
        assert ask(fleet, one, fixed | {"host": "east"}).rows == alone.rows, one.name


def test_its_evidence_has_the_chain_of_each(fleet: Catalog, tmp_path: Path) -> None:
    """And is verified as a whole."""
    make(fleet, tmp_path / "e.zip", "2025-12-20", "2026-01-03")
    assert Judge(program()).faults(tmp_path / "e.zip") == ""
    members = contents(tmp_path / "e.zip")
    assert len(json.loads(members["evidence.json"])["chains"]) == 2
    page = members["report.html"].decode()
    assert all(f"{host}: prod-pg-01/shop" in page for host in HOSTS)
