"""Structured logs for machines and for people who look later: one line per event, without secrets.

The rule: nothing is imported, opened or paid for before the first event that is really written, and a log that cannot
be written never ends a backup.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TextIO

from vya_backup import clock
from vya_backup.redaction import mask_user, scrub

Level = Literal["debug", "info", "warning", "error", "critical"]
Fields = MutableMapping[str, Any]
SEVERITY = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
FILE_MODE = 0o600
FOLDER_MODE = 0o700
USER_FIELDS = frozenset({"user", "username"})


@dataclass(frozen=True)
class Destination:
    """Where lines go and how they look: the `logging` section in plain values."""

    level: str = "INFO"
    format: str = "json"
    output: str = "file"
    """`console` (standard error), `file` or `both`; without a file nothing goes to one."""
    file_path: Path | None = None

    def streams(self) -> list[TextIO | PrivateFile]:
        """Return what every line is written to."""
        to_console = self.output in {"console", "both"}
        to_file = self.output in {"file", "both"} and self.file_path is not None
        streams: list[TextIO | PrivateFile] = [sys.stderr] if to_console else []
        return [*streams, PrivateFile(self.file_path)] if to_file and self.file_path else streams


class PrivateFile:
    """A log file of mode 0600 that is opened anew when logrotate has moved it away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._lock = threading.Lock()
        self._complained = False

    def write(self, line: str) -> None:
        """Append a line; when that fails, say so once on standard error and go on."""
        with self._lock:
            try:
                file = self._opened()
                file.write(line)
                file.flush()
            except OSError as error:
                self._complain(error)

    def _opened(self) -> TextIO:
        if self._file is not None and not self._is_moved(self._file):
            return self._file
        if self._file is not None:
            self._file.close()
        self._path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
        os.fchmod(descriptor, FILE_MODE)
        return self._file

    def _is_moved(self, file: TextIO) -> bool:
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            return True

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            sys.stderr.write(f"warning: the log {self._path} cannot be written: {error.strerror}\n")
        self._complained = True


_destination: Destination | None = None


def configure(destination: Destination | None) -> None:
    """Send the events from now on there; None, as in the beginning, drops them."""
    global _destination  # noqa: PLW0603  # one log per process
    _destination = destination


def event(name: str, *, level: Level = "info", **fields: Any) -> None:
    """Write one line: what happened in a few words, and its facts; exceptions are given as `exc_info=True`."""
    destination = _destination
    if destination is None or SEVERITY[level] < SEVERITY[destination.level.lower()]:
        return
    getattr(_logger(destination), level)(name, **fields)


@cache
def _logger(destination: Destination) -> Any:
    import structlog

    as_json = destination.format == "json"
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else _plain_renderer()
    return structlog.wrap_logger(
        _Writer(destination.streams()),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _redacted,
            _timed,
            renderer,
        ],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _plain_renderer() -> Any:
    import structlog

    return structlog.dev.ConsoleRenderer(
        colors=False, timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
    )


class _Writer:
    """What structlog hands finished lines to; every level ends here."""

    def __init__(self, streams: list[TextIO | PrivateFile]) -> None:
        self._streams = streams

    def line(self, text: str) -> None:
        for stream in self._streams:
            stream.write(text + "\n")

    debug = info = warning = error = critical = line


def _timed(_logger: Any, _method: str, fields: Fields) -> Fields:
    return {"at": clock.rfc3339(clock.now()), **fields}


def _redacted(_logger: Any, _method: str, fields: Fields) -> Fields:
    return {name: _shown(name, value) for name, value in fields.items()}


def _shown(name: str, value: Any) -> Any:
    if name in USER_FIELDS and isinstance(value, str):
        return mask_user(value)
    if isinstance(value, dict):
        return {str(key): _shown(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(name, inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return scrub(str(value))
