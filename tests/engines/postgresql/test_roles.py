"""Accounts of real servers: hundreds of hostile roles dumped by the product, restored both ways, and compared."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import pytest
from sqlalchemy.exc import ProgrammingError

from tests.drills.conftest import Drills, drills_of, ground, project_with
from tests.engines.postgresql import hostile_roles
from tests.project import Project
from tests.servers import PostgresqlServer, Servers
from vya_backup.decisions.accounts import Account, Kind, Statement, differences, in_order
from vya_backup.engines import accounts_engine
from vya_backup.engines.contract import Access
from vya_backup.engines.postgresql.roles import catalogs
from vya_backup.engines.postgresql.roles.reading import BootstrapAccount
from vya_backup.redaction import Secret
from vya_backup.transport.connections import connect

__all__ = ["drills_of", "ground", "project_with"]
ENGINE = accounts_engine("postgresql")
DATABASES = ("shop", 'Sh\'op "two"')


Pair = tuple[PostgresqlServer, PostgresqlServer]


@pytest.fixture
def pair(servers: Servers, server: PostgresqlServer, two_databases: None) -> Iterator[Pair]:
    """A server with roles, and an empty one of the same version that takes md5 passwords too."""
    empty = servers.fresh(f"postgresql_{server.version[0]}")  # type: ignore[arg-type]
    assert isinstance(empty, PostgresqlServer)
    assert empty.folder
    rules = empty.folder / "data/pg_hba.conf"
    rules.write_text(rules.read_text().replace("scram-sha-256", "md5"))
    empty.sql("SELECT pg_reload_conf()")
    for name in DATABASES:
        empty.create_database(name)
    yield server, empty
    servers.end(empty)


@pytest.fixture
def two_databases(server: PostgresqlServer) -> Iterator[None]:
    """The databases that settings are for; they and all roles are gone afterwards."""
    for name in DATABASES:
        server.create_database(name)
    yield
    hostile_roles.drop_all(server)
    for name in DATABASES:
        server.drop_database(name)


def vendors_word(server: PostgresqlServer) -> str:
    """Return what pg_dumpall says of a server's roles."""
    command = [str(server.client_folder / "pg_dumpall"), "--roles-only", "-h", server.host, "-p", str(server.port)]
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": server.password, "PGUSER": server.superuser}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode()


def roles_of(server: PostgresqlServer) -> list[str]:
    """Return pg_dumpall's own statements about roles, and the settings in databases that it leaves out."""
    # Its lines of restrict hold a random key, and each superuser has a password of its own.
    noise = ("\\restrict", "\\unrestrict", "ALTER ROLE postgres WITH")
    lines = [line for line in vendors_word(server).split("\n") if not line.startswith(noise)]
    more = server.sql(
        """SELECT r.rolname, d.datname, s.setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
        JOIN pg_database d ON d.oid = s.setdatabase ORDER BY 1, 2"""
    )
    return [*lines, *map(str, more)]


def project_of(setup: Drills, server: PostgresqlServer, **more: object) -> Project:
    """Return a project that backs up the accounts of one server."""
    project = setup(main=server, **more)
    configuration = project.folder / "config/config.yaml"
    project.configure(configuration.read_text().replace("users: false", "users: true"))
    return project


def dumped(project: Project) -> Path:
    """Back the accounts up and return the artifact."""
    done = project.run("backup:main/@users")
    assert done.status == 0, done.said
    (path,) = (path for path in project.files("*.sql.gz") if "@users" in str(path))
    return path


