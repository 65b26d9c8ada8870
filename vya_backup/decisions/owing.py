"""PURE: what a channel is owed: the runs that it should hear of and was not told yet.

The catalog alone knows: a run is owed from the moment it ends until a `notified` of the channel names it. What a
channel did not take (`notification_failed`) is owed to it until it takes a message that names just that; so nothing is
told twice, and nothing is lost, save that a crash between a delivery and its record tells that one message again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vya_backup.decisions.fates import Run, name_of
from vya_backup.decisions.telling import Told
from vya_backup.decisions.tidings import (
    MOST_CONCERNS,
    MOST_EARLIER,
    MOST_LINES,
    Earlier,
    Tidings,
    highest,
    plain,
)
from vya_backup.history.notices import Happening, Notice
from vya_backup.settings.notifications_model import Level

DIGEST = "digest "
AT = " at "
MOST_DETAILS = 8


@dataclass(frozen=True)
class Owed:
    """What one message has to be about; `this` is whether the run that is ending is part of it."""

    this: bool
    earlier: tuple[str, ...]
    """Runs, oldest first."""
    untaken: Mapping[str, Notice]
    """By run, or by what a failed unit was called, the first notice that was not taken."""

    @property
    def is_nothing(self) -> bool:
        """Say whether there is nothing to say."""
        return not (self.this or self.earlier)


def unsettled(exchanged: Iterable[Notice]) -> dict[str, Notice]:
    """Return by run, unit or digest the first notice of it that a channel did not take, and took none of since.

    `exchanged` is in the order of history. The mail of a week settles those of the weeks before it.
    """
    first: dict[str, Notice] = {}
    for notice in exchanged:
        if notice.is_told and any(about.startswith(DIGEST) for about in notice.about):
            first = {about: one for about, one in first.items() if not about.startswith(DIGEST)}
        for about in notice.about:
            if notice.is_told:
                first.pop(about, None)
            else:
                first.setdefault(about, notice)
    return first


def owed_to(
    levels: Sequence[Level], told: Told | None, untaken: Mapping[str, Notice], unheard: Iterable[str] = ()
) -> Owed:
    """Return what a channel with these levels is owed at the end of a run, None where the run did nothing.

    `untaken` is what is unsettled, `unheard` are runs of which nobody was ever told anything, because they died
    before.
    """
    first = {about: notice for about, notice in untaken.items() if not about.startswith(DIGEST)}
    earlier = [*first, *(run_id for run_id in unheard if run_id not in first)]
    is_wanted = told is not None and told.level in levels and not (told.is_quiet and told.level == "SUCCESS")
    return Owed(is_wanted, tuple(earlier), first)


def earlier(run: Run, told: Told, why: str) -> Earlier:
    """Return an earlier run as it is told late."""
    rows = [f"{one.name}: {one.result}: {one.note}" for one in told.lines if one.is_bad]
    rows += [one.what for one in told.concerns]
    more = len(rows) - MOST_DETAILS
    details = [*rows[:MOST_DETAILS], *([f"and {more:,} more"] if more > 0 else [])]
    return Earlier(run.run.started_at, told.level, told.headline, tuple(map(plain, details)), plain(why))


def called(unit: str, began: datetime) -> str:
    """Return what one failure of a unit is called, so that it is told beside those before it."""
    return f"unit {unit}{AT}{began:%Y-%m-%dT%H:%M:%SZ}"


def without_a_run(about: str, notice: Notice) -> Earlier:
    """Return what was not told of something that left no run, such as a unit that failed before it did anything."""
    headline = plain(f"{about.partition(AT)[0]}: {notice.data.get('what') or 'failed'}")
    return Earlier(notice.at, notice.data["level"], headline, (), plain(notice.data.get("message", "")))


def joined(about: Tidings, told: Told | None, late: Sequence[Earlier]) -> Tidings:
    """Return one message: what the surroundings say (`about`), what the run amounts to, and what is told late."""
    worst = highest([*([told.level] if told else []), *(one.level for one in late)])
    values = dict(vars(about)) | {
        "earlier": tuple(late[-MOST_EARLIER:]),
        "more_earlier": max(0, len(late) - MOST_EARLIER),
    }
    if told:
        values |= _bounded(told)
    return Tidings(**values | {"level": worst, "headline": _headline(told, late), "what": _what(told, late)})


def _bounded(told: Told) -> dict[str, object]:
    shown, rest = told.lines[:MOST_LINES], told.lines[MOST_LINES:]
    return {
        "lines": shown,
        "more_lines": len(rest),
        "more_bad": sum(one.is_bad for one in rest),
        "current": told.current,
        "concerns": told.concerns[:MOST_CONCERNS],
        "more_concerns": max(0, len(told.concerns) - MOST_CONCERNS),
        "notes": told.notes[:MOST_CONCERNS],
        "is_quiet": told.is_quiet,
    }


def _headline(told: Told | None, late: Sequence[Earlier]) -> str:
    if not late:
        return told.headline if told else ""
    if told and (told.level != "SUCCESS" or not told.is_quiet) and told.level == highest(one.level for one in late):
        return f"{told.headline}; told late: {_runs(len(late))}"
    worst = next(one for one in reversed(late) if one.level == highest(each.level for each in late))
    more = f" and {_runs(len(late) - 1)} more" if len(late) > 1 else ""
    now = f"; now: {told.headline}" if told else ""
    return f"told late: {worst.headline}{more}{now}"


def _runs(number: int) -> str:
    return f"{number:,} run" if number == 1 else f"{number:,} runs"


def _what(told: Told | None, late: Sequence[Earlier]) -> str:
    words = [told.what] if told else []
    return "; ".join([*words, *([f"{_runs(len(late))} told late"] if late else [])])


def unended(happened: Iterable[Happening]) -> tuple[tuple[str, str], ...]:
    """Return the databases whose dump began and came to no end in these events."""
    open_: dict[tuple[str, str], None] = {}
    for event in happened:
        where = (event.instance or "", event.database or "")
        if event.type == "started":
            open_[where] = None
        elif event.type in {"checksummed", "failed", "abandoned", "damaged", "missing"}:
            open_.pop(where, None)
    return tuple(open_)


def named(where: tuple[str, str]) -> str:
    """Return a database as it is shown."""
    return name_of(*where)
