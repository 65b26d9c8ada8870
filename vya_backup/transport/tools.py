"""Finds the vendor tools on this machine; the rule is that a tool is what its own `--version` says it is."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vya_backup.engines.commands import Command
from vya_backup.engines.tools import Client, ToolSpec
from vya_backup.errors import BackupError
from vya_backup.transport.processes import capture

PROBE_SECONDS = 10
# In this order: MariaDB's older banners put the protocol's version before the release, after `Distrib`.
RELEASES = (
    re.compile(r"\bDistrib (\d+(?:\.\d+)*)"),
    re.compile(r"\bfrom (\d+(?:\.\d+)*)-MariaDB"),
    re.compile(r"\bVer (\d+(?:\.\d+)*)"),
    re.compile(r"\(PostgreSQL\) (\d+(?:\.\d+)*)"),
    re.compile(r"(?:^|\s)v?(\d+\.\d+(?:\.\d+)*)"),
)
FAMILIES = (("mariadb", "mariadb"), ("postgresql", "postgresql"), ("mysql", "mysql"), ("sqlite", "sqlite"))


def find_client(spec: ToolSpec, extra_folders: tuple[Path, ...] = ()) -> tuple[Client, ...]:
    """Return every client that is found, the newest first; of equal ones those in `extra_folders`, then in the
    distributions' versioned folders, then on PATH. What can't tell its version is left out.
    """
    found: dict[Path, Client] = {}
    for path in dict.fromkeys(_programs(spec, extra_folders)):  # an absolute name is the same in every folder
        program = path.resolve()
        if program not in found and (client := _probed(path)):
            found[program] = client
    return tuple(sorted(found.values(), key=lambda client: client.version, reverse=True))


def family_of(banner: str) -> str:
    """Return `postgresql`, `mariadb`, `mysql` or `sqlite`, as a client's banner tells; empty when it does not.

    A program called mysqldump may well be MariaDB's.
    """
    lowered = banner.lower()
    return next((family for word, family in FAMILIES if word in lowered), "")


def version_of(banner: str) -> tuple[int, ...]:
    """Return the release that a banner names, such as (10, 11, 14); empty when it names none."""
    for pattern in RELEASES:
        if found := pattern.search(banner):
            return tuple(int(number) for number in found[1].split("."))
    return ()


@cache
def stdbuf() -> Path | None:
    """Return coreutils' stdbuf, which makes the tools write in larger pieces; None where there is none."""
    path = shutil.which("stdbuf")
    return Path(path) if path else None


def _programs(spec: ToolSpec, extra_folders: tuple[Path, ...]) -> Iterator[Path]:
    globbed = [folder for pattern in spec.folders for folder in sorted(Path("/").glob(pattern.lstrip("/")))]
    on_path = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    for folder in (*extra_folders, *globbed, *on_path):
        for name in spec.names:
            path = folder / name
            if path.is_file() and os.access(path, os.X_OK):
                yield path


def _probed(path: Path) -> Client | None:
    found = path.stat()
    return _asked(path, found.st_mtime_ns, found.st_size)


@cache
def _asked(path: Path, mtime_ns: int, size: int) -> Client | None:
    """Ask a program for its version, once for each state of its file."""
    try:
        finished = capture(Command(argv=(str(path), "--version")), timeout_seconds=PROBE_SECONDS)
    except (BackupError, OSError):
        return None
    banner = finished.stdout.decode(errors="replace").strip().partition("\n")[0]
    version = version_of(banner)
    return Client(path, version, banner) if version and finished.status == 0 else None
