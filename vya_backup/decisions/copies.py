"""PURE: what the copies of a catalog are called, and when a new series of them begins.

```
{hostname}/@catalog/{catalog_id}/000000000001_20260109T020000Z/    a series: its first position, when it began
    000000000001-000000000045.jsonl                                a segment: the events of these positions
    snapshot-000000000045.sqlite.gz  (and .sha256)                 the whole catalog as it was there
```

Names sort by position, never by a clock. Segments follow each other without gap or overlap through all series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from vya_backup.decisions.naming import path_component

FOLDER: Final = "@catalog"
SERIES_LASTS: Final = timedelta(days=7)
_MOMENT: Final = "%Y%m%dT%H%M%SZ"
_SERIES: Final = re.compile(r"(\d{12,})_(\d{8}T\d{6}Z)")
_SEGMENT: Final = re.compile(r"(\d{12,})-(\d{12,})\.jsonl")
_SNAPSHOT: Final = re.compile(r"snapshot-(\d{12,})\.sqlite\.gz")


@dataclass(frozen=True, order=True)
class Series:
    """A week of copies; `first` is the position of its first event, `begun` in UTC, to the second."""

    first: int
    begun: datetime

    @property
    def name(self) -> str:
        """Return the name of its folder."""
        return f"{self.first:012d}_{self.begun.astimezone(UTC).strftime(_MOMENT)}"

    def is_over(self, now: datetime) -> bool:
        """Say whether the next events begin a new one; a clock that was set back a week must not hold that up."""
        return abs(now - self.begun) >= SERIES_LASTS


@dataclass(frozen=True, order=True)
class Segment:
    """The events from one position of a chain to another, both included."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return f"{self.first:012d}-{self.last:012d}.jsonl"


def gaps(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield the positions before and between a chain's segments that none of them holds."""
    reached = 0
    for segment in sorted(segments):
        if segment.first > reached + 1:
            yield Segment(reached + 1, segment.first - 1)
        reached = max(reached, segment.last)


def folder_of(hostname: str) -> str:
    """Return where a host's catalogs are copied to, relative to `base_path`."""
    return f"{path_component(hostname)}/{FOLDER}"


def snapshot_name(position: int) -> str:
    """Return the name of a snapshot whose chain ends at a position."""
    return f"snapshot-{position:012d}.sqlite.gz"


def series_of(name: str) -> Series | None:
    """Read a series' name; None for any other."""
    found = _SERIES.fullmatch(name)
    try:
        begun = datetime.strptime(found[2], _MOMENT).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
    return Series(int(found[1]), begun) if found and begun else None


def segment_of(name: str) -> Segment | None:
    """Read a segment's name; None for any other."""
    found = _SEGMENT.fullmatch(name)
    return Segment(int(found[1]), int(found[2])) if found else None


def snapshot_position(name: str) -> int | None:
    """Read a snapshot's name; None for any other."""
    found = _SNAPSHOT.fullmatch(name)
    return int(found[1]) if found else None
