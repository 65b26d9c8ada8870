"""`config test-connections`: every instance at once, each with what it answered or what mends it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import PostgresqlServer, TestServer
from vya_backup.jobs import connection_tests
from vya_backup.jobs.connection_tests import ConnectionReport
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.encryption import encrypt
from vya_backup.settings.model import Configuration, Instance


class Bench:
    """A configuration with a store, to which servers are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.instances: list[Instance] = []
        self.entries: list[dict[str, str]] = []
        self.client_folders: list[Path] = []

    def add(self, server: TestServer, id: str, **more: Any) -> None:  # noqa: A002
        username = more.pop("username", server.superuser)
        password = more.pop("password", server.password)
        self.instances.append(server.instance(id, **more))
        self.client_folders.append(server.client_folder)
        self.entries.append({"id": id, "username": username, "password": password})

    def test(self, seconds: float = 10) -> list[ConnectionReport]:
        plain, store = self.folder / "plain.json", self.folder / ".secrets" / "credentials.json"
        plain.write_text(json.dumps({"databases": self.entries}))
        configuration = Configuration(
            instances=tuple(self.instances),
            credentials={"file": store},  # type: ignore[arg-type]
            backup={"client_folders": self.client_folders},  # type: ignore[arg-type]
        )
        encrypt(plain, store, configuration, force=True)
        credentials = CredentialStore.load(configuration)
        return connection_tests.test_connections(configuration, credentials, self.instances, timeout_seconds=seconds)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty bench."""
    return Bench(tmp_path)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("kind", ["postgresql_15", "mariadb", "mysql"])
def test_a_healthy_instance_is_one_line(bench: Bench, kind: str, request: pytest.FixtureRequest) -> None:
    """Server with version, TLS state, client, privileges: all proved."""
    server = request.getfixturevalue(kind)
    server.create_database("healthy")
    try:
        bench.add(server, "good", databases=["healthy"])
        (report,) = bench.test()
    finally:
        server.drop_database("healthy")
    assert report.problems == ()
    assert report.ok
    flavour, version = report.server.split()
    assert flavour == server.engine
    assert tuple(map(int, version.split(".")))[:2] == server.version[:2]
    assert "dump" in report.client
    assert (report.databases, report.databases_checked) == (1, 1)
    (line,) = report.lines
    assert line.startswith(f"good: ok: {server.engine} ")
    assert line.endswith("1 database")
    assert len(line) <= 80


def test_the_tls_state_is_what_the_server_says(bench: Bench, mariadb: TestServer) -> None:
    """Protocol and cipher, or that there is none."""
    ssl = {"enabled": True, "ca_cert": mariadb.certificates.ca}
    bench.add(mariadb, "encrypted", host="localhost", ssl=ssl, databases=[])
    bench.add(mariadb, "plain", ssl={"enabled": False}, databases=[])
    encrypted, plain = bench.test()
    assert encrypted.tls.startswith("TLSv1.")
    assert (plain.tls, plain.ok) == ("", True)
    assert "no TLS" in plain.lines[0]


def test_what_fails_fails_alone_and_the_order_is_kept(bench: Bench, postgresql_15: TestServer) -> None:
    """Unreachable, wrong password and no account beside a healthy instance."""
    bench.add(postgresql_15, "wrong-password", password="hunter2hunter2", databases=[])
    bench.add(postgresql_15, "healthy", databases=[])
    bench.add(postgresql_15, "unreachable", host="127.0.0.1", port=1, databases=[])
    bench.add(postgresql_15, "no-account", databases=[])
    del bench.entries[-1]
    reports = bench.test()
    assert [(report.instance, report.ok) for report in reports] == [
        ("wrong-password", False),
        ("healthy", True),
        ("unreachable", False),
        ("no-account", False),
    ]
    assert "has no account for no-account" in reports[3].problems[0]
    assert not [line for report in reports for line in report.lines if "hunter2" in line]


def test_an_instance_that_never_answers_holds_up_nobody(
    bench: Bench, mariadb: TestServer, postgresql_15: TestServer, silent_port: int
) -> None:
    """All share one span of time, so the last could not answer in it if they were asked one after the other."""
    for number in range(10):
        bench.add(mariadb if number % 2 else postgresql_15, f"silent-{number}", port=silent_port, databases=[])
    bench.add(mariadb, "healthy", databases=[])
    reports = bench.test(seconds=4)
    assert [report.ok for report in reports] == [False] * 10 + [True]


def test_a_missing_privilege_is_named_with_the_statement_that_mends_it(bench: Bench, mariadb: TestServer) -> None:
    """An account that sees no triggers would dump none, and say nothing."""
    mariadb.create_database("guarded")
    mariadb.sql("CREATE USER looker@'%' IDENTIFIED BY 'looker-password'")
    mariadb.sql("GRANT SELECT ON guarded.* TO looker@'%'")
    try:
        bench.add(mariadb, "poor", username="looker", password="looker-password", databases=["guarded"])
        (report,) = bench.test()
    finally:
        mariadb.sql("DROP USER looker@'%'")
        mariadb.drop_database("guarded")
    assert not report.ok
    (trigger,) = [problem for problem in report.problems if problem.startswith("guarded: TRIGGER is missing: ")]
    assert "run: GRANT TRIGGER ON" in trigger
    assert trigger in report.privilege_problems
    assert report.tool_problems == ()
    assert report.lines[0].startswith("poor: failed: mariadb ")
    assert len(report.lines) == 1 + len(report.problems)


def test_a_client_older_than_the_server_is_told_as_such(bench: Bench, postgresql_18: PostgresqlServer) -> None:
    """And as nothing that a `GRANT` would mend."""
    bench.add(postgresql_18, "newer", databases=[], users=False)
    bench.client_folders.clear()  # what is left is the distribution's, of an older series
    (report,) = bench.test()
    assert report.client == ""
    assert report.tool_problems == report.problems
    assert len(report.problems) == 1
    assert report.privilege_problems == ()


def test_the_same_privilege_missing_in_many_databases_is_one_problem(
    bench: Bench, postgresql_15: PostgresqlServer
) -> None:
    """Named with the first of them and a count; the statement is the same in each."""
    names = ("guarded_a", "guarded_b")
    for name in names:
        postgresql_15.create_database(name)
        postgresql_15.sql("CREATE TABLE t (a int)", name)
    postgresql_15.sql("CREATE ROLE looker LOGIN PASSWORD 'looker-password'")
    try:
        bench.add(postgresql_15, "poor", username="looker", password="looker-password", databases=list(names))
        (report,) = bench.test()
    finally:
        for name in names:
            postgresql_15.drop_database(name)
        postgresql_15.sql("DROP ROLE looker")
    assert report.databases_checked == 2
    assert [problem for problem in report.problems if problem.startswith("guarded_a and 1 more: ")]


def test_a_database_that_is_listed_and_not_there_is_a_problem(bench: Bench, postgresql_15: TestServer) -> None:
    """A misspelled name would never be backed up."""
    bench.add(postgresql_15, "listed", databases=["no_such_db"])
    (report,) = bench.test()
    assert report.problems == ("no_such_db is listed, but not on the server",)


def test_a_server_of_another_kind_than_configured_is_a_problem(bench: Bench, mariadb: TestServer) -> None:
    """MariaDB answers MySQL's protocol, and its dumps are its own."""
    bench.add(mariadb, "mistaken", type="mysql", databases=[])
    (report,) = bench.test()
    assert "the server is mariadb, but the configuration says type: mysql; correct it" in report.problems


def test_sqlite_files_are_tested_too(bench: Bench, tmp_path: Path) -> None:
    """A file that is no database is a problem of its own."""
    (tmp_path / "broken.db").write_bytes(os.urandom(4096))
    bench.instances.append(Instance(id="files", type="sqlite", path=str(tmp_path / "*.db")))
    (report,) = bench.test()
    assert not report.ok
    assert "broken" in report.lines[1]
