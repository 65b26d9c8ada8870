"""The catalogs of many hosts as one: nothing mixes, every chain verifies, repeating adds what is new."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.history.samples import DAY, Steps, good, one_of_each, plain
from tests.jobs.copies import as_before_origins, rows, tamper
from tests.outlook.test_metrics import AT, configured
from vya_backup.errors import CatalogBusy, CatalogError, CatalogMissing, UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.history.events import Drilled, Failed, Missing
from vya_backup.history.run_events import ConfiguredInstance, Discovered, RunStarted
from vya_backup.jobs import merging
from vya_backup.jobs.auditing import audit_copy
from vya_backup.jobs.merging import merge
from vya_backup.outlook.health_pages import ready
from vya_backup.outlook.metrics import text

START = datetime(2026, 1, 9, 2, tzinfo=UTC)
VIEWS = ("backups", "restorable", "databases", "drills", "restores", "runs", "failures", "recoveries", "audit_log")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[dict[str, Catalog]]:
    """Two hosts with the same instance and the same database; `a` began a day before `b`."""
    catalogs = {name: host(tmp_path, name, START + number * DAY) for number, name in enumerate("ab")}
    catalogs["a"].append(*good("a1", size=1000), *good("a2", size=2000))
    catalogs["b"].append(*good("b1", size=5000))
    yield catalogs
    for catalog in catalogs.values():
        catalog.close()


def host(folder: Path, name: str, at: datetime) -> Catalog:
    """Open the catalog of a host."""
    return Catalog.open(folder / f"own-{name}" / "catalog.db", host=name, now=Steps(at))


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Where the union goes."""
    return tmp_path / "fleet" / "fleet.db"


@contextmanager
def read(path: Path) -> Iterator[Catalog]:
    """Open a copy to look at it."""
    with closing(Catalog.open_copy(path)) as catalog:
        yield catalog


def files(hosts: dict[str, Catalog]) -> list[Path]:
    """Return the files of the catalogs."""
    return [catalog.path for catalog in hosts.values()]


def added(hosts: dict[str, Catalog], fleet: Path) -> dict[str, int]:
    """Merge, and return how many events were added of each host."""
    return {chain.host: chain.added for chain in merge(files(hosts), fleet).chains}


def test_the_same_database_of_two_hosts_stays_two(hosts: dict[str, Catalog], fleet: Path) -> None:
    """Newest good, counts, failures and drills are each host's own."""
    where = {"instance": "prod", "database": "shop"}
    hosts["a"].append(Drilled(backup_id="a1", verdict="pass", duration_seconds=1, **where))
    hosts["b"].append(Failed(step="dump", code="dump", message="no", **where))
    merge(files(hosts), fleet)
    with read(fleet) as union:
        sql = "SELECT origin, newest_good, kept_count, kept_bytes, last_failure_code FROM databases ORDER BY origin"
        assert [tuple(row) for row in union.rows(sql)] == [("a", "a2", 2, 3000, None), ("b", "b1", 1, 5000, "dump")]
        drills = union.rows("SELECT origin, backup_id, drills FROM drills ORDER BY origin")
        assert [tuple(row) for row in drills] == [("a", "a1", 1), ("b", None, 0)]


def test_what_one_host_loses_or_finds_is_nothing_to_the_other(hosts: dict[str, Catalog], fleet: Path) -> None:
    """`b` loses its only backup and sees another database; `a` goes on with what it has."""
    hosts["a"].append(Discovered(instance="prod", server="8.4", found=("shop",)))
    hosts["b"].append(Missing(instance="prod", database="shop", backup_id="b1", path="shop/b1.sql.gz"))
    hosts["b"].append(Discovered(instance="prod", server="8.4", found=("crm",)))
    merge(files(hosts), fleet)
    with read(fleet) as union:
        known = union.rows("SELECT origin, database, present, newest_good FROM databases ORDER BY 1, 2")
        instances = union.rows("SELECT origin FROM projected_instances ORDER BY 1")
    assert [tuple(row) for row in known] == [("a", "shop", 1, "a2"), ("b", "crm", 1, None), ("b", "shop", 0, None)]
    assert [tuple(row) for row in instances] == [("a",), ("b",)]


