"""Backups that are refused: wrong password, missing privilege, old client, no room. Each says what mends it."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Setup, encrypt
from tests.acceptance.trouble import build, change, failures, in_namespace, life, rows_of
from tests.project import CONFIGURATION, Project, new_project
from tests.servers import PostgresqlServer, Servers, TestServer

WRONG = "n0t the p@ssword: 100%"
NEVER_AGAIN = {"retry_wait_seconds": 3600}
"""With this, a run that tries again does not end within the test's patience."""
MOST_GRANTS = 8


@pytest.fixture(params=["postgresql_15", "mariadb", "mysql"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[TestServer]:
    """One server of each flavour with a small database."""
    found = servers.shared(request.param)
    build(found)
    yield found
    found.drop_database("shop")


def test_a_wrong_password_is_told_once_and_never_tried_again(server: TestServer, project_with: Setup) -> None:
    """A `discovery_failed` with the code `login`; the right password then needs nothing else."""
    project = project_with(source=server, settings=NEVER_AGAIN)
    encrypt(project, {"source": (server.superuser, WRONG)})

    done = project.run("backup")

    assert done.status == 1
    assert "password" in done.said
    assert [event["data"]["code"] for event in project.events("type = 'discovery_failed'")] == ["login"]
    assert project.files() == []
    encrypt(project, {"source": (server.superuser, server.password)})
    assert project.run("backup", "--database", "shop").status == 0


def test_each_missing_privilege_is_named_with_the_grant_that_mends_it(server: TestServer, project_with: Setup) -> None:
    """Running exactly the statements that are printed, one failed run after the other, leads to a good backup."""
    project = project_with(source=server, settings=NEVER_AGAIN)
    with account(server, "keeper") as user:
        encrypt(project, {"source": (user, server.password)})
        granted = _granted_until_it_works(project, server)

    assert granted
    assert set(failures(project)) == {"privilege"}
    assert life(project)[-3:] == ["started", "dumped", "checksummed"]


def _granted_until_it_works(project: Project, server: TestServer) -> list[str]:
    granted: list[str] = []
    while (done := project.run("backup", "--database", "shop")).status:
        hint = project.events("type = 'failed'")[-1]["data"]["hint"]
        assert hint, done.said
        statement = hint.removeprefix("Run on the server: ")
        assert statement in re.sub(r"\s*\n\s*", " ", done.said)
        assert statement not in granted, done.said
        assert len(granted) < MOST_GRANTS
        server.sql(statement, "shop")
        granted.append(statement)
    return granted


@contextlib.contextmanager
def account(server: TestServer, user: str) -> Iterator[str]:
    """Make an account that may log in and see that the database is there, and nothing else."""
    password = server.password.replace("'", "''")
    if isinstance(server, PostgresqlServer):
        make = f"CREATE ROLE {user} LOGIN PASSWORD '{password}'"
        end = f"DROP OWNED BY {user}; DROP ROLE {user}"
        server.sql("CREATE SCHEMA hidden; CREATE TABLE hidden.t (id serial)", "shop")
    else:
        escaped = password.replace("\\", "\\\\")
        make = f"CREATE USER {user}@localhost IDENTIFIED BY '{escaped}'"
        end = f"DROP USER {user}@localhost"
    server.sql(make)
    if server.engine != "postgresql":
        server.sql(f"GRANT INSERT ON shop.* TO {user}@localhost")
    try:
        yield user
    finally:
        server.sql(end, "shop")


def test_a_client_older_than_the_server_is_refused_before_the_dump(
    postgresql_15: PostgresqlServer, postgresql_18: PostgresqlServer, project_with: Setup, tmp_path: Path
) -> None:
    """Where only PostgreSQL 15's programs can be reached, 18 is not dumped; the package that helps is named."""
    build(postgresql_18)
    project = project_with(source=postgresql_18)
    only = tmp_path / "only"
    only.mkdir()
    change(project, backup={"client_folders": [str(only)]})
    hide = """mount --bind "$1" "$2" && { [ ! -d /usr/lib/postgresql ] || mount -t tmpfs none /usr/lib/postgresql; }
        exec "$VYA" backup"""

    done = in_namespace(project, hide, str(postgresql_15.client_folder), str(only))

    assert done.status == 1, done.said
    assert "postgresql-client-18" in done.said
    assert set(failures(project)) == {"tool"}  # of each database that the server holds
    assert life(project) == ["failed"]
    assert project.run("backup", "--database", "shop").status == 1
    change(project, backup={"client_folders": [str(postgresql_18.client_folder)]})
    assert project.run("backup", "--database", "shop").status == 0
    postgresql_18.drop_database("shop")


@pytest.fixture
def grown(tmp_path: Path) -> Project:
    """A small database, backed up, that has since grown by 3 MB of noise: more than its last dump lets expect."""
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (v blob)")
    assert project.run("backup").status == 0
    project.execute("shop", "INSERT INTO t VALUES (randomblob(3000000))")
    return project


def test_a_disk_that_fills_up_in_mid_dump_fails_the_dump_and_is_left_clean(grown: Project) -> None:
    """A file system of 1 MB: a clear failure, and not even a hidden file stays on it."""
    script = """mount -t tmpfs -o size=1m none backups && "$VYA" backup --force; status=$?
        find backups -type f -not -path "*/@catalog/*"; exit $status"""

    done = in_namespace(grown, script)

    assert done.status == 1
    assert "No space left on device" in done.said
    assert "backups/" not in done.out.splitlines()[-1]
    assert failures(grown) == ["space"]
    assert grown.run("backup", "--force").status == 0


def test_a_disk_that_is_too_small_is_found_before_the_dump(tmp_path: Path) -> None:
    """The server's own figure of its size is enough to know it."""
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (v blob)", "INSERT INTO t VALUES (randomblob(3000000))")
    (tmp_path / "backups").mkdir()

    done = in_namespace(project, 'mount -t tmpfs -o size=1m none backups && "$VYA" backup')

    assert done.status == 1
    assert failures(project) == ["space"]
    assert life(project) == ["failed"]


def test_the_configured_share_of_the_disk_stays_free(tmp_path: Path) -> None:
    """`min_free_percent` refuses a dump that would fit, before its first byte."""
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (v blob)", "INSERT INTO t VALUES (randomblob(600000))")
    (tmp_path / "backups").mkdir()
    change(project, storage={"min_free_percent": 90})
    script = 'mount -t tmpfs -o size=4m none backups && "$VYA" backup'

    refused = in_namespace(project, script)
    change(project, storage={"min_free_percent": 50})
    taken = in_namespace(project, script)

    assert refused.status == 1
    assert failures(project) == ["space"]
    assert taken.status == 0, taken.said


@pytest.mark.parametrize("kind", ["postgresql_15", "mariadb"])
def test_names_that_differ_by_case_alone_never_meet(kind: str, servers: Servers, project_with: Setup) -> None:
    """Also on a file system that does not tell them apart; each comes back as itself."""
    server = servers.shared(kind)
    for name in ("Shop", "shop"):
        build(server, name)
        server.sql(f"DELETE FROM customers WHERE id {'=' if name == 'Shop' else '<>'} 2", name)
    project = project_with(source=server)
    assert project.run("backup", "--database", "Shop,shop").status == 0
    paths = [str(path) for path in project.files("*_full.sql.gz")]
    for name in ("Shop", "shop"):
        server.drop_database(name)

    assert len({path.casefold() for path in paths}) == 2
    assert project.run("restore:Shop").status == 0
    assert project.run("restore:shop").status == 0
    assert [row[0] for row in rows_of(server, "Shop")] == [1, 3]
    assert [row[0] for row in rows_of(server, "shop")] == [2]
    for name in ("Shop", "shop"):
        server.drop_database(name)


def test_a_file_name_that_somebody_else_took_stays_theirs(tmp_path: Path) -> None:
    """The backup gets a number; what lay there is not touched."""
    project = new_project(tmp_path, CONFIGURATION.replace("backups}", "backups, file_naming: {datetime_format: '%Y'}}"))
    project.execute("shop", "CREATE TABLE t (v int)")
    assert project.run("backup").status == 0
    (mine,) = project.files("*_full.db.gz")
    project.execute("shop", "INSERT INTO t VALUES (1)")
    before = mine.read_bytes()

    assert project.run("backup", "--force").status == 0

    assert mine.read_bytes() == before
    assert [path.name.removeprefix("shop_2")[4:] for path in project.files("*.db.gz")] == ["full-2.db.gz", "full.db.gz"]
    with contextlib.closing(sqlite3.connect(tmp_path / "catalog/catalog.db")) as catalog:
        assert catalog.execute("SELECT count(DISTINCT path) FROM backups WHERE state = 'good'").fetchone() == (2,)
