"""A PostgreSQL test server: fast, with logical WAL, prepared transactions, TLS, and a password on every way in."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg import sql as quoting

from tests.servers.base import PASSWORD, Runner, TestServer
from tests.servers.binaries import Binaries
from tests.servers.daemon import Daemon, free_port, give, run_as, unprivileged
from tests.servers.tls import Certificates
from vya_backup.settings.model import EngineName

SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "logical",
    "max_prepared_transactions": "8",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "ssl": "on",
}
SYSTEM = ("postgres", "template0", "template1")


class PostgresqlServer(TestServer):
    """One PostgreSQL; `socket` is the folder that libpq takes as a host."""

    superuser: ClassVar[str] = "postgres"
    engine: EngineName = "postgresql"

    def connect(self, database: str | None = None, **more: Any) -> psycopg.Connection[Any]:
        """Open a connection as superuser, autocommit; `more` overrides (user, password, host …)."""
        settings: dict[str, Any] = {"host": self.host, "port": self.port, "user": self.superuser}
        settings |= {"password": self.password, "dbname": database or "postgres", "connect_timeout": 10}
        return psycopg.connect(autocommit=True, **(settings | more))

    def is_ready(self) -> bool:
        """Say whether the server accepts connections now."""
        try:
            with self.connect() as connection:
                self.version = divided(connection.info.server_version)
        except psycopg.OperationalError:
            return False
        return True

    def sql(
        self, statement: str, database: str | None = None, *, parameters: Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run a statement as superuser, committed at once; return its rows, if it has any."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def load(self, script: str | bytes, database: str | None = None) -> None:
        """Feed a script to psql, which stops at the first error (CalledProcessError)."""
        text = script.encode() if isinstance(script, str) else script
        target = (database or "postgres").replace("\\", "\\\\").replace("'", "\\'")
        address = f"host='{self.host}' port={self.port} user={self.superuser} dbname='{target}'"
        command = [str(self.client_folder / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", address]
        environment = {"PATH": os.environ["PATH"], "PGPASSWORD": self.password, "PGCLIENTENCODING": "UTF8"}
        subprocess.run(command, input=text, env=environment, check=True, stdout=subprocess.DEVNULL)

    def databases(self) -> list[str]:
        """List all databases but the server's own."""
        rows = self.sql("SELECT datname FROM pg_database WHERE datname <> ALL (%s)", parameters=[list(SYSTEM)])
        return sorted(name for (name,) in rows)

    def create_database(self, name: str) -> None:
        """Create an empty database of any name, from template0."""
        self.sql(quoting.SQL("CREATE DATABASE {} TEMPLATE template0").format(quoting.Identifier(name)).as_string())

    def drop_database(self, name: str) -> None:
        """Drop a database, if it is there, whoever is connected."""
        self.sql(quoting.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoting.Identifier(name)).as_string())


def divided(number: int) -> tuple[int, int]:
    """Turn PostgreSQL's version number into a tuple: 150020 is (15, 20)."""
    return number // 10_000, number % 10_000


def start_postgresql(
    binaries: Binaries, folder: Path, certificates: Certificates, *, settings: dict[str, str], password: str = PASSWORD
) -> PostgresqlServer:
    """Make a cluster in `folder` and start it; `settings` override the ones of postgresql.conf."""
    user = unprivileged("postgres")
    data = _prepared(folder, user)
    secret = folder / "password"
    secret.write_text(password)
    give(secret, user)
    options = ["-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync"]
    run_as(user, binaries.command("initdb", *options, f"--pwfile={secret}"), folder / "log")
    return _run(binaries, folder, certificates, settings=settings, password=password)


def start_standby(primary: PostgresqlServer, binaries: Binaries, folder: Path) -> PostgresqlServer:
    """Copy the primary with pg_basebackup and start the copy as a hot standby that follows it."""
    user = unprivileged("postgres")
    data = _prepared(folder, user)
    address = f"host={primary.host} port={primary.port} user={primary.superuser}"
    passfile = folder / "pgpass"
    escaped = primary.password.replace("\\", "\\\\").replace(":", "\\:")
    passfile.write_text(f"*:*:*:*:{escaped}\n")
    passfile.chmod(0o600)
    give(passfile, user)
    address += f" passfile={passfile}"
    options = ["-D", str(data), "-R", "-X", "stream", "--checkpoint=fast", "-d", address]
    run_as(user, binaries.command("pg_basebackup", *options), folder / "log")
    return _run(binaries, folder, primary.certificates, settings={}, password=primary.password)


def _prepared(folder: Path, user: str) -> Path:
    """Make the folders of one server and return the one for its data."""
    data = folder / "data"
    for path in (data, folder / "run"):
        path.mkdir(mode=0o700)
        give(path, user)
    (folder / "run").chmod(0o755)
    give(folder, user)
    return data


def _run(
    binaries: Binaries, folder: Path, certificates: Certificates, *, settings: dict[str, str], password: str
) -> PostgresqlServer:
    user, port, run = unprivileged("postgres"), free_port(), folder / "run"
    key = folder / "server.key"
    key.write_bytes(certificates.key.read_bytes())
    key.chmod(0o600)
    give(key, user)
    files = {"ssl_cert_file": str(certificates.certificate), "ssl_key_file": str(key)}
    every = SETTINGS | files | {"port": str(port), "unix_socket_directories": str(run)} | settings
    arguments = [word for name, value in every.items() for word in ("-c", f"{name}={value}")]
    command = binaries.command("postgres", "-D", str(folder / "data"), *arguments)
    daemon = Daemon(command, user, folder / "log", stop_signal=signal.SIGINT, death_signal="QUIT")
    return started(daemon, folder, port, binaries, certificates, password)


def started(
    runner: Runner, folder: Path, port: int, binaries: Binaries, certificates: Certificates, password: str
) -> PostgresqlServer:
    """Start the runner and return its server, ready for connections."""
    server = PostgresqlServer(
        runner, host="127.0.0.1", port=port, client_folder=binaries.client_folder, certificates=certificates
    )
    server.folder, server.socket, server.password = folder, folder / "run", password
    server.start()
    return server