def test_what_one_host_no_longer_configures_is_nothing_to_the_other(hosts: dict[str, Catalog], fleet: Path) -> None:
    """Its gauges go, its counters stay, and the other host's are as they were in its own catalog."""
    for name, instances in (("a", (of_prod(),)), ("b", ())):
        with hosts[name].run(RunStarted(command="doit backup", version="2", environment="test")) as run:
            hosts[name].append(configured(instances=instances))
            run.finish(0, {})
    alone = {line for line in text(hosts["a"], AT).decode().splitlines() if "build_info" not in line}
    merge(files(hosts), fleet)
    with read(fleet) as union:
        told = text(union, AT).decode()
        assert ready(union, AT) == (200, {"ready": True, "databases": {"a/prod": "ok"}})
    of_a = {re.sub(r'\{host="a"\}|host="a",|,host="a"', "", line) for line in told.splitlines()}
    assert {line for line in alone if not line.startswith("#")} <= of_a
    of_b = [line for line in told.splitlines() if 'host="b"' in line]
    assert [line for line in of_b if "vya_backup_executions_total" in line]
    assert not [line for line in of_b if line.startswith(("vya_backup_last_status", "vya_backup_database_"))]


def of_prod() -> ConfiguredInstance:
    """An instance whose databases all are to be backed up."""
    return ConfiguredInstance(id="prod", type="mysql", enabled=True, databases=("*",))


def test_every_view_names_the_host_and_one_hosts_own_names_none(hosts: dict[str, Catalog], fleet: Path) -> None:
    """Whatever kind of event there is."""
    for name, catalog in hosts.items():
        with catalog.run(RunStarted(command="doit backup", version="2.0.0", environment="test")):
            catalog.append(*one_of_each(f"{name}9", f"{name}r").values())
    merge(files(hosts), fleet)
    with read(fleet) as union:
        for view in VIEWS:
            origins = {row[0] for row in union.rows(f"SELECT DISTINCT origin FROM {view}")}
            assert origins == ({"a"} if view == "recoveries" else {"a", "b"}), view  # the sample's is one and the same
            assert {row[0] for row in hosts["a"].rows(f"SELECT DISTINCT origin FROM {view}")} <= {""}, view
        of_a = {row["database"] for row in union.rows("SELECT database FROM databases WHERE origin = 'a'")}
    assert of_a == {row["database"] for row in hosts["a"].rows("SELECT database FROM databases")}


def test_the_projection_of_each_host_is_what_its_own_catalog_says(hosts: dict[str, Catalog], fleet: Path) -> None:
    """And making the whole projection again changes nothing."""
    hosts["a"].append(*one_of_each("a9", "ar").values())
    merge(files(hosts), fleet)
    with read(fleet) as union:
        for name, catalog in hosts.items():
            sql = "SELECT instance, database, present, kept_count, kept_bytes, last_failure_at FROM projected_databases"
            there = union.rows(f"{sql} WHERE origin = ? ORDER BY 1, 2", (name,))
            assert list(map(tuple, there)) == list(map(tuple, catalog.rows(f"{sql} ORDER BY 1, 2")))
    before = _projected(fleet)
    with plain(fleet) as connection:
        connection.execute("UPDATE catalog_facts SET value = '' WHERE name = 'projection'")
    merge(files(hosts), fleet)
    assert _projected(fleet) == before


def _projected(path: Path) -> dict[str, list[str]]:
    with plain(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'projected_%'")]
        names = [name for name in tables if connection.execute(f"PRAGMA table_info({name})").fetchall()]
        return {
            name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}")))
            for name in names
            if "_by_" not in name and not name.endswith(("_newest", "_database", "_counted"))
        }


def test_merging_again_adds_what_is_new_and_then_nothing(hosts: dict[str, Catalog], fleet: Path) -> None:
    """And says how much of which host; a host that was not named stays as it is."""
    assert added(hosts, fleet) == {"a": 7, "b": 4}
    assert added(hosts, fleet) == {"a": 0, "b": 0}
    hosts["b"].append(*good("b2"))
    assert added({"b": hosts["b"]}, fleet) == {"a": 0, "b": 3}
    third = host(fleet.parents[1], "c", START)
    assert added({"c": third}, fleet) == {"a": 0, "b": 0, "c": 1}
    third.close()
    assert audit_copy(fleet).ok


