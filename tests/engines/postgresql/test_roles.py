"""Accounts of real servers: hundreds of hostile roles dumped by the product, restored both ways, and compared."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.conftest import Setup, project_with  # noqa: F401  a fixture
from tests.engines.postgresql import hostile_roles
from tests.project import Project
from tests.servers import PostgresqlServer, Servers
from vya_backup.decisions.accounts import differences, in_order
from vya_backup.engines import accounts_engine
from vya_backup.engines.postgresql.roles.reading import BootstrapAccount

DATABASES = ("shop", 'Sh\'op "two"')


@pytest.fixture
def pair(request: pytest.FixtureRequest, servers: Servers, server: PostgresqlServer):  # noqa: ANN201
    """A server with roles, and an empty one of the same version that takes md5 passwords too."""
    empty = servers.fresh(f"postgresql_{server.version[0]}")  # type: ignore[arg-type]
    assert isinstance(empty, PostgresqlServer)
    rules = empty.folder / "data/pg_hba.conf"
    rules.write_text(rules.read_text().replace("scram-sha-256", "md5"))
    empty.sql("SELECT pg_reload_conf()")
    for name in DATABASES:
        server.create_database(name)
        empty.create_database(name)
    yield server, empty
    servers.end(empty)
    hostile_roles.drop_all(server)
    for name in DATABASES:
        server.drop_database(name)


def roles_of(server: PostgresqlServer) -> list[str]:
    """Return pg_dumpall's own statements about roles, and the settings in databases that it leaves out."""
    command = [str(server.client_folder / "pg_dumpall"), "--roles-only", "-h", server.host, "-p", str(server.port)]
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": server.password, "PGUSER": server.superuser}
    told = subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode()
    lines = [line for line in told.split("\n") if not line.startswith(("\\restrict", "\\unrestrict"))]
    lines = [line for line in lines if not line.startswith("ALTER ROLE postgres WITH")]  # each has its own password
    more = server.sql(
        """SELECT r.rolname, d.datname, s.setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
        JOIN pg_database d ON d.oid = s.setdatabase ORDER BY 1, 2"""
    )
    return [*lines, *map(str, more)]


def project_of(setup: Setup, server: PostgresqlServer) -> Project:
    """Return a project that backs up the accounts of one server."""
    project = setup(main=server)
    configuration = project.folder / "config/config.yaml"
    project.configure(configuration.read_text().replace("users: false", "users: true"))
    return project


def dumped(project: Project) -> Path:
    """Back the accounts up and return the artifact."""
    done = project.run("backup:main/@users")
    assert done.status == 0, done.said
    (path,) = (path for path in project.files("*.sql.gz") if "@users" in str(path))
    return path


def test_hundreds_of_hostile_roles_come_back_both_ways(
    pair: tuple[PostgresqlServer, PostgresqlServer],
    project_with: Setup,  # noqa: F811
) -> None:
    """By psql and statement by statement, equal by pg_dumpall; and each logs in with its old password."""
    server, empty = pair
    made = hostile_roles.make(server, DATABASES)
    project = project_of(project_with, server)

    plain = gzip.decompress(dumped(project).read_bytes())
    psql(empty, plain)
    assert roles_of(empty) == roles_of(server)
    for name, password in made.passwords.items():
        log_in(empty, name, password)

    hostile_roles.drop_all(empty)
    engine = accounts_engine("postgresql")
    accounts = [one for one in engine.read(plain.decode()) if not isinstance(one, BootstrapAccount)]
    with empty.connect() as connection:
        for statement in in_order(one for account in accounts for one in account.statements):
            connection.execute(statement.text.encode())

    assert len(accounts) == len(made.names) >= 200
    assert roles_of(empty) == roles_of(server)
    assert not any(password in str(accounts) for password in made.passwords.values() if len(password) > 20)
    shown = " ".join(one.masked for account in accounts for one in account.statements)
    assert "******" in shown
    assert "SCRAM-SHA-256$" not in shown
    told = "".join(path.read_text() for path in project.files("*.metadata.json"))
    assert "SCRAM-SHA-256$" not in told
    assert "SCRAM-SHA-256$" not in str(project.events())


def psql(server: PostgresqlServer, script: bytes) -> None:
    """Feed a script to psql as a person would: it goes on after `role "postgres" already exists`, the only error."""
    command = [str(server.client_folder / "psql"), "-X", "-q", "-h", server.host, "-p", str(server.port), "postgres"]
    # What the dump says of the other server's superuser is not wanted here: this test goes on working with it.
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": server.password, "PGUSER": server.superuser}
    done = subprocess.run(command, input=script, env=environment, capture_output=True, check=True)
    errors = [line for line in done.stderr.decode().splitlines() if "ERROR" in line]
    assert [line.split("ERROR:  ")[1] for line in errors] == ['role "postgres" already exists']


def log_in(server: PostgresqlServer, name: str, password: str) -> None:
    """Open a connection of this role."""
    with server.connect(user=name, password=password, sslmode="disable") as connection:
        assert connection.execute("SELECT current_user").fetchone() == (name,)
    assert psycopg
