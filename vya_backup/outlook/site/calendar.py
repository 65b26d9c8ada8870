"""PURE: a month of days as a picture: filled is good, crossed failed, hollow missing, dotted drilled."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date

from vya_backup.outlook.site.days import Day, counted
from vya_backup.outlook.site.markup import picture, tag, words

STEP, SIDE, HEAD = 26, 22, 18


def month(year: int, number: int, days: Mapping[date, Day]) -> str:
    """Return one month as SVG; weeks begin on Monday."""
    weeks = calendar.Calendar().monthdatescalendar(year, number)
    name = f"{calendar.month_name[number]} {year}"
    here = [days[day] for week in weeks for day in week if day.month == number and day in days]
    heads = [
        tag("text", words(letter), x=column * STEP + SIDE / 2, y=11, class_="weekday")
        for column, letter in enumerate("MTWTFSS")
    ]
    cells = [
        _cell(days.get(day) or Day(day, "outside"), column * STEP, HEAD + row * STEP)
        for row, week in enumerate(weeks)
        for column, day in enumerate(week)
        if day.month == number
    ]
    label = f"{name}: {counted(here)}{_singled_out(here)}"
    return picture(7 * STEP - 4, HEAD + 6 * STEP, label, *heads, *cells, class_="month")


def _singled_out(days: list[Day]) -> str:
    """Return the days that are not as they should be, so that the words say which."""
    said = [day.words for day in days if day.state in {"failed", "missing", "damaged", "partial"}]
    return f". {'; '.join(said)}" if said else ""


def _cell(day: Day, x: float, y: float) -> str:
    middle = x + SIDE / 2
    parts = [tag("title", words(day.words))] if day.state != "outside" else []
    parts.append(tag("rect", x=x, y=y, width=SIDE, height=SIDE, rx=5))
    if day.state in {"failed", "damaged"}:
        parts.append(tag("path", d=f"M{x + 4} {y + SIDE - 4}L{x + SIDE - 4} {y + 4}", class_="strike"))
    if day.state == "partial":
        parts.append(tag("path", d=f"M{x} {y + SIDE}V{y}H{x + SIDE}z", class_="half"))
    parts.append(tag("text", words(day.date.day), x=middle, y=y + 15))
    if day.drilled:
        parts.append(tag("circle", cx=x + SIDE - 2, cy=y + 2, r=4, class_=f"drill {day.drilled.replace(' ', '-')}"))
    return tag("g", *parts, class_=f"day {day.state}")