@pytest.mark.long_for("postgresql_18")
def test_hundreds_of_hostile_roles_come_back_both_ways(pair: Pair, drills_of: Drills) -> None:
    """By psql and statement by statement, equal by pg_dumpall; and each logs in with its old password."""
    server, empty = pair
    made = hostile_roles.make(server, DATABASES)
    project = project_of(drills_of, server, drill={"instance": "main"})  # which accounts do not take

    path = dumped(project)
    plain = gzip.decompress(path.read_bytes())
    psql(empty, plain)
    assert roles_of(empty) == roles_of(server)
    for name, password in made.passwords.items():
        log_in(empty, name, password)

    hostile_roles.drop_all(empty)
    accounts = [one for one in ENGINE.read(plain.decode()) if not isinstance(one, BootstrapAccount)]
    run(empty, (one for account in accounts for one in account.statements))
    assert roles_of(empty) == roles_of(server)

    for command in ("verify", "drill:main/@users"):
        done = project.run(command)
        assert done.status == 0, done.said
    (drilled,) = project.events("type = 'drilled'")
    assert (drilled["data"]["verdict"], drilled["data"]["compared"]) == ("pass", [ANY])
    flip(path)
    assert project.run("verify").status == 1

    assert {account.name.user for account in accounts} >= set(made.names)  # the server has others' roles too
    assert len(made.names) >= 200
    assert not any(password in str(accounts) for password in made.passwords.values() if len(password) > 20)
    shown = " ".join(one.masked for account in accounts for one in account.statements)
    assert "******" in shown
    assert "SCRAM-SHA-256$" not in shown
    told = "".join(path.read_text() for path in project.files("*.metadata.json"))
    assert "SCRAM-SHA-256$" not in told
    assert "SCRAM-SHA-256$" not in str(project.events())


def test_each_role_is_made_equal_without_being_dropped(server: PostgresqlServer, two_databases: None) -> None:
    """Whatever differs: attributes, password, memberships and their options, settings, comments."""
    hostile_roles.drop_all(server)  # what another test has left would not be there twice
    hostile_roles.make(server, DATABASES, many=len(hostile_roles.NAMES), seed=1)
    wanted, told = accounts_on(server), roles_of(server)
    hostile_roles.drop_all(server)
    hostile_roles.make(server, DATABASES, many=len(hostile_roles.NAMES), seed=2)
    numbers = server.sql("SELECT rolname, oid FROM pg_roles ORDER BY 1")
    live = {account.name: account for account in accounts_on(server)}
    assert len(differences(wanted, live.values())) > 200

    run(server, (one for account in wanted for one in ENGINE.equalize(account, live[account.name])))

    assert differences(wanted, accounts_on(server)) == []
    assert comparable(roles_of(server)) == comparable(told)
    assert server.sql("SELECT rolname, oid FROM pg_roles ORDER BY 1") == numbers
    again = {account.name: account for account in accounts_on(server)}
    left = [one.masked for account in wanted for one in ENGINE.equalize(account, again[account.name])]
    assert all("VALID UNTIL 'infinity'" in text for text in left)


def test_no_hash_gets_into_the_log_of_the_server(postgresql_15: PostgresqlServer, role: Callable[..., str]) -> None:
    """Neither from a statement that is run nor from one that fails; who is no superuser connects all the same."""
    role("poor"), role("gone")
    postgresql_15.sql("ALTER ROLE postgres SET log_statement = 'all'")
    log = postgresql_15.folder / "log" if postgresql_15.folder else Path()
    with connect(ENGINE, postgresql_15.access()) as connection:
        connection.exec_driver_sql("ALTER ROLE gone PASSWORD 'md5 of a secret'")
        with suppress(ProgrammingError):
            connection.exec_driver_sql("ALTER ROLE none_ PASSWORD 'md5 of a third'")
    postgresql_15.sql("SELECT 'this is in the log'")
    postgresql_15.sql("ALTER ROLE postgres RESET log_statement")

    with connect(ENGINE, Access(postgresql_15.instance(), "poor", Secret("other secret"))) as connection:
        assert catalogs.asked(connection, passwords=True).about.passwords is False
    told = log.read_text()

    assert "this is in the log" in told
    assert "md5 of" not in told


