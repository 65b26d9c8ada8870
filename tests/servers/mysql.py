"""A MySQL or MariaDB test server: event scheduler on, binary log on, `log_bin_trust_function_creators` off, TLS on."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pymysql

from tests.servers.base import PASSWORD, Runner, TestServer
from tests.servers.binaries import Binaries
from tests.servers.daemon import Daemon, free_port, give, run_as, unprivileged
from tests.servers.tls import Certificates

Flavour = Literal["mysql", "mariadb"]
CLIENTS: dict[Flavour, str] = {"mysql": "mysql", "mariadb": "mariadb"}
SETTINGS = {
    "event-scheduler": "ON",
    "log-bin": "binlog",
    "log-bin-trust-function-creators": "0",
    "sync-binlog": "0",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-buffer-pool-size": "128M",
    "innodb-doublewrite": "0",
    "max-allowed-packet": "64M",
    "bind-address": "127.0.0.1",
}
OWN: dict[Flavour, dict[str, str]] = {
    "mysql": {"mysqlx": "OFF", "secure-file-priv": ""},
    "mariadb": {"gtid-strict-mode": "ON"},
}
SYSTEM = ("information_schema", "performance_schema", "mysql", "sys")


class MySqlServer(TestServer):
    """One MySQL or MariaDB; `socket` is the file that its clients take."""

    superuser: ClassVar[str] = "root"

    def __init__(
        self, runner: Runner, flavour: Flavour, *, port: int, client_folder: Path, certificates: Certificates
    ) -> None:
        super().__init__(runner, host="127.0.0.1", port=port, client_folder=client_folder, certificates=certificates)
        self.engine = flavour

    def connect(self, database: str | None = None, **more: Any) -> pymysql.Connection[Any]:
        """Open a connection as superuser, autocommit, utf8mb4; `more` overrides (user, password, host …)."""
        settings: dict[str, Any] = {"host": self.host, "port": self.port, "user": self.superuser}
        settings |= {"password": self.password, "database": database, "charset": "utf8mb4", "connect_timeout": 10}
        plain = {} if more.keys() & {"ssl", "ssl_ca"} else {"ssl_disabled": True}  # TLS of no use costs 20 ms each time
        return pymysql.connect(autocommit=True, **(settings | plain | more))

    def is_ready(self) -> bool:
        """Say whether the server accepts connections now."""
        try:
            connection = self.connect()
        except pymysql.OperationalError as error:
            if error.args[0] == 1045:  # the account is there, the password is not: waiting would hide it
                raise
            return False
        with connection:
            banner = str(connection.get_server_info())
        self.version = tuple(int(part) for part in banner.removeprefix("5.5.5-").split("-")[0].split("."))
        return True

    def sql(
        self, statement: str, database: str | None = None, *, parameters: Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run a statement as superuser, committed at once; return its rows, if it has any."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    def load(self, script: str | bytes, database: str | None = None) -> None:
        """Feed a script to mysql or mariadb, which stops at the first error (CalledProcessError)."""
        text = script.encode() if isinstance(script, str) else script
        program = str(self.client_folder / CLIENTS[self.engine_flavour])
        where = [f"--database={database}"] if database else []
        command = [program, f"--defaults-file={self.option_file()}", "--default-character-set=utf8mb4", "--comments"]
        subprocess.run([*command, *where], input=text, check=True, stdout=subprocess.DEVNULL)

    @property
    def engine_flavour(self) -> Flavour:
        """Return which of the two this is."""
        return "mariadb" if self.engine == "mariadb" else "mysql"

    def option_file(self) -> Path:
        """Write the superuser's option file for the server's own clients, and return its path."""
        assert self.folder is not None
        escaped = self.password.replace("\\", "\\\\").replace('"', '\\"')
        path = self.folder / "client.cnf"
        path.touch(mode=0o600)
        lines = [
            "[client]",
            f"user={self.superuser}",
            f'password="{escaped}"',
            f"host={self.host}",
            f"port={self.port}",
        ]
        path.write_text("\n".join(lines) + "\n")
        return path

    def databases(self) -> list[str]:
        """List all databases but the server's own."""
        return sorted(name for (name,) in self.sql("SHOW DATABASES") if name not in SYSTEM)

    def create_database(self, name: str) -> None:
        """Create an empty database of any name, utf8mb4."""
        self.sql(f"CREATE DATABASE {quoted(name)} CHARACTER SET utf8mb4")

    def drop_database(self, name: str) -> None:
        """Drop a database, if it is there, whoever is connected."""
        self.sql(f"DROP DATABASE IF EXISTS {quoted(name)}")


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return "`" + name.replace("`", "``") + "`"


