"""Structured logs for machines and for people who look later: one line per event, without secrets.

The rule: nothing is imported, opened or paid for before the first event that is really written, and a log that cannot
be written never ends a backup.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TextIO

from vya_backup import clock
from vya_backup.log import journal
from vya_backup.log.file import PrivateFile
from vya_backup.log.heard import say
from vya_backup.redaction import mask_user, mask_users, scrub

Level = Literal["debug", "info", "warning", "error", "critical"]
Fields = MutableMapping[str, Any]
SEVERITY = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
USER_FIELDS = frozenset({"user", "username"})
OWN_FIELDS = frozenset({"at", "level", "event"})


@dataclass(frozen=True)
class Destination:
    """Where lines go and how they look: the `logging` section in plain values."""

    level: str = "INFO"
    format: str = "json"
    outputs: frozenset[str] = frozenset({"file"})
    """Of `console` (standard error), `file` and `journal`; without a path nothing goes to a file."""
    file_path: Path | None = None
    journal_path: Path = journal.SOCKET

    def streams(self) -> list[TextIO | PrivateFile]:
        """Return what every line is written to."""
        streams: list[TextIO | PrivateFile] = [sys.stderr] if "console" in self.outputs else []
        return [*streams, PrivateFile(self.file_path)] if "file" in self.outputs and self.file_path else streams


Names = Callable[[], Mapping[str, Any]]
_destination: Destination | None = None
_names: Names = dict
_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default={})  # noqa: B039  # never changed, only replaced


def configure(destination: Destination | None, names: Names = dict) -> None:
    """Send the events from now on there; None, as in the beginning, drops them.

    `names` is asked at each line for what stands on every one of this process, such as the `run_id`.
    """
    global _destination, _names  # one log per process
    _destination, _names = destination, names


@contextmanager
def about(**names: Any) -> Iterator[None]:
    """Put these fields on every line of this thread to the end of the block: the instance, the database, the backup.

    Fields of an event win over them, and an inner block over an outer one.
    """
    token = _about.set({**_about.get(), **names})
    try:
        yield
    finally:
        _about.reset(token)


def event(name: str, *, level: Level = "info", **fields: Any) -> None:
    """Write one line: what happened in a few words, and its facts; exceptions are given as `exc_info=True`."""
    destination = _destination
    if destination is None or SEVERITY[level] < SEVERITY[destination.level.lower()]:
        return
    getattr(_logger(destination), level)(name, **{**_names(), **_about.get(), **fields})


@cache
def _logger(destination: Destination) -> Any:
    import structlog

    as_json = destination.format == "json"
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else _plain_renderer()
    to_journal = [_to_journal(journal.Journal(destination.journal_path))] if "journal" in destination.outputs else []
    return structlog.wrap_logger(
        _Writer(destination.streams()),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _redacted,
            *to_journal,
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


def _to_journal(takes: journal.Journal) -> Callable[[Any, str, Fields], Fields]:
    def send(_logger: Any, _method: str, fields: Fields) -> Fields:
        facts = {name: value for name, value in fields.items() if name not in OWN_FIELDS}
        takes.send(fields["level"], fields["event"], facts)
        return fields

    return send


class _Writer:
    """What structlog hands finished lines to; every level ends here."""

    def __init__(self, streams: list[TextIO | PrivateFile]) -> None:
        self._streams = streams

    def line(self, text: str) -> None:
        for stream in self._streams:
            if isinstance(stream, PrivateFile):
                stream.write(text + "\n")
            else:
                say(text, stream)

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
    return mask_users(scrub(str(value)))
