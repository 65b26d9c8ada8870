"""What a dump is made of: what its description depends on, its parts, and what is seen in the bytes that pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vya_backup.decisions.manifest import Manifest

if TYPE_CHECKING:
    from vya_backup.engines.answers import Server, Survey
    from vya_backup.engines.commands import Command
    from vya_backup.engines.contract import Access
    from vya_backup.engines.tools import Client


@dataclass(frozen=True)
class DumpRequest:
    """All that a dump's description depends on."""

    access: Access
    database: str
    server: Server
    client: Client
    survey: Survey
    marker: str
    """A name that the dump's sessions carry (application_name), so that the lock watcher finds them."""
    lock_wait_seconds: float
    stdbuf: Path | None = None
    scratch: Path | None = None
    """A private folder with room, for an engine that needs a temporary copy; None is $TMPDIR or /var/tmp."""


@dataclass(frozen=True)
class DumpPart:
    """One command whose output is the next piece of the dump."""

    name: str
    command: Command


@dataclass(frozen=True)
class Observation:
    """What an observer saw in a dump's plain bytes."""

    manifest: Manifest
    complete: bool
    """Whether every part ended with its end-of-dump line."""
    fault: str = ""
    """What is wrong when it is not complete."""
    surveyed: bool = True
    """Whether the manifest was seen; False when the bytes alone do not tell it (SQLite without its tool's report)."""

    @property
    def shortfall(self) -> str:
        """Return what keeps it from being complete, or an empty text."""
        return "" if self.complete else self.fault or "the end-of-dump line is missing"


class DumpObserver(Protocol):
    """Looks at the plain bytes as they pass, in chunks of any size, in O(1) memory: on dump, verify and restore."""

    def feed(self, chunk: bytes) -> None:
        """See the next bytes."""

    def end_part(self, name: str) -> None:
        """Note that the part `name` ended here (its trailer must have been seen)."""

    def note_report(self, report: str) -> None:
        """Take what the part's tool wrote to its `ReportPath`; called before `end_part`, never on verify or restore."""

    def finish(self) -> Observation:
        """Say what was seen. When `end_part` was never called, the whole stream is taken as one finished dump."""
