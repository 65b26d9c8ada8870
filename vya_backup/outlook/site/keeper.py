"""What the site's process remembers between requests: how far the chain was followed, and which file it shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from vya_backup import clock
from vya_backup.history.following import Watch
from vya_backup.history.reading import Reads
from vya_backup.outlook.site.plot import Point
from vya_backup.outlook.site.spaces import space_of

ANEW: Final = timedelta(hours=6)
"""So often everything is read again: an event that was changed behind the reader is found then."""


class Keeper:
    """The memory of one open file; `watch` is the last walk along its chains."""

    def __init__(self, path: str) -> None:
        self.zone = ZoneInfo("UTC")
        self.watch = Watch()
        self.checked_at: datetime | None = None
        """When the end of the file was last reached."""
        self._path = Path(path)
        self._file = _identity(self._path)
        self._begun = clock.now()
        self._again: Watch | None = None
        self._spaces: dict[tuple[str, str], tuple[int, list[Point]]] = {}

    def is_replaced(self) -> bool:
        """Say whether another file has taken the place of the one that was opened."""
        found = _identity(self._path)
        return found is not None and found != self._file

    def follow(self, reads: Reads) -> int:
        """Read the next events, and from time to time all of them again; 0 is the end for now.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        number = self.watch.follow(reads)
        if number:
            return number
        self.checked_at = clock.now()
        if self._again is None and self.checked_at - self._begun > ANEW:
            self._again = Watch()
        return self._walk_again(reads, self._again) if self._again else 0

    def space(self, reads: Reads, instance: str, host: str) -> list[Point]:
        """Return the space of an instance over time, read anew only when there is a new event.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        head = int(reads.rows("SELECT coalesce(max(id), 0) FROM events")[0][0])
        known, points = self._spaces.get((instance, host), (-1, []))
        if known != head:
            points = space_of(reads, instance, host, clock.now())
            self._spaces[instance, host] = (head, points)
        return points

    def foresee(self, reads: Reads) -> None:
        """Work out beside the requests what would make one of them slow.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        for row in reads.rows("SELECT DISTINCT instance, origin FROM projected_databases"):
            self.space(reads, row["instance"], row["origin"])

    def _walk_again(self, reads: Reads, walk: Watch) -> int:
        number = walk.follow(reads)
        if not number:
            self.watch, self._again, self._begun = walk, None, clock.now()
        return number


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
