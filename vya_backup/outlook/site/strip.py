"""PURE: the last days of a database as a strip of cells, oldest on the left."""

from __future__ import annotations

from collections.abc import Sequence

from vya_backup.outlook.site.days import Day, counted
from vya_backup.outlook.site.markup import picture, tag, words

STEP, WIDTH, HEIGHT = 7, 5, 20
SHORT = {"failed": 12, "missing": 5, "damaged": 12, "pending": 5, "outside": 2}
"""How high a bar is that is not good: shape tells what colour tells."""


def strip(days: Sequence[Day]) -> str:
    """Return a strip as SVG; its words count the days and name the bad ones."""
    bad = [day.words for day in days if day.state in {"failed", "missing", "damaged"}]
    label = f"last {len(days)} days: {counted(days)}{'. ' + '; '.join(bad) if bad else ''}"
    bars = [_bar(day, number * STEP) for number, day in enumerate(days)]
    return picture(len(days) * STEP - (STEP - WIDTH), HEIGHT, label, *bars, class_="strip")


def _bar(day: Day, x: int) -> str:
    height = SHORT.get(day.state, HEIGHT - 4)
    bar = tag("rect", x=x, y=HEIGHT - height, width=WIDTH, height=height, rx=1)
    dot = [tag("circle", cx=x + WIDTH / 2, cy=2, r=1.8, class_=f"drill {day.drilled.replace(' ', '-')}")]
    return tag("g", tag("title", words(day.words)), bar, *(dot if day.drilled else []), class_=f"day {day.state}")
