"""The journal of systemd, by its native protocol: a datagram for each event, with fields that `journalctl` selects by.

Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. The rule: a journal that is away or hangs costs one warning and no
backup; who was told once is not waited for again until it takes a line.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vya_backup.log.heard import say

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "vya-backupdb"
PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
LONGEST_VALUE = 16 * 1024
"""Bytes of one value; more would not fit into a datagram, and the file has it all."""
PATIENCE_SECONDS = 1.0
_UNFIT = re.compile("[^A-Z0-9_]")


class Journal:
    """Where the events of one process go; the socket is made with the first of them."""

    def __init__(self, path: Path = SOCKET) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._is_away = False
        self._complained = False

    def send(self, level: str, name: str, facts: Mapping[str, Any]) -> None:
        """Send one event whose facts are redacted; when that fails, say so once on standard error and go on."""
        datagram = b"".join(_field(key, value) for key, value in _fields(level, name, facts))
        with self._lock:
            try:
                self._sent(datagram)
                self._is_away = False
            except OSError as error:
                self._is_away = True
                self._complain(error)

    def _sent(self, datagram: bytes) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
        try:
            self._socket.sendto(datagram, str(self._path))
        except BlockingIOError:
            if self._is_away:
                raise
            select.select([], [self._socket], [], PATIENCE_SECONDS)
            self._socket.sendto(datagram, str(self._path))

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            why = error.strerror or "it does not answer"
            say(f"warning: the journal ({self._path}) takes no lines: {why}", sys.stderr)
        self._complained = True


def _fields(level: str, name: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    told = [f"{key}={value}" for key, value in facts.items() if not isinstance(value, dict | list)]
    yield "MESSAGE", " ".join([name, *told])
    yield "PRIORITY", str(PRIORITY[level])
    yield "SYSLOG_IDENTIFIER", IDENTIFIER
    yield "VYA_EVENT", name
    for key, value in facts.items():
        yield "VYA_" + _UNFIT.sub("_", key.upper())[:60], str(value)


def _field(key: str, value: str) -> bytes:
    """Return a field: on a line of its own where the value is one line, else with its length in front."""
    content = value.encode(errors="backslashreplace")[:LONGEST_VALUE]
    if b"\n" not in content:
        return f"{key}=".encode() + content + b"\n"
    return f"{key}\n".encode() + struct.pack("<Q", len(content)) + content + b"\n"
