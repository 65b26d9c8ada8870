"""Looks at accounts from outside the product: by the server's own words, and by logging in."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable

import pymysql

from tests.engines.mysql.population import Someone, quoted
from tests.servers import MySqlServer
from vya_backup.engines.mysql.option_file import quoted as option
from vya_backup.engines.mysql.questions import identifier

OWN = ("root", "mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys")
EXPIRED = frozenset({1820, 1862})
"""The password was right, and has to be changed."""
State = dict[tuple[str, str], tuple[str, tuple[str, ...]]]


def state_of(server: MySqlServer) -> State:
    """Return SHOW CREATE USER and the sorted SHOW GRANTS of every account but the server's own."""
    found: State = {}
    with server.connect() as connection, connection.cursor() as cursor:
        if server.engine == "mysql":
            cursor.execute("SET SESSION print_identified_with_as_hex = ON")
        for user, host, account in accounts_on(server):
            created = ""
            if host or server.engine == "mysql":
                cursor.execute(f"SHOW CREATE USER {account}")
                created = " ".join(line for (line,) in cursor.fetchall())
            cursor.execute(f"SHOW GRANTS FOR {account}")
            found[user, host] = created, tuple(sorted(_settled(line) for (line,) in cursor.fetchall()))
    return found


def accounts_on(server: MySqlServer) -> list[tuple[str, str, str]]:
    """Return user, host and the name in a statement of every account but the server's own."""
    listed = server.sql("SELECT User, Host FROM mysql.user")
    pairs = sorted((str(user), str(host)) for user, host in listed if user not in OWN)
    return [(user, host, _name(server, user, host)) for user, host in pairs]


def empty(server: MySqlServer) -> None:
    """Drop every account but the server's own."""
    with server.connect() as connection, connection.cursor() as cursor:
        for user, host, account in accounts_on(server):
            if host or server.engine == "mysql":
                cursor.execute(f"DROP USER {account}")
            elif user == "PUBLIC":
                for table in ("global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping"):
                    cursor.execute(f"DELETE FROM mysql.{table} WHERE User = 'PUBLIC'")
                cursor.execute("FLUSH PRIVILEGES")
            else:
                cursor.execute(f"DROP ROLE {account}")


def who_cannot_log_in(server: MySqlServer, everyone: Iterable[Someone]) -> list[str]:
    """Log in as everybody whose password is known, from here and without a certificate; return who was refused.

    What stands in the way of a stranger is put aside first (lock, TLS, host); the password is left as it is.
    """
    refused = []
    with server.connect() as connection, connection.cursor() as cursor:
        for someone in everyone:
            if someone.password is None:
                continue
            cursor.execute(f"ALTER USER {someone.account} REQUIRE NONE ACCOUNT UNLOCK")
            if someone.host != "127.0.0.1":
                cursor.execute(f"RENAME USER {someone.account} TO {quoted(someone.user)}@'127.0.0.1'")
            if problem := _login_problem(server, someone):
                refused.append(f"{someone.account}: {problem}")
    return refused


def _login_problem(server: MySqlServer, someone: Someone) -> str:
    assert someone.password is not None
    if someone.plugin == "ed25519":
        return _client_problem(server, someone)
    try:
        login = {"user": someone.user, "password": someone.password.encode()}
        encrypted = {"ssl_ca": str(server.certificates.ca), "ssl_verify_identity": False}
        pymysql.connect(host=server.host, port=server.port, charset="utf8mb4", **login, **encrypted).close()
    except pymysql.MySQLError as error:
        return "" if error.args[0] in EXPIRED else str(error)
    return ""


def _client_problem(server: MySqlServer, someone: Someone) -> str:
    """Let the vendor's client log in: the driver has no such plugin."""
    assert someone.password is not None
    lines = ["[client]", f"user={option(someone.user)}", f"password={option(someone.password)}"]
    lines += ["protocol=tcp", f"host={server.host}", f"port={server.port}", "ssl-verify-server-cert=OFF"]
    command = [str(server.client_folder / "mariadb"), "--defaults-file=/dev/stdin", "-e", "SELECT 1"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
    return "" if not done.returncode or "1862" in done.stderr or "1820" in done.stderr else done.stderr


def _settled(line: str) -> str:
    """Put the columns of a grant in order: MariaDB lists them as they lie in its memory."""
    return re.sub(r"(?<=\()`(?:[^`]|``|`, `)*`(?=\))", lambda found: ", ".join(sorted(_columns(found[0]))), line)


def _columns(listed: str) -> list[str]:
    return [f"`{column}`" for column in listed[1:-1].split("`, `")]


def _name(server: MySqlServer, user: str, host: str) -> str:
    if host or server.engine == "mysql":
        return f"{identifier(user)}@{quoted(host)}"
    return user if user == "PUBLIC" else identifier(user)
