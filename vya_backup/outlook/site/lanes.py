"""PURE: what is kept as a timeline: a lane for each rule, the newest on the right, time told in ever longer steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vya_backup.outlook.site.keeping import Kept
from vya_backup.outlook.site.markup import picture, tag, words

WIDTH, LEFT, RIGHT, LANE, TOP = 720, 76, 18, 26, 24
ORDER = {
    "held": "held",
    "yearly": "yearly",
    "monthly": "monthly",
    "weekly": "weekly",
    "daily": "daily",
    "last": "newest few",
    "of": "by days",
    "newest": "newest",
    "younger": "young",
    "other": "other",
    "to prune": "to prune",
}
"""The lanes from top to bottom, with their names."""
MARKS = ((1, "1 day"), (7, "1 week"), (30, "1 month"), (91, "3 months"), (365, "1 year"), (1096, "3 years"))
CLOSE = timedelta(days=31)


def lanes(kept: Sequence[Kept], now: datetime, zone: ZoneInfo) -> str:
    """Return the timeline as SVG; a hollow mark goes within a month."""
    used = [lane for lane in ORDER if any(one.lane == lane for one in kept)]
    oldest = max((_age(one, now) for one in kept), default=1.0)
    height = TOP + len(used) * LANE + 6
    drawn = [*_grid(oldest, height), *(part for row, lane in enumerate(used) for part in _lane(lane, row))]
    for one in kept:
        x, y = _x(_age(one, now), oldest), TOP + used.index(one.lane) * LANE + LANE / 2
        going = one.goes_at is not None and one.goes_at - now < CLOSE
        day = one.row.started_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        title = tag("title", words(f"{day}: {', '.join(one.reasons)}"))
        drawn.append(tag("circle", title, cx=x, cy=y, r=5, class_=f"kept{' going' if going else ''}{_bad(one)}"))
    return picture(WIDTH, height, _label(kept, now), *drawn, class_="lanes")


def _label(kept: Sequence[Kept], now: datetime) -> str:
    counts = [f"{sum(one.lane == lane for one in kept)} {name}" for lane, name in ORDER.items()]
    going = sum(one.goes_at is not None and one.goes_at - now < CLOSE for one in kept)
    told = ", ".join(count for count in counts if not count.startswith("0 "))
    return f"{len(kept)} backups by the rule that keeps them longest: {told or 'none'}; {going} go within a month"


def _bad(one: Kept) -> str:
    return " bad" if one.row.state in {"damaged", "missing"} else ""


def _age(one: Kept, now: datetime) -> float:
    return max(0.0, (now - one.row.started_at) / timedelta(days=1))


def _x(age: float, oldest: float) -> float:
    share = math.log1p(age) / math.log1p(max(oldest, 1))
    return WIDTH - RIGHT - share * (WIDTH - LEFT - RIGHT)


def _grid(oldest: float, height: float) -> list[str]:
    drawn = [tag("text", words("now"), x=WIDTH - RIGHT, y=13, class_="tick middle")]
    for days, name in MARKS:
        if days <= oldest * 1.02:
            x = _x(days, oldest)
            drawn.append(tag("line", x1=x, x2=x, y1=TOP - 4, y2=height, class_="grid"))
            drawn.append(tag("text", words(name), x=x, y=13, class_="tick middle"))
    return drawn


def _lane(lane: str, row: int) -> list[str]:
    y = TOP + row * LANE + LANE / 2
    return [
        tag("line", x1=LEFT, x2=WIDTH - RIGHT + 8, y1=y, y2=y, class_="rail"),
        tag("text", words(ORDER[lane]), x=LEFT - 12, y=y + 4, class_="tick end"),
    ]
