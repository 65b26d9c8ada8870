"""PURE: whether a database has shrunk so much that a person should look before anything relies on its newest backup.

A fresh, empty server is a good backup too: it must neither push out the backups of the real one nor become the source
of the next restore. The alarm stands until someone looked, or a backup is as large as the one before the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Sized(Protocol):
    """A good backup: the plain sizes in bytes are its own, and that of the good one before it at that time."""

    @property
    def backup_id(self) -> str: ...
    @property
    def plain_bytes(self) -> int | None: ...
    @property
    def before_bytes(self) -> int | None: ...
    @property
    def good_event(self) -> int | None: ...


@dataclass(frozen=True)
class Shrink:
    """A loss that nobody has looked at."""

    percent: float
    """How much smaller the newest backup is than the one before the loss."""
    last_full: str | None
    """The backup before the loss; None when it is no longer kept."""

    def __str__(self) -> str:
        return f"the newest backup is {self.percent:.0f} % smaller than the one before"


def shrunk(goods: Sequence[Sized], looked_event: int, alarm_percent: int) -> Shrink | None:
    """Return the loss since `looked_event` that still stands; `goods` are a database's good backups, newest first."""
    if not goods:
        return None
    newest = goods[0]
    for place, good in reversed(list(enumerate(goods))):  # of several losses the first one tells what is whole
        is_new = (good.good_event or 0) > looked_event
        then = _lost(good.before_bytes, good.plain_bytes)
        today = _lost(good.before_bytes, newest.plain_bytes)
        if is_new and min(then, today) > alarm_percent:
            return Shrink(today, goods[place + 1].backup_id if place + 1 < len(goods) else None)
    return None


def _lost(before: int | None, after: int | None) -> float:
    """Return the loss in percent; nothing can be lost of nothing."""
    return 100 * (1 - (after or 0) / before) if before else 0.0
