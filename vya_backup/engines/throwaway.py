"""What a private server of a drill is: values that an engine describes, and that the transport makes, runs and removes.

The rule: everything of it lies in one folder, it is reached through that folder alone, and nothing in it is worth
keeping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access
from vya_backup.engines.tools import Client


@dataclass(frozen=True)
class Site:
    """Where a private server is to be, and what it is for."""

    program: Client
    """What `server_tool` found: of a version that fits."""
    folder: Path
    """An empty folder that belongs to the server's account; the path is short enough for a socket in it."""
    database: str
    properties: Mapping[str, Any]
    """The recorded properties of the database that comes: some must be known before the data folder is made."""


@dataclass(frozen=True)
class Looks:
    """How to look at a restored file from outside, where no server does: commands, and what their output means."""

    count: Callable[[str], Command]
    """Survey a file, staged or in its place, with exact row counts."""
    counted: Callable[[bytes], Manifest]
    ask: Callable[[str], Command]
    """Run one SELECT and print the first column of its first row as a JSON value."""


@dataclass(frozen=True)
class Throwaway:
    """One private server, or for an engine without servers one private file."""

    access: Access
    """The way to it: a unix socket in the folder, an account that needs no password."""
    database: str
    """The name that is restored to: the original one, so that what is written with it works."""
    make: tuple[Command, ...] = ()
    """Run one after the other, to fill the data folder."""
    serve: Command | None = None
    """Runs until it is ended; None where there is no server."""
    shows: tuple[Path, ...] = ()
    """Folders outside the system's own that the programs need to see."""
    looks: Looks | None = None
