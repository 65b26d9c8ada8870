"""Restores that are refused before their first byte, or fail in the middle: what was there stays as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import build, rows_of, wait_for
from tests.project import Outcome, Project
from tests.servers import MySqlServer, PostgresqlServer, Servers, TestServer

FAMILY = ["mariadb", "mysql"]


def refused(project: Project, *words: str) -> Outcome:
    """Run a restore that must be refused, and see that it began nothing."""
    done = project.run(*words)
    assert done.status == 1, done.said
    assert "nothing was touched" in done.said
    assert "restore_started" not in project.types()
    return Outcome(done.status, " ".join(done.out.split()), " ".join(done.err.split()))


@pytest.fixture(params=FAMILY)
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[MySqlServer]:
    """MariaDB and MySQL with a small database."""
    server = servers.shared(request.param)
    assert isinstance(server, MySqlServer)
    build(server)
    yield server
    for name in ("shop", "copy", "pulse"):
        server.drop_database(name)


@pytest.mark.parametrize("name", ["mysql", "sys", "information_schema", "x" * 65, "shop "])
def test_a_server_keeps_its_own_databases_and_takes_no_impossible_name(
    server: MySqlServer, project_with: Setup, name: str
) -> None:
    """Whatever force is said: without them it is lost; and a dry run promises nothing that cannot be."""
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0

    done = refused(project, "restore:shop", "--to", name, "--force", "--dry-run")

    assert f"{name} is the server's own database" in done.said or "the server takes no name" in done.said


@pytest.mark.parametrize("name", ["template1", "postgres", "x" * 64])
def test_postgresql_keeps_its_own_databases_and_cuts_no_name(servers: Servers, project_with: Setup, name: str) -> None:
    """A name that the server would cut is another database than the one that is told."""
    server = servers.shared("postgresql_15")
    server.create_database("shop")
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0

    done = refused(project, "restore:shop", "--to", name, "--force", "--dry-run")

    assert "is the server's own database" in done.said or "PostgreSQL would cut it to 63" in done.said
    server.drop_database("shop")


def test_a_missing_definer_is_found_before_the_first_byte(server: MySqlServer, project_with: Setup) -> None:
    """An account that may not create objects for others is refused, told the privilege, and with it succeeds."""
    server.sql("CREATE USER IF NOT EXISTS ghost@localhost")
    server.sql("CREATE DEFINER = ghost@localhost VIEW names AS SELECT name FROM customers", "shop")
    server.sql("GRANT SELECT ON shop.* TO ghost@localhost")
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    server.drop_database("shop")
    server.sql("DROP USER ghost@localhost")
    _restorer(server, project)

    done = refused(project, "restore:shop")

    assert "ghost@localhost" in done.said
    assert "shop" not in server.databases()
    for statement in _granted(done.said):
        server.sql(statement)
    if server.engine == "mysql":  # says so in its own words: what it needs beside is asked for next
        server.sql("GRANT ALLOW_NONEXISTENT_DEFINER ON *.* TO restorer@localhost")
    assert project.run("restore:shop").status == 0
    assert len(rows_of(server)) == 3
    server.sql("DROP USER restorer@localhost")


def _restorer(server: MySqlServer, project: Project) -> None:
    """Make an account for restores alone, with rights on the database and on what a restore makes beside it."""
    server.sql("DROP USER IF EXISTS restorer@localhost")
    server.sql("CREATE USER restorer@localhost IDENTIFIED BY 'secret'")
    server.sql("GRANT ALL ON shop.* TO restorer@localhost")
    server.sql(r"GRANT ALL ON `vya\_%`.* TO restorer@localhost")
    server.sql("GRANT SELECT ON mysql.* TO restorer@localhost")
    entries = [
        {"id": "source", "username": server.superuser, "password": server.password, "purpose": "backup"},
        {"id": "source", "username": "restorer", "password": "secret", "purpose": "restore"},
    ]
    plain = project.folder / "plain.json"
    plain.write_text(json.dumps({"version": "1.0", "databases": entries}))
    assert project.run("credentials", "encrypt", "--input", str(plain), "--force").status == 0


def _granted(said: str) -> list[str]:
    return re.findall(r"GRANT [A-Z_ ]+ ON \*\.\* TO [`'\w]+@[`'\w]+", said)


def test_an_event_of_a_copy_never_writes_into_the_live_database(server: MySqlServer, project_with: Setup) -> None:
    """The scheduler is on, the event's body names the original: in the copy it sleeps, and its body is listed."""
    body = "INSERT INTO shop.orders SELECT MAX(id) + 1, 1 FROM shop.orders"
    server.sql(f"CREATE EVENT every_second ON SCHEDULE EVERY 1 SECOND DO {body}", "shop")
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    server.sql("DROP EVENT every_second", "shop")
    before = server.sql("SELECT count(*) FROM orders", "shop")

    done = project.run("restore:shop", "--to", "copy")
    _two_seconds_of(server)

    assert done.status == 0, done.said
    assert "event every_second names shop in its text" in " ".join(done.said.split())
    assert server.sql("SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'copy'") == [
        ("every_second", "DISABLED")
    ]
    assert server.sql("SELECT count(*) FROM orders", "shop") == before


