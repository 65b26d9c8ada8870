"""PURE: which backups are verified now, and in which order.

Those that were never verified come first, the oldest before the newer ones; then those looked at longest ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil

from vya_backup.history.verifiable import VerifiableRow

HALF_A_DAY = timedelta(hours=12)
"""A timer is never on the minute: what comes to the end of its time nearer to this night than to the next is taken."""


def in_turn(rows: Iterable[VerifiableRow]) -> list[VerifiableRow]:
    """Return all of them in the order in which their turn comes; looks are ordered by the catalog, never by a clock."""
    return sorted(rows, key=lambda row: (row.looked_event or 0, row.sequence))


def nightly_share(rows: Sequence[VerifiableRow], *, every_days: int, now: datetime) -> list[VerifiableRow]:
    """Return what one run of a nightly timer takes, so that none is left alone for longer than `every_days`.

    That is an equal share of all; and beyond it whatever is at the end of its time, since new backups, which come
    first, may use the share up.
    """
    ordered = in_turn(rows)
    share = ceil(len(ordered) / every_days)
    patience = timedelta(days=every_days) - HALF_A_DAY
    return ordered[:share] + [row for row in ordered[share:] if _is_at_its_end(row, patience, now)]


def overdue(rows: Iterable[VerifiableRow], *, every_days: int, now: datetime) -> list[VerifiableRow]:
    """Return those that were left alone for longer than `every_days`, the worst first; unread, since their dump."""
    longest = timedelta(days=every_days)
    return [row for row in in_turn(rows) if not timedelta() <= now - (row.looked_at or row.started_at) <= longest]


def _is_at_its_end(row: VerifiableRow, patience: timedelta, now: datetime) -> bool:
    """Say so too of a look that is dated in the future: its clock was wrong, so its age is unknown."""
    return row.looked_at is not None and not now - patience < row.looked_at <= now
