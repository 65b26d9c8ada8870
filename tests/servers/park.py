"""All servers of one test process: started when first asked for, ended together, leaving nothing behind.

A lock on the folder says that its tests still run; folders of tests that were killed are swept by the next ones (their
servers have been ended by the kernel, see `daemon`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal, get_args

from tests.servers import binaries
from tests.servers.base import PASSWORD, ServerUnavailable, TestServer
from tests.servers.mysql import Flavour, MySqlServer, follow, start_mysql
from tests.servers.postgresql import PostgresqlServer, start_postgresql, start_standby
from tests.servers.tls import Certificates, make_certificates

Kind = Literal["postgresql_15", "postgresql_18", "mariadb", "mysql"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PREFIX = f"vya-servers-{os.getuid()}-"


class Servers:
    """The servers of this process. `shared` gives each kind once, `fresh` gives one of its own."""

    def __init__(self) -> None:
        self.folder, self._lock = _claimed()
        self.certificates: Certificates = make_certificates(self.folder)
        self._shared: dict[Kind, TestServer] = {}
        self._all: list[TestServer] = []

    def shared(self, kind: Kind) -> TestServer:
        """Return this session's server of a kind, started when needed (again, when a test killed it)."""
        if kind not in self._shared:
            self._shared[kind] = self.fresh(kind)
        server = self._shared[kind]
        if not server.is_ready():
            server.start()
        return server

    def fresh(
        self, kind: Kind, *, password: str = PASSWORD, follows: TestServer | None = None, **settings: str
    ) -> TestServer:
        """Start a server of its own; `settings` are the server's (`max_connections="5"`).

        `follows` makes it the standby (PostgreSQL) or read-only replica (MariaDB) of another fresh server.
        """
        server = self._started(kind, password, follows, settings)
        self._all.append(server)
        return server

    def end(self, *servers: TestServer) -> None:
        """End these servers and remove their folders."""
        for server in servers:
            self._all.remove(server)
            server.kill()  # nothing of it is needed any more
            if server.folder:
                shutil.rmtree(server.folder)

    def close(self) -> None:
        """End all servers and remove every trace of them."""
        self.end(*reversed(self._all))
        with _alone():
            shutil.rmtree(self.folder)
        self._lock.close()

    def _started(self, kind: Kind, password: str, follows: TestServer | None, settings: dict[str, str]) -> TestServer:
        if os.environ.get("VYA_TEST_SERVERS") == "containers":
            from tests.servers.containers import start_container

            if follows:
                raise ServerUnavailable("a standby or replica is only made from this machine's own servers")
            return start_container(kind, self._home(kind), self.certificates, password=password, settings=settings)
        if kind in ("mariadb", "mysql"):
            return self._started_mysql(kind, password, follows, settings)
        found = binaries.postgresql(int(kind.removeprefix("postgresql_")))
        if isinstance(follows, PostgresqlServer):
            return start_standby(follows, found, self._home(kind))
        return start_postgresql(found, self._home(kind), self.certificates, settings=settings, password=password)

    def _started_mysql(
        self, flavour: Flavour, password: str, follows: TestServer | None, settings: dict[str, str]
    ) -> MySqlServer:
        found = binaries.mariadb() if flavour == "mariadb" else binaries.mysql()
        options = {name.replace("_", "-"): value for name, value in settings.items()}
        home = self._home(flavour)
        server = start_mysql(flavour, found, home, self.certificates, settings=options, password=password)
        if isinstance(follows, MySqlServer):
            follow(server, follows)
        return server

    def _home(self, kind: Kind) -> Path:
        short = kind.replace("postgresql_", "pg")  # a socket's path may have 107 characters
        return Path(tempfile.mkdtemp(prefix=f"{short}-", dir=self.folder))


def _claimed() -> tuple[Path, IO[str]]:
    """Sweep what killed tests left, then make a folder and take its lock."""
    with _alone():
        _sweep()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        folder.chmod(0o755)  # the servers' accounts pass through; each has a private folder below
        return folder, _locked(folder)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time make, sweep or remove a folder: a half-removed one has no lock any more."""
    with (Path(tempfile.gettempdir()) / f"{PREFIX}claim.lock").open("w") as claim:
        fcntl.flock(claim, fcntl.LOCK_EX)
        yield


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(BlockingIOError, NotADirectoryError):
            lock = _locked(folder)
            shutil.rmtree(folder)
            lock.close()


def _locked(folder: Path) -> IO[str]:
    """Take the folder's lock.

    Raises:
        BlockingIOError: its tests still run.
    """
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock
