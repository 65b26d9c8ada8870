"""How MySQL and MariaDB are reached, and what a server says it is.

The rule: the password travels as UTF-8 bytes in the driver's arguments, never in a URL.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any

from vya_backup.engines.answers import FoundDatabase, Server
from vya_backup.engines.contract import Access, ConnectionSpec
from vya_backup.engines.mysql import driver
from vya_backup.engines.mysql.flavours import SYSTEM_DATABASES
from vya_backup.engines.mysql.option_file import socket_of
from vya_backup.engines.mysql.questions import demand_answer, one, records, rows, status, variables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vya_backup.settings.model import Instance, Tls

LOCK_WAIT_SECONDS = 30
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_FIRST_STATEMENTS = (
    "SET SESSION sql_mode = ''",  # the server's own may turn double quotes into names, or backslashes into letters
    f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}",
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION foreign_key_checks = 0",
    "SET SESSION group_concat_max_len = 1048576",
)


def connection_spec(access: Access, database: str | None, *, timeout_seconds: float) -> ConnectionSpec:
    """Describe a connection as the instance's TLS settings demand; None is no database at all."""
    from sqlalchemy.engine import URL

    arguments: dict[str, Any] = {
        "user": access.username,
        "password": access.password.reveal().encode(),  # the driver would take a text for Latin-1
        "charset": "utf8mb4",
        "connect_timeout": max(1, round(timeout_seconds)),
        "read_timeout": max(1, round(timeout_seconds)),  # the driver's own is for the handshake's first byte alone
        "program_name": "vya-backupdb",
    }
    if database is not None:
        arguments["database"] = database
    return ConnectionSpec(
        URL.create("mysql+pymysql"),
        arguments | _address(access.instance) | _tls(access.instance),
        _FIRST_STATEMENTS,
        _opened,
        driver.connect,
    )


def _opened(connection: Any) -> int:
    """Lift the limit on answers, which is for greeting and login alone; the driver has no public word for either."""
    connection._read_timeout = None  # noqa: SLF001
    return int(connection._sock.fileno())  # noqa: SLF001


def _address(instance: Instance) -> dict[str, Any]:
    socket = socket_of(instance)
    if socket:
        return {"unix_socket": socket}
    return {"host": instance.host, "port": instance.port or 3306}


def _tls(instance: Instance) -> dict[str, Any]:
    tls = instance.tls
    if tls.enabled:
        return {"ssl": _context(tls)}
    return {"ssl_disabled": True} if instance.ssl else {}


def _context(tls: Tls) -> ssl.SSLContext:
    if tls.mode == "require":
        context = driver.unverified_context()
    else:
        context = ssl.create_default_context(cafile=str(tls.ca_cert) if tls.ca_cert else None)
        context.check_hostname = tls.mode == "verify-full"
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.client_cert is not None:
        context.load_cert_chain(tls.client_cert, tls.client_key)
    return context


def ask_server(connection: Connection) -> Server:
    """Ask the server what it is."""
    known = variables(connection)
    banner = known["version"]
    flavour = "mariadb" if "mariadb" in banner.lower() else "mysql"
    found = _VERSION.search(banner.removeprefix("5.5.5-"))
    replica = _replica_source(connection)
    return Server(
        flavour=flavour,
        version=tuple(int(part) for part in found.groups()) if found else (),
        banner=_title(flavour, banner, known.get("version_comment", "")),
        tls=" ".join(filter(None, (status(connection, "Ssl_version"), status(connection, "Ssl_cipher")))),
        is_replica=bool(replica) or known.get("read_only", "OFF") not in {"OFF", "0"},
        facts=_facts(known, account(connection), replica),
    )


def _title(flavour: str, version: str, comment: str) -> str:
    """Return `MySQL 9.7.4-2 (Debian)`, `MariaDB 10.11.19-0+deb12u1 (Debian 12)`."""
    name = "MariaDB" if flavour == "mariadb" else "MySQL"
    release = version.removeprefix("5.5.5-").replace("-MariaDB", "")
    return f"{name} {release}" + (f" ({comment.strip('()')})" if comment else "")


def _facts(known: dict[str, str], who: str, replica: str) -> dict[str, str]:
    """Return what a person wants to have seen before a restore."""
    facts = {
        "account": who,
        "binary log": known.get("log_bin", "unknown"),
        **({"GTID": known["gtid_mode"]} if known.get("gtid_mode") else {}),
        "event scheduler": known.get("event_scheduler", "unknown"),
    }
    return facts | ({"replicates from": replica} if replica else {})


def _replica_source(connection: Connection) -> str:
    """Return where this server replicates from; without the privilege to ask, `read_only` alone must tell."""
    from sqlalchemy.exc import DBAPIError

    for question in ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS"):
        try:
            answer = records(connection, question)
        except DBAPIError as error:
            demand_answer(error)
            continue
        if answer:
            return str(answer[0].get("Source_Host") or answer[0].get("Master_Host") or "another server")
        return ""
    return ""


def list_databases(connection: Connection) -> tuple[FoundDatabase, ...]:
    """List every database that the account may see, with its size on disk as the server estimates it."""
    sizes = {
        str(name): int(size or 0)
        for name, size in rows(
            connection,
            "SELECT TABLE_SCHEMA, SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES GROUP BY TABLE_SCHEMA",
        )
    }
    names = [str(name) for (name,) in rows(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    return tuple(
        FoundDatabase(name, size_bytes=sizes.get(name, 0), system=name.lower() in SYSTEM_DATABASES)
        for name in sorted(names)
    )


def account(connection: Connection) -> str:
    """Return the account that the server matched, quoted for a GRANT: `'backup'@'%'`."""
    user, _, host = str(one(connection, "SELECT CURRENT_USER()")).rpartition("@")
    return "'" + user.replace("'", "''") + "'@'" + host + "'"
