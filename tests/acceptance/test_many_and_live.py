"""A thousand tables, and an application that writes all the time."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import wait_for
from tests.project import CONFIGURATION, Project, new_project
from tests.servers import PostgresqlServer, Servers, TestServer

TABLES = 1000
WRITER = textwrap.dedent(
    """
    import sqlite3, sys, time
    connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
    for number in range(1, 10_000_000):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO credit VALUES (?)", (number,))
        connection.execute("INSERT INTO debit VALUES (?)", (-number,))
        connection.execute("COMMIT")
        time.sleep(0.005)
    """
)


@pytest.mark.parametrize("kind", ["postgresql_15", "mariadb"])
def test_a_database_of_a_thousand_tables_goes_there_and_back(kind: str, servers: Servers, project_with: Setup) -> None:
    """More tables than fit into one transaction's locks; each comes back with its row."""
    server = servers.shared(kind)
    _build_many(server)
    project = project_with(source=server)
    assert project.run("backup", "--database", "many").status == 0
    server.drop_database("many")

    done = project.run("restore:many")

    assert done.status == 0, done.said
    assert f"{TABLES:,} rows in {TABLES:,} tables" in done.said
    assert server.sql(f"SELECT v FROM t{TABLES - 1}", "many") == [(TABLES - 1,)]
    server.drop_database("many")
    if not isinstance(server, PostgresqlServer):
        server.sql("SET GLOBAL innodb_file_per_table = ON")


def _build_many(server: TestServer) -> None:
    server.drop_database("many")
    server.create_database("many")
    of_one = "CREATE TABLE t{0} (v int); INSERT INTO t{0} VALUES ({0});\n"
    if not isinstance(server, PostgresqlServer):
        server.sql("SET GLOBAL innodb_file_per_table = OFF")  # a thousand files take twice as long
        of_one = "CREATE TABLE t{0} (v int) AS SELECT {0} AS v;\n"
    server.load("".join(of_one.format(number) for number in range(TABLES)), "many")


@pytest.fixture(params=["wal", "delete"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A database of two tables that are always equally long."""
    project = new_project(tmp_path, CONFIGURATION)
    tables = ("CREATE TABLE credit (v int)", "CREATE TABLE debit (v int)")
    project.execute("ledger", f"PRAGMA journal_mode = {request.param}")
    project.execute("ledger", *tables, "INSERT INTO credit VALUES (0)", "INSERT INTO debit VALUES (0)")
    return project


def test_an_application_writes_throughout_backup_and_restore(ledger: Project) -> None:
    """It never fails; what was dumped is one moment; what is restored is that moment and what was written since."""
    with writing(ledger) as writer:
        backed_up = ledger.run("backup")
        copied = ledger.run("restore:ledger", "--to", "copy")
        replaced = ledger.run("restore:ledger", "--force")
        before = _balance(ledger, "ledger")
        wait_for(lambda: _balance(ledger, "ledger")[0] > before[0], writer)

    assert [run.status for run in (backed_up, copied, replaced)] == [0, 0, 0], replaced.said
    length, other, total = _balance(ledger, "copy")
    assert length == other > 1
    assert total == 0
    length, other, total = _balance(ledger, "ledger")
    assert length == other
    assert total == 0
    assert ledger.rows("ledger", "PRAGMA integrity_check") == [("ok",)]


@contextmanager
def writing(project: Project) -> Iterator[subprocess.Popen[str]]:
    """Run the application while the block runs, and see that it was still at work at its end."""
    log = (project.folder / "writer.log").open("w")
    argv = [sys.executable, "-c", WRITER, str(project.database("ledger"))]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=log, text=True)
    try:
        wait_for(lambda: _balance(project, "ledger")[0] > 1, process)
        yield process
        assert process.poll() is None, (project.folder / "writer.log").read_text()
    finally:
        process.kill()
        process.wait()
        log.close()


def _balance(project: Project, name: str) -> tuple[int, int, int]:
    """Return the lengths of both tables and the sum of their values, as of one moment."""
    values = "SELECT 1 AS side, v FROM credit UNION ALL SELECT 0, v FROM debit"
    ((left, right, total),) = project.rows(name, f"SELECT sum(side), sum(1 - side), sum(v) FROM ({values})")
    return left, right, total
