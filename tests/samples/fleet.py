"""A merged catalog with the long pasts of several hosts, whose instances have the same ids."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.samples.long_history import long_history
from vya_backup.jobs.merging import merge


def long_fleet(path: Path, *, hosts: int = 2, **history: Any) -> Path:
    """Make the histories of `backup-01`, `backup-02` … as `long_history` does, merge them into one file; return it."""
    with TemporaryDirectory(prefix="vya-fleet-") as folder:
        names = [f"backup-{number:02}" for number in range(1, hosts + 1)]
        merge([long_history(Path(folder) / name / "catalog.db", host=name, **history) for name in names], path)
    return path
