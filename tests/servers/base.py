"""What every test server offers, whatever its engine and wherever it runs.

The rule: tests reach a server only through this, never through a path or port of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tests.servers.tls import Certificates
from vya_backup.engines.contract import Access
from vya_backup.redaction import Secret
from vya_backup.settings.model import EngineName, Instance

PASSWORD = 'it\'s "so" 100% #1=\\o/ ok'
"""Quotes, blanks and escapes, so that every test passes through them."""
START_SECONDS = 90


class ServerUnavailable(Exception):
    """A server that the tests need is not there; the message holds the line that mends it."""


class Runner(Protocol):
    """What keeps a server running: a process of ours, or a container."""

    @property
    def pid(self) -> int:
        """Return the server's pid, 0 when it does not run or runs elsewhere."""

    def start(self, *extra: str) -> None:
        """Start it."""

    def waited(self, seconds: float = 0.1) -> None:
        """Let a moment pass; raises when the server has ended."""

    def stop(self) -> None:
        """End it in order."""

    def kill(self) -> None:
        """End it as a crash would."""


class TestServer(ABC):
    """One running server. `socket` is what the engine's clients take: PostgreSQL's folder, MySQL's file."""

    __test__ = False  # a name that begins with Test is not a test here
    superuser: ClassVar[str]
    engine: EngineName
    version: tuple[int, ...]
    """As the server tells it: (15, 20), (10, 11, 19), (9, 7, 4)."""

    def __init__(
        self, runner: Runner, *, host: str, port: int, client_folder: Path, certificates: Certificates
    ) -> None:
        self.runner = runner
        self.host = host
        self.port = port
        self.client_folder = client_folder
        self.certificates = certificates
        self.socket: Path | None = None
        self.folder: Path | None = None
        self.password = PASSWORD

    # ------------------------------------------------------------------ running

    @property
    def pid(self) -> int:
        """Return the pid of the server's main process, 0 when it does not run."""
        return self.runner.pid

    def start(self, *extra: str) -> None:
        """Start the server with these extra arguments and wait until it accepts connections."""
        self.runner.start(*extra)
        attempts = int(START_SECONDS / 0.1)
        for _ in range(attempts):
            if self.is_ready():
                return
            self.runner.waited()
        raise ServerUnavailable(f"{self.engine} on port {self.port} did not accept connections in {START_SECONDS} s")

    def stop(self) -> None:
        """End the server in order."""
        self.runner.stop()

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self.runner.kill()

    def restart(self, *extra: str) -> None:
        """Stop and start, with these extra server arguments."""
        self.stop()
        self.start(*extra)

    # ------------------------------------------------------------------ asking

    @abstractmethod
    def is_ready(self) -> bool:
        """Say whether the server accepts connections now."""

    @abstractmethod
    def sql(
        self, statement: str, database: str | None = None, *, parameters: Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run a statement as superuser, committed at once; return its rows, if it has any."""

    @abstractmethod
    def load(self, script: str | bytes, database: str | None = None) -> None:
        """Feed a script to the engine's own client, which stops at the first error (CalledProcessError)."""

    @abstractmethod
    def databases(self) -> list[str]:
        """List all databases but the server's own."""

    @abstractmethod
    def create_database(self, name: str) -> None:
        """Create an empty database of any name."""

    @abstractmethod
    def drop_database(self, name: str) -> None:
        """Drop a database, if it is there, whoever is connected."""

    # ------------------------------------------------------------------ for the product

    def instance(self, id: str = "test", **more: Any) -> Instance:  # noqa: A002  the configuration's own word
        """Return the settings of this server as an instance; `more` overrides (`host="localhost"`, `ssl=…`)."""
        return Instance(**{"id": id, "type": self.engine, "host": self.host, "port": self.port, **more})

    def access(self, **more: Any) -> Access:
        """Return the superuser's access; `more` goes to `instance`."""
        return Access(self.instance(**more), self.superuser, Secret(self.password))
