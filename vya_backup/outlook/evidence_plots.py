"""PURE: what a report of evidence draws: days of each database, its sizes, and drills, as SVG that stands in the page.

The rule: a plot never says anything by colour alone; height and place say the same, and words beside it say it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from vya_backup.clock import parse_rfc3339

Key = tuple[str, str, str]
"""Host, instance and database."""
GOOD, BETWEEN, FAILED, MISSING, ABSENT = "good", "between", "failed", "missing", "absent"
_HEIGHTS: Final = {GOOD: (0, 20), BETWEEN: (8, 12), FAILED: (12, 8), MISSING: (18, 2)}
DAY_WIDTH: Final = 4
PLOT_WIDTH, PLOT_HEIGHT = 720, 170


@dataclass(frozen=True)
class Line:
    """One database over the period: what each day brought, and the sizes of its good backups in order of time."""

    host: str
    instance: str
    database: str
    days: tuple[str, ...]
    drilled: tuple[bool, ...]
    sizes: tuple[int, ...]

    def count(self, state: str) -> int:
        """Return how many days were so."""
        return self.days.count(state)

    @property
    def words(self) -> str:
        """Return the calendar in words, for who does not see it."""
        told = [(GOOD, "with a good backup"), (FAILED, "with failures only"), (MISSING, "without any attempt")]
        parts = [f"{self.count(state)} days {words}" for state, words in told if self.count(state)]
        return ", ".join([*parts, f"{sum(self.drilled)} with a passed drill"])


def calendar(
    days: Sequence[str],
    known: Mapping[Key, tuple[str, str]],
    backups: Iterable[Mapping[str, Any]],
    drills: Iterable[Mapping[str, Any]],
    interval_days: float,
) -> list[Line]:
    """Return a line for each database, by name; `known` has the first and the last day on which it was there.

    Days are those of UTC. Where backups are due less often than daily, the days behind a good one need none.
    """
    made: dict[Key, list[Mapping[str, Any]]] = {}
    for row in backups:
        made.setdefault(_key(row), []).append(row)
    proved = {(_key(row), row["at"][:10]) for row in drills if row["verdict"] == "pass"}
    lines = []
    for key, (first, last) in sorted(known.items()):
        if first > days[-1] or last < days[0]:
            continue
        rows = sorted(made.get(key, ()), key=lambda row: str(row["started_at"]))
        states = _states(days, (first, last), rows, interval_days)
        drilled = tuple((key, day) in proved for day in days)
        sizes = tuple(row["size_bytes"] for row in rows if row["good_since"] and row["size_bytes"] is not None)
        lines.append(Line(*key, states, drilled, sizes))
    return lines


def calendar_svg(line: Line) -> str:
    """Return the days of one database: tall is good, half is failed, a line is missing, a dot is a drill."""
    bars, place = [], 0
    for state, same in groupby(line.days):
        width = len(list(same)) * DAY_WIDTH
        if state in _HEIGHTS:
            top, height = _HEIGHTS[state]
            bars.append(f'<rect class="{state}" x="{place}" y="{top + 6}" width="{width}" height="{height}"/>')
        place += width
    dots = [
        f'<circle class="drill" cx="{number * DAY_WIDTH + DAY_WIDTH / 2:g}" cy="3" r="2.5"/>'
        for number, is_drilled in enumerate(line.drilled)
        if is_drilled
    ]
    return _svg(len(line.days) * DAY_WIDTH, 26, line.words, [*bars, *dots], 'class="days" preserveAspectRatio="none"')


def sizes_svg(sizes: Sequence[int], words: str) -> str:
    """Return a line of sizes, from zero up."""
    most = max(sizes, default=0) or 1
    step = 116 / max(1, len(sizes) - 1)
    points = " ".join(f"{2 + number * step:.1f},{24 - 22 * size / most:.1f}" for number, size in enumerate(sizes))
    drawn = [f'<polyline class="size" points="{points}"/>'] if len(sizes) > 1 else []
    return _svg(120, 26, words, drawn, 'class="sizes"')


def drills_svg(drills: Sequence[Mapping[str, Any]], days: Sequence[str]) -> str:
    """Return each drill by its day and its duration, which grows by powers of ten; a cross is one that failed."""
    timed = [row for row in drills if row["duration_seconds"]]
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    length = max(1, (last - first).days + 1)
    exponents = [math.log10(max(0.1, row["duration_seconds"])) for row in timed] or [0]
    low, high = math.floor(min(exponents)), max(math.ceil(max(exponents)), math.floor(min(exponents)) + 1)
    marks = []
    for power in range(low, high + 1):
        y = _height(power, low, high)
        marks.append(f'<line class="grid" x1="60" x2="{PLOT_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        marks.append(f'<text x="54" y="{y + 4:.1f}" text-anchor="end">{_seconds(power)}</text>')
    for row, exponent in zip(timed, exponents, strict=False):
        x = 64 + (PLOT_WIDTH - 72) * _days_since(first, row["at"]) / length
        marks.append(_mark(row, x, _height(exponent, low, high)))
    foot = PLOT_HEIGHT - 4
    marks.append(f'<text x="64" y="{foot}">{days[0]}</text>')
    marks.append(f'<text x="{PLOT_WIDTH - 4}" y="{foot}" text-anchor="end">{days[-1]}</text>')
    passed = sum(row["verdict"] == "pass" for row in timed)
    words = f"{len(timed)} drills by day and duration, {passed} of them passed"
    return _svg(PLOT_WIDTH, PLOT_HEIGHT, words, marks, 'class="drills"')


def _mark(row: Mapping[str, Any], x: float, y: float) -> str:
    if row["verdict"] == "pass":
        return f'<circle class="pass" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    cross = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8"
    return f'<path class="fail" d="{cross}"/>'


def _height(exponent: float, low: int, high: int) -> float:
    return PLOT_HEIGHT - 28 - (PLOT_HEIGHT - 40) * (exponent - low) / (high - low)


def _seconds(power: int) -> str:
    return f"{10**power:,} s" if power >= 0 else f"{10**power:g} s"


def _days_since(first: date, at: str) -> float:
    moment: datetime = parse_rfc3339(at)
    return (moment.date() - first).days + (moment.hour * 60 + moment.minute) / 1440


def _states(
    days: Sequence[str], known: tuple[str, str], rows: Sequence[Mapping[str, Any]], interval_days: float
) -> tuple[str, ...]:
    good = {row["started_at"][:10] for row in rows if row["good_since"]}
    tried = {row["started_at"][:10] for row in rows}
    states, since_good = [], math.inf
    for day in days:
        since_good = 0 if day in good else since_good + 1
        if not known[0] <= day <= known[1]:
            states.append(ABSENT)
        elif day in good:
            states.append(GOOD)
        elif day in tried:
            states.append(FAILED)
        else:
            states.append(BETWEEN if since_good < interval_days else MISSING)
    return tuple(states)


def _key(row: Mapping[str, Any]) -> Key:
    return row["host"], row["instance"], row["database"]


def _svg(width: int, height: int, words: str, content: Sequence[str], attributes: str) -> str:
    """Return an image with its words; those come from counts and dates alone, so that nothing in them is markup."""
    return (
        f'<svg {attributes} viewBox="0 0 {width} {height}" role="img" aria-label="{words}">'
        f"<title>{words}</title>{''.join(content)}</svg>"
    )