def test_events_arrive_in_the_order_of_their_times(hosts: dict[str, Catalog], fleet: Path) -> None:
    """As far as each chain's own order allows; the first merge shows the fleet's past as it went."""
    hosts["a"]._now.at = START + 2 * DAY  # type: ignore[attr-defined]
    hosts["a"].append(*good("a3"))
    merge(files(hosts), fleet)
    with read(fleet) as union:
        assert [row["host"] for row in union.rows("SELECT host FROM events ORDER BY id")] == [*"aaaaaaabbbbaaa"]


def test_every_chain_is_verified_on_its_own(hosts: dict[str, Catalog], fleet: Path) -> None:
    """With the head of each host; a change of one event is told."""
    merge(files(hosts), fleet)
    verdict = audit_copy(fleet)
    heads = {end.host: (end.position, end.hash) for end in verdict.report.chains}
    assert verdict.ok
    assert heads == {name: (one.head().position, one.head().hash) for name, one in hosts.items()}
    assert [line for line in verdict.lines() if line.startswith("a, ")]
    tamper(fleet, "UPDATE events SET actor = 'mallory' WHERE host = 'b' AND position = 2")
    assert any("was changed" in fault for fault in audit_copy(fleet).faults)
    assert not audit_copy(fleet, "f" * 64).ok


def test_published_copies_and_unions_can_be_merged_too(hosts: dict[str, Catalog], fleet: Path, tmp_path: Path) -> None:
    """A union of unions is the union; of two copies of one chain the longer counts, whatever the order."""
    old = tmp_path / "old.db"
    hosts["a"].close()
    shutil.copy(hosts["a"].path, old)
    hosts["a"].append(*good("a3"))
    first, second = tmp_path / "first" / "f.db", tmp_path / "second" / "s.db"
    merge([old, hosts["a"].path], first)
    merge([hosts["b"].path], second)
    merge([second, old, first], fleet)
    with read(fleet) as union:
        assert union.origins() == {one.catalog_id: name for name, one in hosts.items()}
        counts = union.rows("SELECT host, count(*) AS events FROM events GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in counts] == [("a", 10), ("b", 4)]
    assert added({"a": hosts["a"]}, fleet) == {"a": 0, "b": 0}


def test_a_hosts_older_chain_belongs_to_it(hosts: dict[str, Catalog], fleet: Path) -> None:
    """A catalog that was made again holds two chains, and one origin."""
    path = hosts["b"].path
    hosts["b"].close()
    with plain(path) as connection:
        connection.execute("UPDATE catalog_facts SET value = 'zz-second' WHERE name = 'catalog_id'")
    second = Catalog.open(path, host="b", now=Steps(START + 3 * DAY))
    second.append(*good("b2"))
    merge([path], fleet)
    with read(fleet) as union:
        assert set(union.origins().values()) == {"b"}
        rows_ = union.rows("SELECT origin, newest_good, kept_count FROM databases")
        assert [tuple(row) for row in rows_] == [("b", "b2", 2)]
    second.close()


def test_the_catalog_of_a_host_with_an_older_program_is_taken(hosts: dict[str, Catalog], fleet: Path) -> None:
    """It is only read; an older union gets this program's schema, and goes on."""
    hosts["b"].close()
    as_before_origins(hosts["b"].path)
    content = hosts["b"].path.read_bytes()
    assert added(hosts, fleet) == {"a": 7, "b": 4}
    assert hosts["b"].path.read_bytes() == content
    with plain(fleet) as connection:
        connection.execute("UPDATE catalog_facts SET value = '' WHERE name IN ('views', 'projection')")
        connection.execute("DROP VIEW drills")
    assert added(hosts, fleet) == {"a": 0, "b": 0}
    assert audit_copy(fleet).ok


# ------------------------------------------------------------------ what is refused


def test_nothing_is_appended_to_a_union(hosts: dict[str, Catalog], fleet: Path) -> None:
    """By no command: it is refused where a catalog is opened for appending, and not changed."""
    merge(files(hosts), fleet)
    content, mode = fleet.read_bytes(), fleet.stat().st_mode
    with pytest.raises(
        CatalogError, match=r"merged from the catalogs of a, b, and nothing can be appended.*own catalog"
    ):
        Catalog.open(fleet, host="a")
    assert (fleet.read_bytes(), fleet.stat().st_mode) == (content, mode)
    assert [path.name for path in fleet.parent.iterdir()] == [fleet.name]


def _changed(hosts: dict[str, Catalog]) -> None:
    tamper(hosts["b"].path, "UPDATE events SET actor = 'mallory' WHERE position = 3")


def _removed(hosts: dict[str, Catalog]) -> None:
    tamper(hosts["b"].path, "DELETE FROM events WHERE position = 3")


@pytest.mark.parametrize(("harm", "told"), [(_changed, "it was changed"), (_removed, "it comes after a gap")])
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "existing"])
def test_a_tampered_catalog_is_named_and_nothing_is_taken(
    hosts: dict[str, Catalog], fleet: Path, harm: Callable[[dict[str, Catalog]], None], told: str, is_new: bool
) -> None:
    """Of no host, so that the union is the same as before, or is not there."""
    if not is_new:
        merge([hosts["a"].path], fleet)
        hosts["a"].append(*good("a3"))
    harm(hosts)
    with pytest.raises(CatalogError, match=f"of catalog {hosts['b'].catalog_id} is not copied: {told}"):
        merge(files(hosts), fleet)
    assert fleet.exists() != is_new
    assert is_new or len(rows(fleet)) == 7
    assert not [path for path in fleet.parent.iterdir() if path != fleet]


