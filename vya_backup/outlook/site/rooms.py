"""What the runs of each host saw of the disk of its backups, and what that means for the weeks to come."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from vya_backup.clock import parse_rfc3339, rfc3339
from vya_backup.history.reading import Reads
from vya_backup.history.run_events import Configured
from vya_backup.outlook.site.space import Forecast, Room, bar, forecast

WINDOW = timedelta(days=90)
MOST_RUNS = 3_000
SOON = timedelta(days=30)
_ROOMS = """
SELECT at, host, data FROM events
WHERE type = 'run_finished' AND instance IS NULL AND database IS NULL AND at >= ?
ORDER BY id DESC LIMIT ?
"""


@dataclass(frozen=True)
class Disk:
    """The disk of one host's backups: now, its pace, and a picture."""

    host: str
    room: Room
    forecast: Forecast
    min_free_percent: int
    picture: str
    rooms: tuple[Room, ...]
    seen_at: datetime
    """When this is looked at."""

    @property
    def is_full(self) -> bool:
        """Say whether no dump is begun any more for want of room, or will not be within a month."""
        full_at = self.forecast.full_at
        return full_at is not None and full_at - self.seen_at < SOON

    @property
    def words(self) -> str:
        """Return when it is full, at the pace of the last weeks."""
        full_at = self.forecast.full_at
        if not self.forecast.known:
            return "too few days are known to say when it is full"
        if full_at is None:
            return "not filling up, at the pace of the last weeks"
        if full_at <= self.seen_at:
            return "full: no dump is begun any more"
        return f"full about {full_at:%B %Y}, in {_far(full_at - self.seen_at)}, at the pace of the last weeks"


def disks(reads: Reads, setups: dict[str, Configured], now: datetime) -> list[Disk]:
    """Return the disk of every host whose runs said something about it lately, by host."""
    by_host: dict[str, list[Room]] = {}
    for row in reads.rows(_ROOMS, (rfc3339(now - WINDOW), MOST_RUNS)):
        room = json.loads(row["data"]).get("room")
        if room:
            seen = Room(parse_rfc3339(row["at"]), room["total_bytes"], room["free_bytes"])
            by_host.setdefault(row["host"], []).insert(0, seen)
    return [_disk(host, by_host[host], setups.get(host), now) for host in sorted(by_host)]


def _disk(host: str, rooms: list[Room], setup: Configured | None, now: datetime) -> Disk:
    floor = setup.min_free_percent if setup else 0
    return Disk(host, rooms[-1], forecast(rooms, floor), floor, bar(rooms[-1], floor), tuple(rooms), now)


def _far(span: timedelta) -> str:
    if span < timedelta(days=60):
        return f"{span.days} days"
    return f"{span.days // 30} months" if span < timedelta(days=720) else f"{span.days / 365:.0f} years"
