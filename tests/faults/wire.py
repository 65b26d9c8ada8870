"""A line to a server that breaks, loses an answer, falls silent or kills at one chosen word; seen in plain text.

strace can only let a word fail that was never sent. The worst is one that the server has carried out, and whose answer
never comes. Words are counted over all connections of a run; only those that change something on the server count.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, get_args

from tests.servers import TestServer

What = Literal["unanswered", "killed after", "lost", "killed before", "silent"]
"""The answer or the word itself never arrives; the process dies after or before it; nobody says anything more."""
WHATS: tuple[What, ...] = get_args(What)
CHANGES = re.compile(
    rb"\b(?:CREATE (?:DATABASE|TABLE)|DROP|ALTER|RENAME|INSERT INTO|COPY|COMMIT|GRANT|REVOKE|KILL \d|EXECUTE"
    rb"|pg_terminate_backend)\b"
)
ASKS = re.compile(rb"SELECT|SHOW CREATE|SET SESSION")
SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # PostgreSQL's protocol, "SSLRequest"
NOW = struct.pack("ii", 1, 0)
CHUNK_BYTES = 1 << 20
ANSWER_SECONDS = 20


@dataclass
class _Line:
    """One forwarded connection; once `aside` is there, the next answer is taken off and noted in it."""

    client: socket.socket
    server: socket.socket
    aside: threading.Event | None = None

    def pump(self) -> None:
        """Forward what the server says."""
        with contextlib.suppress(OSError):
            while data := self.server.recv(CHUNK_BYTES):
                if self.aside:
                    self.aside.set()
                    return
                self.client.sendall(data)
            self.client.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close both ends as a peer that is gone does."""
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Wire:
    """Forwards connections to a server: a context manager. `expect` says which word meets its fate, once."""

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.victim = 0
        """The process to kill."""
        self.expect(0, "lost")
        self._lines: list[_Line] = []
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()
        for line in self._lines:
            line.reset()

    def expect(self, number: int, what: What, *, asking: bool = False) -> None:
        """Count anew, and strike at this word; `asking` counts questions too."""
        self.words: list[str] = []
        self.happened = threading.Event()
        self._at, self._what = number, what
        self._counted = re.compile(CHANGES.pattern + b"|" + ASKS.pattern) if asking else CHANGES

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                line = _Line(client, socket.create_connection((self.server.host, self.server.port)))
                for one in (line.client, line.server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._lines.append(line)
                threading.Thread(target=self._forward, args=(line,), daemon=True).start()
                threading.Thread(target=line.pump, daemon=True).start()

    def _forward(self, line: _Line) -> None:
        with contextlib.suppress(OSError):
            while data := line.client.recv(CHUNK_BYTES):
                if data == SSL_REQUEST:
                    line.client.sendall(b"N")
                elif self._is_the_one(data):
                    self._strike(data, line)
                else:
                    line.server.sendall(data)
            line.server.shutdown(socket.SHUT_WR)

    def _is_the_one(self, data: bytes) -> bool:
        found = self._counted.search(data)
        if not found:
            return False
        with self._guard:
            self.words.append(data[found.start() :][:90].decode(errors="replace"))
            return len(self.words) == self._at

    def _strike(self, data: bytes, line: _Line) -> None:
        if self._what in {"unanswered", "killed after"}:
            line.aside = threading.Event()
            line.server.sendall(data)
            line.aside.wait(ANSWER_SECONDS)
        if self._what.startswith("killed"):
            os.kill(self.victim, signal.SIGKILL)
        if self._what != "silent":
            line.reset()
        self.happened.set()
