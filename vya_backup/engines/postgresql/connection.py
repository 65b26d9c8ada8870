"""Describes how PostgreSQL is reached, by the driver and by the vendor's tools.

The rule: a database name is never handed over bare, since libpq reads `dbname=x` or `postgresql://…` in its place as
a whole connection string; and the session's own options outrank whatever the role or the database has set.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vya_backup.engines.commands import Argument, SecretFile, SecretPath
from vya_backup.engines.contract import Access, ConnectionSpec
from vya_backup.redaction import Secret

if TYPE_CHECKING:
    from vya_backup.settings.model import Instance

MAINTENANCE = "postgres"
APPLICATION = "vya-backupdb"
PASSFILE = "pgpass"
QUESTION_SECONDS = 600
# Where the distributions keep the public authorities; libpq before 16 has no word for "the system's".
AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

# `ALTER ROLE SET` and `ALTER DATABASE SET` of each of these has broken a dump or a restore.
SESSION: Mapping[str, str] = {
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "search_path": "",
    "row_security": "off",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "client_min_messages": "warning",
}


def newer(version: tuple[int, ...]) -> dict[str, str]:
    """Return the session settings that only newer servers know (others refuse the connection for them)."""
    return {"transaction_timeout": "0"} if version >= (17,) else {}


def spec(access: Access, database: str | None, timeout_seconds: float) -> ConnectionSpec:
    """Describe the driver's connection, in UTF-8, with bounded waits for locks and answers."""
    from sqlalchemy.engine import URL

    waits = {"statement_timeout": f"{QUESTION_SECONDS}s", "lock_timeout": "30s"}
    url = URL.create(
        "postgresql+psycopg",
        username=access.username or None,
        password=access.password.reveal() or None,
        database=database or MAINTENANCE,
    )
    arguments = {
        "connect_timeout": max(2, round(timeout_seconds)),  # libpq takes no less than two seconds
        "application_name": APPLICATION,
        "client_encoding": "UTF8",
        "options": options({**SESSION, **waits}),
        **_address(access.instance),
        **_protection(access.instance),
    }
    return ConnectionSpec(url, arguments, opened=lambda connection: int(connection.fileno()))


def conninfo(database: str) -> str:
    """Return the name as libpq's connection string, for `-d` of any tool."""
    escaped = database.replace("\\", r"\\").replace("'", r"\'")
    return f"dbname='{escaped}'"


def options(settings: Mapping[str, str]) -> str:
    r"""Return the settings as `PGOPTIONS`, in which a blank or backslash is escaped with `\`."""
    values = {name: value.replace("\\", r"\\").replace(" ", r"\ ") for name, value in settings.items()}
    return " ".join(f"-c {name}={value}" for name, value in values.items())


def environment(access: Access, application: str, settings: Mapping[str, str]) -> dict[str, Argument]:
    """Return the variables that lead a vendor tool to the server, and its password file by reference."""
    address = {f"PG{key.upper()}": str(value) for key, value in _address(access.instance).items()}
    protection = {f"PG{key.upper()}": str(value) for key, value in _protection(access.instance).items()}
    variables: dict[str, Argument] = {
        **address,
        **protection,
        "PGCONNECT_TIMEOUT": "30",
        "PGAPPNAME": application,
        "PGOPTIONS": options(settings),
        "PGPASSFILE": SecretPath(PASSFILE) if access.password else "/dev/null",
    }
    if access.username:
        variables["PGUSER"] = access.username
    return variables


def password_files(access: Access) -> tuple[SecretFile, ...]:
    r"""Return the password file: one line for any server, `\` and `:` escaped (libpq, "The Password File")."""
    if not access.password:
        return ()
    password = access.password.reveal().replace("\\", r"\\").replace(":", r"\:")
    return (SecretFile(PASSFILE, Secret(f"*:*:*:*:{password}\n")),)


def _address(instance: Instance) -> dict[str, Any]:
    host = _socket_folder(instance.socket) if instance.socket else instance.host
    address: dict[str, Any] = {"host": host} if host else {}
    return {**address, "port": instance.port or 5432}


def _socket_folder(socket: Path) -> str:
    return str(socket.parent if socket.name.startswith(".s.PGSQL.") else socket)


def _protection(instance: Instance) -> dict[str, str]:
    tls = instance.tls
    if not tls.enabled:
        return {"sslmode": "prefer", "gssencmode": "disable"}
    files = {"sslrootcert": _authority(tls.ca_cert, tls.mode), "sslcert": tls.client_cert, "sslkey": tls.client_key}
    given = {key: str(path) for key, path in files.items() if path}
    return {"sslmode": tls.mode, "gssencmode": "disable", **given}


def _authority(ca_cert: Path | None, mode: str) -> Path | None:
    if ca_cert or mode == "require":
        return ca_cert
    return next((path for path in map(Path, AUTHORITIES) if path.is_file()), None)
