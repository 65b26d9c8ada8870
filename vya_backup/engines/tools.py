"""The programs of the vendors: where an engine has them looked for, and what is found on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Client:
    """A vendor tool found on this machine."""

    path: Path
    version: tuple[int, ...]
    banner: str
    """The first line of `--version`, for events and metadata."""


@dataclass(frozen=True)
class ToolSpec:
    """Where a vendor tool is looked for: names on PATH, then globs of folders of the distributions."""

    names: tuple[str, ...]
    folders: tuple[str, ...] = ()
