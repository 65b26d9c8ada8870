"""Describes the private file of an SQLite drill: written, checked, counted and asked by the small program alone.

The rule: this process never opens a file that a dump has made; the program does, behind the drill's walls.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.contract import Access
from vya_backup.engines.sqlite.observer import manifest_of
from vya_backup.engines.sqlite.program_command import FOLDER, program
from vya_backup.engines.throwaway import Looks, Site, Throwaway
from vya_backup.settings.model import Instance


def throwaway(site: Site) -> Throwaway:
    """Describe the file."""
    file = str(site.folder / "drill.db")
    return Throwaway(
        access=Access(Instance(id="drill", type="sqlite", path=file)),
        database=file,
        shows=(FOLDER, Path(sys.executable).parent, Path(sys.prefix) / "pyvenv.cfg", Path(sys.base_prefix)),
        looks=Looks(
            count=lambda path: program("survey", path),
            counted=_counted,
            ask=lambda sql: program("ask", file, sql),
        ),
    )


def _counted(output: bytes) -> Manifest:
    return manifest_of(json.loads(output))
