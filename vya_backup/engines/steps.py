"""The steps of a restore, as an engine describes them one by one; the jobs carry them out, or take them back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vya_backup.engines.commands import Command
from vya_backup.engines.stages import Gate

if TYPE_CHECKING:  # sqlalchemy takes 0.2 s to import; only what talks to a server pays for it
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Sql:
    """Statements on the server, each committed by itself unless `transaction`."""

    purpose: str
    statements: tuple[str, ...]
    database: str | None = None
    """The database to connect to; None is the engine's maintenance database."""
    transaction: bool = False
    undo: tuple[Step, ...] = ()
    """What takes it back when a later step fails, and unless it is atomic (one statement, or a transaction) also when
    it fails itself: harmless then where nothing had happened yet."""
    may_fail: bool = False
    """Whether a failure is only reported (the cleaning up after the point of no return)."""
    told: bool = True
    """Whether its purpose is shown as it begins; the engine's own bookkeeping is not."""


@dataclass(frozen=True)
class Load:
    """Feed parts of the dump (all when empty) to a tool's standard input.

    `edit`, when given, gets the bytes of a *small* part (events) as a whole and returns what is fed instead.
    """

    purpose: str
    command: Command
    parts: tuple[str, ...] = ()
    edit: Callable[[bytes], bytes] | None = None
    undo: tuple[Step, ...] = ()
    patient: bool = False
    """Whether it may fail for want of something in another database, and can then be tried again as it is."""


@dataclass(frozen=True)
class Run:
    """A tool that needs no input."""

    purpose: str
    command: Command
    undo: tuple[Step, ...] = ()
    may_fail: bool = False


@dataclass(frozen=True)
class Ask:
    """A question to an open connection; its answer is sent back into the generator."""

    purpose: str
    question: Callable[[Connection], Any]
    database: str | None = None


@dataclass(frozen=True)
class Compare:
    """Compare the database with the manifest (only these kinds when given); a difference ends the restore."""

    purpose: str
    database: str
    kinds: tuple[str, ...] = ()
    rows: bool = True


@dataclass(frozen=True)
class PointOfNoReturn:
    """From here on the restored database is the live one: earlier undos are forgotten, no failure takes it back."""

    purpose: str


Step = Sql | Load | Run | Ask | Compare | PointOfNoReturn | Gate
Steps = Generator[Step, Any, None]