def _two_seconds_of(server: MySqlServer) -> None:
    """Wait until the server's scheduler has run another event twice."""
    server.create_database("pulse")
    server.sql("CREATE TABLE beats (at datetime)", "pulse")
    server.sql("CREATE EVENT beat ON SCHEDULE EVERY 1 SECOND DO INSERT INTO pulse.beats VALUES (NOW())", "pulse")
    wait_for(lambda: server.sql("SELECT count(*) FROM beats", "pulse")[0][0] >= 3)


def test_a_missing_extension_and_a_missing_owner_are_found_before_the_first_byte(
    postgresql_18: PostgresqlServer, project_with: Setup
) -> None:
    """Both are named in one refusal; once they are there the same command succeeds."""
    server = postgresql_18
    assert server.folder is not None
    extensions = _own_extension(server)
    build(server)
    server.sql("CREATE ROLE ghost")
    server.sql("CREATE EXTENSION lantern; ALTER TABLE customers OWNER TO ghost", "shop")
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    server.drop_database("shop")
    server.sql("DROP ROLE ghost")
    _extensions_from(server, "$system")

    done = refused(project, "restore:shop")

    assert "lantern" in done.said
    assert "CREATE ROLE ghost" in done.said.replace('"', "")
    server.sql("CREATE ROLE ghost")
    _extensions_from(server, extensions)
    assert project.run("restore:shop").status == 0
    server.drop_database("shop")
    server.sql("DROP ROLE ghost")
    _extensions_from(server, "$system")


def _own_extension(server: PostgresqlServer) -> str:
    """Install an extension of our own beside the server's, and return the path that finds both."""
    assert server.folder is not None
    folder = server.folder / "share/extension"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lantern.control").write_text("default_version = '1'\n")
    (folder / "lantern--1.sql").write_text("CREATE FUNCTION light() RETURNS int LANGUAGE sql AS 'SELECT 1';\n")
    for path in (folder.parent, folder, *folder.iterdir()):
        path.chmod(0o755)
    path = f"$system:{folder.parent}"
    _extensions_from(server, path)
    return path


def _extensions_from(server: PostgresqlServer, path: str) -> None:
    server.sql(f"ALTER SYSTEM SET extension_control_path = '{path}'")
    server.sql("SELECT pg_reload_conf()")
    wait_for(lambda: server.sql("SHOW extension_control_path") == [(path,)])


def test_a_standby_is_backed_up_and_is_no_target(fresh_server: Callable[..., Any], project_with: Setup) -> None:
    """A backup from the standby goes back to its primary only."""
    primary = fresh_server("postgresql_15")
    build(primary)
    standby = fresh_server("postgresql_15", follows=primary)
    project = project_with(standby=standby, primary=primary)
    assert project.run("backup", "--instance", "standby").status == 0

    done = refused(project, "restore:standby/shop", "--force")
    primary.drop_database("shop")

    assert "standby" in done.said
    assert project.run("restore:standby/shop", "--target-instance", "primary").status == 0
    assert len(rows_of(primary)) == 3


def test_a_read_only_server_is_no_target(mariadb: MySqlServer, project_with: Setup) -> None:
    """`read_only` says that another server is the one to write to, also for root, whom it would not stop."""
    build(mariadb)
    project = project_with(source=mariadb)
    assert project.run("backup", "--database", "shop").status == 0
    mariadb.sql("SET GLOBAL read_only = ON")

    done = refused(project, "restore:shop", "--force")

    assert "read only" in done.said
    mariadb.sql("SET GLOBAL read_only = OFF")
    assert project.run("restore:shop", "--force").status == 0
    mariadb.drop_database("shop")


@pytest.mark.parametrize("kind", ["postgresql_15", "mariadb"])
def test_a_load_that_fails_in_its_middle_leaves_the_old_database(
    kind: str, servers: Servers, project_with: Setup
) -> None:
    """A CHECK that refuses its own rows: a failure, no staging database left, the live rows as they were."""
    server = servers.shared(kind)
    build(server)
    _refuse_own_rows(server)
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    server.sql("UPDATE customers SET name = 'changed later'", "shop")
    names = server.databases()

    over_itself = project.run("restore:shop", "--force")
    beside = project.run("restore:shop", "--to", "copy")

    assert (over_itself.status, beside.status) == (1, 1), over_itself.said + beside.said
    assert project.types().count("restore_failed") == 2
    assert "restored" not in project.types()
    assert "is as it was before" in over_itself.said
    assert server.databases() == names
    assert {name for _id, name in rows_of(server)} == {"changed later"}
    server.drop_database("shop")


def _refuse_own_rows(server: TestServer) -> None:
    if isinstance(server, PostgresqlServer):
        has_orders = "EXISTS (SELECT FROM public.orders)"  # which is loaded later than the customers
        server.sql(f"CREATE FUNCTION busy() RETURNS bool LANGUAGE sql AS 'SELECT {has_orders}'", "shop")
        server.sql("ALTER TABLE customers ADD CHECK (public.busy())", "shop")
        return
    server.load(
        """CREATE TABLE picky (a int CHECK (a > 0));
        SET check_constraint_checks = 0; INSERT INTO picky VALUES (-1);""",
        "shop",
    )
