"""What no single key of `scheduling` shows: times that cannot work together. Each is named with place and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from vya_backup.settings.model import Configuration
from vya_backup.settings.nodes import Node
from vya_backup.settings.problems import Problem
from vya_backup.settings.scheduling_model import MINUTES_PER_DAY, Scheduling, minutes, numbers, spelled

Location = tuple[str, ...]
TIMER_ACCURACY = 1
"""So many minutes later than asked for a timer may elapse: AccuracySec= of the units."""
LOADS = ("prune", "verify", "drill")
"""Jobs that a blackout is about; a message burdens nobody."""


def refuse_clashing_times(configuration: Configuration, tree: Node, problems: list[Problem]) -> None:
    """Find times that no run could ever keep."""
    for location, value, what in _clashes(configuration.scheduling):
        problems.append(Problem(tree.find(("scheduling", *location))[0].origin, what, value))


def _clashes(said: Scheduling) -> Iterator[tuple[Location, str, str]]:
    yield from _in_blackouts(said)
    if said.randomized_delay_minutes >= said.tolerance_minutes:
        what = (
            f"is no less than scheduling.tolerance_minutes ({said.tolerance_minutes}), so that runs in time would "
            "count as missed; make one shorter or the other longer"
        )
        yield ("randomized_delay_minutes",), str(said.randomized_delay_minutes), what
    elif said.method != "cron" and said.randomized_delay_minutes:
        yield from _too_late_for_the_next(said)
    if said.method == "interval":
        for key in ("calendar", "weekdays"):
            if named := getattr(said, key):
                what = "has no effect with scheduling.method interval; remove it, or use method systemd"
                yield (key,), ", ".join(named), what
        return
    if len(said.times) * said.interval_minutes < MINUTES_PER_DAY:
        what = (
            f"starts {len(said.times)} backups a day, where scheduling.interval_minutes ({said.interval_minutes}) "
            f"expects {MINUTES_PER_DAY // said.interval_minutes}; add times, or raise interval_minutes"
        )
        yield ("calendar",), ", ".join(said.calendar), what


def _too_late_for_the_next(said: Scheduling) -> Iterator[tuple[Location, str, str]]:
    """Yield a delay that is no less than the patience with runs which follow each other closely: half of their gap."""
    named: dict[Location, tuple[int, ...]] = {
        (name, "calendar"): tuple(sorted({minutes(time) for time in getattr(said, name).calendar}))
        for name in LOADS
        if getattr(said, name).enabled
    }
    if said.method != "interval":
        named[("calendar",) if said.calendar else ("interval_minutes",)] = said.times
    gaps: dict[Location, int] = {("interval_minutes",): said.interval_minutes} if said.method == "interval" else {}
    for place, times in named.items():
        if times:
            gaps[place] = min(after - time for time, after in pairwise((*times, times[0] + MINUTES_PER_DAY)))
    latest = said.randomized_delay_minutes + TIMER_ACCURACY
    for place, gap in gaps.items():
        if latest >= gap / 2:
            what = (
                f"is too long for runs that scheduling.{'.'.join(place)} expects every {gap} minutes: one counts as "
                f"missed {gap / 2:g} minutes after its time, and a timer may come {latest} after it; make it shorter"
            )
            yield ("randomized_delay_minutes",), str(said.randomized_delay_minutes), what
            return


def _in_blackouts(said: Scheduling) -> Iterator[tuple[Location, str, str]]:
    empty = [(number, window) for number, window in enumerate(said.blackout) if getattr(window, "from") == window.to]
    for number, window in empty:
        yield ("blackout", str(number)), str(window), 'begins when it ends; a whole day is from "00:00" to "24:00"'
    if empty:
        return
    turns = {name: getattr(said, name) for name in LOADS if getattr(said, name).enabled}
    named: dict[Location, tuple[tuple[int, ...], tuple[str, ...]]] = {
        (name, "calendar"): (tuple(minutes(time) for time in turn.calendar), turn.weekdays)
        for name, turn in turns.items()
    }
    if said.method != "interval":
        named[("calendar",)] = (said.times, said.weekdays)
    windows = "; ".join(map(str, said.blackout))
    for place, (times, weekdays) in named.items():
        if times and all(_is_dark(said, day, time) for day in numbers(weekdays) for time in times):
            value = ", ".join(spelled(time) for time in times)
            yield place, value, f"lies wholly in scheduling.blackout ({windows}), so that nothing would ever start"
    every_minute = ((day, minute) for day in range(7) for minute in range(MINUTES_PER_DAY))
    if said.method == "interval" and said.blackout and all(_is_dark(said, *at) for at in every_minute):
        yield ("blackout",), windows, "covers the whole week, so that nothing would ever start; leave a gap"


def _is_dark(said: Scheduling, weekday: int, minute: int) -> bool:
    return any(window.covers(weekday, minute) for window in said.blackout)
