"""Describes the dump of one database: `pg_dump` in plain format, one snapshot, everything in it.

The rule: a dump never queues in front of the application, so its wait for locks is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vya_backup.engines.commands import Command
from vya_backup.engines.dumping import DumpPart
from vya_backup.engines.postgresql import connection
from vya_backup.engines.postgresql.stream import PART

if TYPE_CHECKING:
    from vya_backup.engines.answers import Server
    from vya_backup.engines.dumping import DumpRequest
    from vya_backup.engines.tools import Client

OLDEST_SERVER = (13,)


def dump_problem(client: Client, server: Server) -> str:
    """Return why this pg_dump cannot dump this server, or an empty text."""
    if server.flavour != "postgresql":
        return f"pg_dump cannot read a {server.flavour} server"
    if server.version < OLDEST_SERVER:
        return (
            f"PostgreSQL {_dotted(server.version)} is older than {OLDEST_SERVER[0]}, the oldest version supported here"
        )
    if "PostgreSQL" not in client.banner:
        return f"{client.path} is no PostgreSQL client: {client.banner}"
    if client.version[0] < server.version[0]:
        return (
            f"{client.path} is version {_dotted(client.version)}, older than the server ({_dotted(server.version)}); "
            f"install the client of PostgreSQL {server.version[0]}, for example: "
            f"apt-get install postgresql-client-{server.version[0]}"
        )
    return ""


def parts(request: DumpRequest) -> tuple[DumpPart, ...]:
    """Describe the one command whose output is the dump, in the database's own encoding."""
    milliseconds = max(1, round(request.lock_wait_seconds * 1000))
    argv = (
        *((str(request.stdbuf), "-o256K") if request.stdbuf else ()),
        str(request.client.path),
        "--format=plain",
        "--no-password",
        f"--lock-wait-timeout={milliseconds}",
        "-d",
        connection.conninfo(request.database),
    )
    command = Command(
        argv,
        connection.environment(request.access, request.marker, _session(request.server)),
        connection.password_files(request.access),
    )
    return (DumpPart(PART, command),)


def _session(server: Server) -> dict[str, str]:
    # pg_dump asks for row_security by itself, and says which table it could not read in full.
    return {**connection.SESSION, **connection.newer(server.version)}


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
