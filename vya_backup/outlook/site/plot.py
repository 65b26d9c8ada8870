"""PURE: one quantity over time as a line, from zero, with round numbers at its axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from vya_backup.outlook.figures import human_duration, human_size
from vya_backup.outlook.site.markup import picture, tag, words

Unit = Literal["bytes", "seconds"]
Point = tuple[datetime, float]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 400, 170, 62, 8, 10, 24
MOST_POINTS = 240
_UNITS = {"bytes": [1024.0**power for power in range(6)], "seconds": [0.001, 1, 60, 3600]}
_FORMS: dict[str, Callable[[float], str]] = {"bytes": human_size, "seconds": human_duration}


@dataclass(frozen=True)
class Frame:
    """What a plot shows: its name, its unit, its span of time, and the zone of its dates."""

    name: str
    unit: Unit
    first: datetime
    last: datetime
    zone: ZoneInfo


def plot(points: Sequence[Point], frame: Frame, *, dots: bool = False) -> str:
    """Return a plot as SVG; `dots` draws each value by itself, as befits rare ones."""
    form = _FORMS[frame.unit]
    if not points:
        nothing = tag("text", words("nothing yet"), x=WIDTH / 2, y=HEIGHT / 2, class_="nothing")
        return picture(WIDTH, HEIGHT, f"{frame.name}: nothing yet", nothing, class_="plot")
    values = [value for _, value in points]
    label = f"{frame.name}: {form(values[0])} at first, {form(values[-1])} at last, at most {form(max(values))}"
    scale = ticks(max(values), frame.unit)
    placed = [_place(point, frame, scale[-1]) for point in thinned(points)]
    drawn = [tag("circle", cx=x, cy=y, r=3, class_="value") for x, y in placed] if dots else _line(placed)
    return picture(WIDTH, HEIGHT, label, *_grid(scale, form), *_dates(frame), *drawn, class_="plot")


def ticks(top: float, unit: Unit) -> list[float]:
    """Return round values from 0 up to at least `top`, three or four of them."""
    size = max((one for one in _UNITS[unit] if one <= top), default=_UNITS[unit][0])
    wanted = max(top / size, 1e-9) / 3
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= wanted * 0.999)
    number = max(1, math.ceil(top / size / step - 1e-9))
    return [size * step * place for place in range(number + 1)]


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most `MOST_POINTS` points: of each stretch the highest, so that no peak is lost."""
    width = math.ceil(len(points) / MOST_POINTS)
    if width <= 1:
        return list(points)
    return [max(points[start : start + width], key=lambda one: one[1]) for start in range(0, len(points), width)]


def _place(point: Point, frame: Frame, top: float) -> tuple[float, float]:
    share = (point[0] - frame.first) / max(frame.last - frame.first, timedelta(seconds=1))
    return LEFT + share * (WIDTH - LEFT - RIGHT), _height(point[1], top)


def _height(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / (top or 1) * (HEIGHT - TOP - BOTTOM)


def _line(placed: Sequence[tuple[float, float]]) -> list[str]:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
    floor = HEIGHT - BOTTOM
    area = f"M{placed[0][0]:.1f} {floor}L{path}L{placed[-1][0]:.1f} {floor}z"
    last = tag("circle", cx=placed[-1][0], cy=placed[-1][1], r=3, class_="value")
    return [tag("path", d=area, class_="area"), tag("path", d=f"M{path}", class_="line"), last]


def _grid(scale: Sequence[float], form: Callable[[float], str]) -> list[str]:
    drawn = []
    for value in scale:
        y = _height(value, scale[-1])
        drawn.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        drawn.append(tag("text", words(form(value) if value else "0"), x=LEFT - 6, y=y + 4, class_="tick end"))
    return drawn


def _dates(frame: Frame) -> list[str]:
    span = frame.last - frame.first
    pattern = "%b %Y" if span > timedelta(days=300) else "%-d %b" if span > timedelta(days=3) else "%H:%M"
    drawn = []
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = (frame.first + span * share).astimezone(frame.zone)
        x = LEFT + share * (WIDTH - LEFT - RIGHT)
        drawn.append(tag("text", words(at.strftime(pattern)), x=x, y=HEIGHT - 7, class_=f"tick {anchor}"))
    return drawn
