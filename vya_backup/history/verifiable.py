"""The backups that can be verified, with the little of each that decides whose turn it is.

The rule is that of `views`: the SQL decides, this only carries. What was pruned costs nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from vya_backup.history.reading import Reads, read

if TYPE_CHECKING:
    from vya_backup.history.views import BackupRow

STATES: Final = ("good", "damaged", "missing")
"""A damaged or missing one is looked at again, because its file may have come back."""


@dataclass(frozen=True)
class VerifiableRow:
    """One published backup. `looked_event` is None, like `looked_at`, while it was never verified."""

    backup_id: str
    sequence: int
    instance: str
    database: str
    started_at: datetime
    size_bytes: int | None
    plain_bytes: int | None
    looked_at: datetime | None
    looked_event: int | None
    """The catalog's own order of looks, which no clock can turn round."""


def verifiable(catalog: Reads) -> list[VerifiableRow]:
    """Return every backup that was published and not pruned, in the order in which they were made."""
    published = "state IN ('good', 'damaged', 'missing') OR (state = 'running' AND dumped)"
    return read(catalog, VerifiableRow, f"backups WHERE {published} ORDER BY sequence")


def is_verifiable(row: BackupRow) -> bool:
    """Say whether there should be a file to look at."""
    return row.state in STATES or (row.state == "running" and row.dumped)
