"""Drills that began and did not end: at work, or cut off with their process.

The rule is that of `views`: the SQL decides, this only carries. What has ended costs nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vya_backup.history.reading import read

if TYPE_CHECKING:
    from vya_backup.history.catalog import Catalog


@dataclass(frozen=True)
class UnfinishedDrill:
    """A drill without an end; `target_instance` is the configured instance that it used, empty for a private server."""

    sequence: int
    backup_id: str
    instance: str
    database: str
    process: dict[str, Any]
    target_instance: str

    @property
    def columns(self) -> dict[str, str]:
        """Return what an event about it carries in its columns."""
        return {"instance": self.instance, "database": self.database, "backup_id": self.backup_id}


def unfinished_drills(catalog: Catalog) -> list[UnfinishedDrill]:
    """Return the drills that did not end, in the order in which they began."""
    return read(catalog, UnfinishedDrill, "projected_drills ORDER BY sequence")
