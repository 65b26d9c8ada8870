"""PURE: when the disk of the backups will be full, at the pace of the last weeks; and how full it is, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from vya_backup.outlook.site.markup import picture, tag

MOST_SAMPLES = 60
LEAST_SPAN = timedelta(days=3)
FARTHEST = timedelta(days=3650)
BAR_WIDTH, BAR_HEIGHT = 200, 12


@dataclass(frozen=True)
class Room:
    """What the file system of the backups had left at a time, in bytes."""

    at: datetime
    total_bytes: int
    free_bytes: int

    @property
    def used_percent(self) -> float:
        """Return how full it is."""
        return 100 * (1 - self.free_bytes / self.total_bytes) if self.total_bytes else 0.0


@dataclass(frozen=True)
class Forecast:
    """`pace` is bytes a day that go; `full_at` is None when nothing goes, or not within ten years."""

    pace: float
    full_at: datetime | None
    known: bool = True
    """False while too few days are known for a pace."""


def forecast(rooms: Sequence[Room], min_free_percent: float) -> Forecast:
    """Return when so little is left that no dump is begun any more; `rooms` are in order of time.

    The pace is the median of the slopes between all pairs, so that one large prune or dump does not decide it.
    """
    step = max(1, len(rooms) // MOST_SAMPLES)
    samples = list(reversed(list(reversed(rooms))[::step]))
    if len(samples) < 2 or samples[-1].at - samples[0].at < LEAST_SPAN:
        return Forecast(0, None, known=False)
    pace = median(_slope(one, other) for one, other in combinations(samples, 2) if other.at > one.at)
    newest = samples[-1]
    left = newest.free_bytes - newest.total_bytes * min_free_percent / 100
    if left <= 0:
        return Forecast(pace, newest.at)
    if pace <= 0 or left / pace > FARTHEST.days:
        return Forecast(pace, None)
    return Forecast(pace, newest.at + timedelta(days=left / pace))


def bar(room: Room, min_free_percent: float) -> str:
    """Return how full a disk is as SVG, with a mark where dumps are no longer begun."""
    used = room.used_percent / 100 * BAR_WIDTH
    mark = (1 - min_free_percent / 100) * BAR_WIDTH
    state = "full" if used >= mark else ""
    label = f"{room.used_percent:.0f} % of the disk used"
    return picture(
        BAR_WIDTH,
        BAR_HEIGHT,
        label,
        tag("rect", x=0, y=0, width=BAR_WIDTH, height=BAR_HEIGHT, rx=3, class_="track"),
        tag("rect", x=0, y=0, width=used, height=BAR_HEIGHT, rx=3, class_=f"used {state}".strip()),
        tag("line", x1=mark, x2=mark, y1=0, y2=BAR_HEIGHT, class_="mark"),
        class_="bar",
        stretch=True,
    )


def _slope(one: Room, other: Room) -> float:
    return (one.free_bytes - other.free_bytes) / ((other.at - one.at) / timedelta(days=1))