def test_roles_of_an_older_server_come_to_a_newer_one_and_back(
    postgresql_15: PostgresqlServer, postgresql_18: PostgresqlServer
) -> None:
    """All of them up; down, what only the newer knows fails and is found before: options of memberships."""
    many = len(hostile_roles.NAMES)
    for name in DATABASES:
        for server in (postgresql_15, postgresql_18):
            server.create_database(name)
    hostile_roles.make(postgresql_15, DATABASES, many=many)
    old = accounts_on(postgresql_15)

    run(postgresql_18, (one for account in old for one in account.statements))
    new = accounts_on(postgresql_18)

    assert differences(old, new) == []
    hostile_roles.drop_all(postgresql_15)
    for account in new:
        run(postgresql_15, (one for one in account.statements if one.kind is not Kind.MEMBERSHIP))
    down = [replace(one, grants=frozenset()) for one in accounts_on(postgresql_15)]
    up = [replace(one, grants=frozenset()) for one in new]
    assert [one for one in differences(up, down) if "member" not in one.words] == []
    for server in (postgresql_15, postgresql_18):
        hostile_roles.drop_all(server)
        for name in DATABASES:
            server.drop_database(name)


def test_a_grantor_stays_one_while_another_takes_its_place(
    postgresql_18: PostgresqlServer,
) -> None:
    """What it granted stands all the while, since it is granted by the new way before the old one is revoked."""
    for name in ("r", "s", "w", "a"):
        postgresql_18.sql(f"CREATE ROLE {name}")
    chain = ("GRANT r TO w WITH ADMIN OPTION", "GRANT r TO s WITH ADMIN OPTION GRANTED BY w")
    last = "GRANT r TO a GRANTED BY s"
    for statement in (*chain, last):
        postgresql_18.sql(statement)
    wanted = accounts_on(postgresql_18)
    for statement in ("REVOKE r FROM w CASCADE", "GRANT r TO s WITH ADMIN OPTION", last):
        postgresql_18.sql(statement)
    live = {account.name: account for account in accounts_on(postgresql_18)}

    run(postgresql_18, (one for account in wanted for one in ENGINE.equalize(account, live[account.name])))

    assert differences(wanted, accounts_on(postgresql_18)) == []
    hostile_roles.drop_all(postgresql_18)


def comparable(lines: list[str]) -> list[str]:
    """Leave out what no statement can change: an endless expiry, which means none."""
    return "\n".join(lines).replace(" VALID UNTIL 'infinity'", "").split("\n")


def accounts_on(server: PostgresqlServer) -> list[Account]:
    """Return the roles of a server, but for its superuser, in the order of a dump."""
    with connect(ENGINE, server.access()) as connection:
        text = vendors_word(server) + catalogs.settings_part(connection)
    return [one for one in ENGINE.read(text) if not isinstance(one, BootstrapAccount)]


def run(server: PostgresqlServer, statements: Iterable[Statement]) -> None:
    """Run statements one by one, in their order."""
    with server.connect() as connection:
        for statement in in_order(statements):
            connection.execute(statement.text.encode())


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def psql(server: PostgresqlServer, script: bytes) -> None:
    """Feed a script to psql as a person would: it goes on after `role "postgres" already exists`, the only error."""
    command = [str(server.client_folder / "psql"), "-X", "-q", "-h", server.host, "-p", str(server.port), "postgres"]
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": server.password, "PGUSER": server.superuser}
    done = subprocess.run(command, input=script, env=environment, capture_output=True, check=True)
    errors = [line for line in done.stderr.decode().splitlines() if "ERROR" in line]
    assert [line.split("ERROR:  ")[1] for line in errors] == ['role "postgres" already exists']


def log_in(server: PostgresqlServer, name: str, password: str) -> None:
    """Open a connection of this role."""
    with server.connect(user=name, password=password, sslmode="disable") as connection:
        assert connection.execute("SELECT current_user").fetchone() == (name,)
