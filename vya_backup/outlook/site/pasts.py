"""What the calendars read: attempts, failures and drills of a database from the projection, newest ones first.

The rule: a seek by database for each question, so that a page costs what it shows and never the whole history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from vya_backup.clock import parse_rfc3339, rfc3339
from vya_backup.history.reading import Reads
from vya_backup.outlook.site.days import Attempt, Past, Rehearsal

_ATTEMPTS = """
SELECT backup_id, started_at, slot_start, slot_end, state FROM projected_backups
WHERE instance = ? AND database = ? AND origin = ? AND started_at >= ? AND started_at < ?
"""
_RECENT = """
SELECT backup_id, started_at, slot_start, slot_end, state FROM projected_backups
WHERE instance = ? AND database = ? AND origin = ? ORDER BY sequence DESC LIMIT ?
"""
_FIRST = """
SELECT started_at FROM projected_backups WHERE instance = ? AND database = ? AND origin = ? ORDER BY sequence LIMIT 1
"""
_FAILURES = """
SELECT at FROM events
WHERE type = 'failed' AND instance = ?1 AND database = ?2 AND ?3 IN ('', host) AND backup_id IS NULL
  AND at >= ?4 AND at < ?5
"""
_DRILLS = """
SELECT at, json_extract(data, '$.verdict') AS verdict FROM events
WHERE type = 'drilled' AND instance = ?1 AND database = ?2 AND ?3 IN ('', host) AND at >= ?4 AND at < ?5
"""
Name = tuple[str, str, str]
"""Instance, database and origin."""


def past_of(reads: Reads, name: Name, since: datetime, until: datetime) -> Past:
    """Return what happened to a database between two instants, and a little around them."""
    attempts = reads.rows(_ATTEMPTS, (*name, rfc3339(since), rfc3339(until)))
    return _past(reads, name, attempts, since, until)


def recent_past_of(reads: Reads, name: Name, number: int, since: datetime, until: datetime) -> Past:
    """Return the same of the last `number` attempts, at the cost of so many."""
    attempts = reads.rows(_RECENT, (*name, number))
    return _past(reads, name, attempts, since, until)


def _past(reads: Reads, name: Name, attempts: Sequence[Any], since: datetime, until: datetime) -> Past:
    span = (*name, rfc3339(since), rfc3339(until))
    first = reads.rows(_FIRST, name)
    return Past(
        attempts=[
            Attempt(row[0], parse_rfc3339(row[1]), _instant(row[2]), _instant(row[3]), row[4]) for row in attempts
        ],
        failures=[parse_rfc3339(row["at"]) for row in reads.rows(_FAILURES, span)],
        rehearsals=[Rehearsal(parse_rfc3339(row["at"]), row["verdict"]) for row in reads.rows(_DRILLS, span)],
        since=parse_rfc3339(first[0]["started_at"]) if first else None,
    )


def _instant(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None