def test_two_histories_of_one_catalog_are_refused(hosts: dict[str, Catalog], fleet: Path, tmp_path: Path) -> None:
    """Among the files, and between a file and the union: one of the two was rewritten."""
    forked = tmp_path / "forked" / "catalog.db"
    forked.parent.mkdir(mode=0o700)
    hosts["a"].close()
    shutil.copy(hosts["a"].path, forked)
    other = Catalog.open(forked, host="a", now=Steps(START + DAY))
    other.append(*good("other"))
    hosts["a"].append(*good("a3"), *good("a4"))
    other.close()
    with pytest.raises(CatalogError, match="tell different histories: position 10 of catalog"):
        merge([forked, hosts["a"].path], fleet)
    merge([forked], fleet)
    with pytest.raises(CatalogError, match="tell different histories: position 10 of catalog"):
        merge([hosts["a"].path], fleet)


def test_a_hosts_own_catalog_is_never_merged_into(hosts: dict[str, Catalog]) -> None:
    """Not by a byte."""
    hosts["a"].close()
    content = hosts["a"].path.read_bytes()
    with pytest.raises(CatalogError, match="is the catalog of one host"):
        merge([hosts["b"].path], hosts["a"].path)
    assert hosts["a"].path.read_bytes() == content


def test_a_tampered_union_is_not_added_to(hosts: dict[str, Catalog], fleet: Path) -> None:
    """Its guards tell at a glance."""
    merge(files(hosts), fleet)
    with plain(fleet) as connection:
        connection.execute("DROP TRIGGER events_refuse_delete")
    hosts["b"].append(*good("b2"))
    with pytest.raises(CatalogError, match="was tampered with: trigger events_refuse_delete was dropped"):
        merge(files(hosts), fleet)


def test_a_reader_of_the_union_is_not_pushed_aside(
    hosts: dict[str, Catalog], fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and the union stays as it was."""
    monkeypatch.setattr(merging, "PATIENCE_SECONDS", 0.05)
    merge(files(hosts), fleet)
    hosts["b"].append(*good("b2"))
    with plain(fleet) as reader:
        cursor = reader.execute("SELECT id FROM events ORDER BY id")
        cursor.fetchone()
        with pytest.raises(CatalogBusy, match="held by a reader"):
            merge(files(hosts), fleet)
        cursor.close()
    assert added(hosts, fleet) == {"a": 0, "b": 3}


def test_what_cannot_be_merged_is_named(hosts: dict[str, Catalog], fleet: Path, tmp_path: Path) -> None:
    """No file, no catalog, nothing at all, and the union itself."""
    (tmp_path / "text").write_text("text")
    with pytest.raises(CatalogMissing, match=r"there is no catalog .*/gone"):
        merge([tmp_path / "gone"], fleet)
    with pytest.raises(CatalogError, match="is not an SQLite file"):
        merge([tmp_path / "text"], fleet)
    with pytest.raises(UsageError, match="needs the files of other catalogs"):
        merge([], fleet)
    with pytest.raises(UsageError, match="and another one to write"):
        merge([hosts["a"].path], hosts["a"].path)
    assert not fleet.exists()
