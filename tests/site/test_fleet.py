"""A merged catalog: every page tells the hosts apart, though their instances have the same names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.project import new_project
from tests.samples.long_history import long_history
from tests.site.conftest import RunningSite, hand_over, last_night, open_folder, serving

HOSTS = ("backup-01", "backup-02")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """Give a site on the merged catalogs of two hosts."""
    project = new_project(tmp_path_factory.mktemp("fleet"), "site: {}\n")
    own = [
        long_history(
            project.folder / f"{host}.db", years=12 / 365, databases=3, until=last_night(), host=host, seed=seed
        )
        for seed, host in enumerate(HOSTS)
    ]
    with open_folder("vya-site-merged-") as folder:
        merged = project.run("catalog", "merge", *map(str, own), "--output", str(folder / "fleet.db"))
        assert merged.status == 0, merged.said
        hand_over(folder / "fleet.db")
        with serving(folder / "fleet.db") as running:
            yield running


def newest_good(copy: Path, host: str) -> list[str]:
    """Return the newest good backup of each database of a host, from its own events."""
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            """
            SELECT s.backup_id, max(s.id) FROM events AS s JOIN events AS c ON c.backup_id = s.backup_id
            WHERE s.type = 'started' AND c.type = 'checksummed' AND s.host = ? GROUP BY s.instance, s.database
            """,
            (host,),
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("host", HOSTS)
def test_the_front_page_of_a_host_has_its_databases_alone(fleet: RunningSite, host: str) -> None:
    """And that of all hosts has them all, with the hosts to choose from."""
    everything, chosen = fleet.get("/").text, fleet.get(f"/?host={host}").text
    other = HOSTS[HOSTS[0] == host]
    assert all(f'href="/?host={name}"' in everything for name in HOSTS)
    assert all(f'href="/backup/{one}"' in everything for one in newest_good(fleet.copy, host))
    assert all(f'href="/backup/{one}"' in chosen for one in newest_good(fleet.copy, host))
    assert not any(f'href="/backup/{one}"' in chosen for one in newest_good(fleet.copy, other))


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/db/prod-pg-01/shop", "/instance/prod-pg-01"])
def test_a_page_of_the_same_name_is_that_of_its_host(fleet: RunningSite, host: str, path: str) -> None:
    """Not one link leads to the other's backups."""
    shown = fleet.get(f"{path}?host={host}").text
    other = HOSTS[HOSTS[0] == host]
    with closing(sqlite3.connect(f"file:{fleet.copy}?mode=ro", uri=True)) as connection:
        of_other = {row[0] for row in connection.execute("SELECT backup_id FROM backups WHERE origin = ?", (other,))}
    assert any(one in shown for one in newest_good(fleet.copy, host))
    assert not any(one in shown for one in of_other)


@pytest.mark.parametrize("table", ["backups", "runs", "events", "failures", "audit_log", "restores"])
def test_every_table_with_hosts_can_be_narrowed_to_one(fleet: RunningSite, table: str) -> None:
    """By a link that is there."""
    assert f'href="/catalog/{table}?host=backup-02"' in fleet.get(f"/catalog/{table}").text
    rows = fleet.get(f"/catalog/{table}.json?host=backup-02&_shape=array").json()
    assert {row["host"] for row in rows} <= {"backup-02"}


def test_monitoring_says_which_host(fleet: RunningSite) -> None:
    """The same instance of both."""
    assert {"backup-01/prod-pg-01", "backup-02/prod-pg-01"} <= set(fleet.get("/health/ready").json()["databases"])
    assert 'host="backup-02"' in fleet.get("/metrics").text
