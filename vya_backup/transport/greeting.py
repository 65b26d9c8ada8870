"""Finds database servers on this machine, and hears what they say of themselves before anybody logs in.

The rule: no account is used and nothing is asked that a server would take for an attempt to log in.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vya_backup.engines.answers import Server

SOCKETS = (
    *("run/mysqld/*.sock", "var/run/mysqld/*.sock", "var/lib/mysql/*.sock", "run/mariadb/*.sock", "tmp/mysql*.sock"),
    *("run/postgresql/.s.PGSQL.*", "var/run/postgresql/.s.PGSQL.*", "tmp/.s.PGSQL.*"),
)
PORTS = (3306, 3307, 3308, 5432, 5433, 5434)
LOOPBACK = "127.0.0.1"
SECONDS = 1.0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # PostgreSQL, "Message Formats"; answered by one letter
_NO_VERSION = re.compile(r"[^0-9A-Za-z.+~-]")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class FoundServer:
    """A server of this machine; `server.version` is empty where only an account is told it."""

    server: Server
    host: str = LOOPBACK
    port: int | None = None
    socket: Path | None = None

    @property
    def address(self) -> str:
        """Return where it is, as a person reads it."""
        return str(self.socket) if self.socket else f"{self.host}:{self.port}"


def find_servers(environ: Mapping[str, str]) -> list[FoundServer]:
    """Return the servers behind the sockets of the usual places, then those on loopback that have none."""
    found = [one for path in _sockets(environ) if (one := hear(path=path))]
    seen = {one.socket.name for one in found if one.socket}
    families = [one.server.flavour for one in found]
    for port in _ports(environ):
        one = hear(port=port) if f".s.PGSQL.{port}" not in seen else None
        # A MySQL server's socket does not tell its port: the first one is taken for the one that was found already.
        if one and one.server.flavour in families and one.server.flavour != "postgresql":
            families.remove(one.server.flavour)
        elif one:
            found.append(one)
    return found


def hear(host: str = LOOPBACK, port: int | None = None, path: Path | None = None) -> FoundServer | None:
    """Return what answers there, or None: nothing does, or something else than a database server."""
    with suppress(OSError):
        greeted = _mysql(_connected(host, port, path)) if _may_be(path, "mysql") else None
        greeted = greeted or (_postgresql(_connected(host, port, path)) if _may_be(path, "postgresql") else None)
        if greeted:
            return FoundServer(greeted, host, port, path)
    return None


def _may_be(path: Path | None, family: str) -> bool:
    return path is None or (path.name.startswith(".s.PGSQL.") == (family == "postgresql"))


def _sockets(environ: Mapping[str, str]) -> Iterator[Path]:
    named = [Path(environ["MYSQL_UNIX_PORT"])] if environ.get("MYSQL_UNIX_PORT") else []
    folder = environ.get("PGHOST", "")
    named += sorted(Path(folder).glob(".s.PGSQL.*")) if folder.startswith("/") else []
    yield from _distinct([*named, *(path for pattern in SOCKETS for path in sorted(Path("/").glob(pattern)))])


def _distinct(paths: Iterable[Path]) -> Iterator[Path]:
    seen = set()
    for path in paths:
        with suppress(OSError):
            known = path.stat()
            if stat.S_ISSOCK(known.st_mode) and (known.st_dev, known.st_ino) not in seen:
                seen.add((known.st_dev, known.st_ino))
                yield path


def _ports(environ: Mapping[str, str]) -> list[int]:
    named = [environ.get(name, "") for name in ("MYSQL_TCP_PORT", "PGPORT")]
    return list(dict.fromkeys([*(int(port) for port in named if port.isdigit()), *PORTS]))


def _connected(host: str, port: int | None, path: Path | None) -> socket.socket:
    if path is None:
        return socket.create_connection((host, port or 0), timeout=SECONDS)
    opened = socket.socket(socket.AF_UNIX)
    try:
        opened.settimeout(SECONDS)
        opened.connect(os.fspath(path))
    except OSError:
        opened.close()
        raise
    return opened


def _mysql(opened: socket.socket) -> Server | None:
    """Read the greeting (protocol 10): length, number, protocol, and the version as text up to a zero."""
    with opened, suppress(TimeoutError):
        greeting = opened.recv(256)
        if len(greeting) > 5 and greeting[4] == 10:
            said = greeting[5:].partition(b"\0")[0].decode("ascii", "replace").removeprefix("5.5.5-")
            banner = _NO_VERSION.sub("", said)  # anybody may listen there, and this is shown on a terminal
            flavour = "mariadb" if "mariadb" in banner.lower() else "mysql"
            title = "MariaDB" if flavour == "mariadb" else "MySQL"
            return Server(flavour, _numbers(banner), f"{title} {banner.partition('-')[0]}")
    return None


def _postgresql(opened: socket.socket) -> Server | None:
    with opened, suppress(TimeoutError):
        opened.sendall(_SSL_REQUEST)
        if opened.recv(1) in {b"S", b"N"}:
            return Server("postgresql", (), "PostgreSQL")
    return None


def _numbers(banner: str) -> tuple[int, ...]:
    found = _VERSION.search(banner)
    return tuple(int(part) for part in found.groups(default="0")) if found else ()