def start_mysql(
    flavour: Flavour,
    binaries: Binaries,
    folder: Path,
    certificates: Certificates,
    *,
    settings: dict[str, str],
    password: str = PASSWORD,
) -> MySqlServer:
    """Make a data folder and start a server on it; `settings` override its options."""
    user, data, run = unprivileged("mysql"), folder / "data", folder / "run"
    for path in (data, run):
        path.mkdir(mode=0o700)
        give(path, user)
    run.chmod(0o755)
    give(folder, user)
    _initialise(flavour, binaries, data, user)
    port = free_port()
    every = SETTINGS | OWN[flavour] | _files(binaries, data, run, certificates, user)
    every |= {"port": str(port), "server-id": str(port)} | settings
    arguments = ["--no-defaults", *(f"--{name}={value}" for name, value in every.items())]
    program = "mariadbd" if flavour == "mariadb" else "mysqld"
    command = binaries.command(program, *arguments)
    daemon = Daemon(command, user, folder / "log", stop_signal=signal.SIGTERM, death_signal="KILL")
    server = MySqlServer(daemon, flavour, port=port, client_folder=binaries.client_folder, certificates=certificates)
    server.folder, server.socket, server.password = folder, run / "s", password
    server.start(f"--init-file={_first_statements(folder, user, password)}")
    return server


def _files(binaries: Binaries, data: Path, run: Path, certificates: Certificates, user: str) -> dict[str, str]:
    key = run / "server.key"
    key.write_bytes(certificates.key.read_bytes())
    key.chmod(0o600)
    give(key, user)
    files = {"datadir": data, "socket": run / "s", "pid-file": run / "pid", "tmpdir": run}
    files |= {"basedir": binaries.share.parent.parent, "lc-messages-dir": binaries.share}
    files |= {"character-sets-dir": binaries.share / "charsets"}
    files |= {"ssl-ca": certificates.ca, "ssl-cert": certificates.certificate, "ssl-key": key}
    if binaries.plugins:
        files["plugin-dir"] = binaries.plugins
    return {name: str(path) for name, path in files.items()}


def _first_statements(folder: Path, user: str, password: str) -> Path:
    """Write what the server runs at its first start, outside the binary log: the superuser's password."""
    text = password.replace("\\", "\\\\").replace("'", "\\'")
    path = folder / "first.sql"
    path.touch(mode=0o600)
    path.write_text(f"SET sql_log_bin = 0;\nALTER USER 'root'@'localhost' IDENTIFIED BY '{text}';\n")
    give(path, user)
    return path


def _initialise(flavour: Flavour, binaries: Binaries, data: Path, user: str) -> None:
    """Fill the data folder; the first one of a session is kept as a pattern for the others, because MySQL takes 5 s."""
    pattern = data.parent.parent / f"pattern-{flavour}"
    if not pattern.exists():
        _initialise_pattern(flavour, binaries, pattern, user)
    subprocess.run(["cp", "-a", "--reflink=auto", f"{pattern}/data/.", str(data)], check=True)


def _initialise_pattern(flavour: Flavour, binaries: Binaries, pattern: Path, user: str) -> None:
    draft = pattern.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "data").mkdir(parents=True)
    for path in (draft, draft / "data"):
        give(path, user)
    data = ["--no-defaults", f"--datadir={draft}/data"]
    if flavour == "mariadb":
        more = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        run_as(user, binaries.command("mariadb-install-db", *data, *more), draft / "log")
    else:
        share = [f"--basedir={binaries.share.parent.parent}", f"--lc-messages-dir={binaries.share}"]
        share += [f"--character-sets-dir={binaries.share}/charsets", "--skip-log-bin", "--initialize-insecure"]
        run_as(user, binaries.command("mysqld", *data, *share), draft / "log")
        (draft / "data/auto.cnf").unlink(missing_ok=True)  # every copy makes its own server_uuid
    draft.rename(pattern)


def follow(replica: MySqlServer, primary: MySqlServer) -> None:
    """Make a fresh MariaDB server replay everything that a fresh primary wrote, and read-only for everyone else."""
    account = "'replicator'@'localhost'"
    primary.sql("SET @@SESSION.sql_log_bin = 0")
    primary.sql(f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY 'replication'")
    primary.sql(f"GRANT REPLICATION SLAVE ON *.* TO {account}")
    replica.sql(
        f"CHANGE MASTER TO MASTER_HOST='{primary.host}', MASTER_PORT={primary.port}, MASTER_USER='replicator',"
        " MASTER_PASSWORD='replication', MASTER_USE_GTID=slave_pos"
    )
    replica.sql("START SLAVE")
    replica.sql("SET GLOBAL read_only = ON")
