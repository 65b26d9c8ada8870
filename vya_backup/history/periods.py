"""The part of each hash chain that covers a period, whole, so that whoever gets it can follow it by himself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from vya_backup.errors import CatalogError, UsageError
from vya_backup.history import chain, segments
from vya_backup.history.catalog import Catalog
from vya_backup.history.questions import demand_time
from vya_backup.history.reading import Reads

_COLUMNS: Final = ", ".join((*chain.HASHED, "hash"))


@dataclass(frozen=True)
class Period:
    """From one time to another, both in it; a day as the end is all of that day. UTC, as they were said."""

    since: str
    until: str

    @property
    def bounds(self) -> tuple[str, str]:
        """Return the two as texts that times of events can be compared with."""
        is_day = len(self.until) == len("2026-01-09")
        return self.since, str(date.fromisoformat(self.until) + timedelta(days=1)) if is_day else self.until

    @property
    def days(self) -> list[str]:
        """Return every day of it."""
        first, last = date.fromisoformat(self.since[:10]), date.fromisoformat(self.until[:10])
        return [str(first + timedelta(days=number)) for number in range((last - first).days + 1)]


@dataclass(frozen=True)
class Span:
    """The events of one chain from the first to the last that falls into a period; `prev_hash` stands before them."""

    catalog_id: str
    first: int
    last: int
    prev_hash: str
    last_hash: str
    head_position: int
    head_hash: str


def period(since: str, until: str) -> Period:
    """Return a period.

    Raises:
        UsageError: one of the two is no time, or the end is before the beginning.
    """
    for name, said in (("from", since), ("to", until)):
        if not said:
            raise UsageError(f"--{name} is missing", "Say both: --from 2026-01-01 --to 2026-03-31")
        demand_time(name, said)
    found = Period(since, until)
    if found.bounds[0] > found.bounds[1]:
        raise UsageError(f"--to {until} is before --from {since}")
    return found


def spans(reads: Reads, of: Period) -> list[Span]:
    """Return the span of each chain that has an event in the period, by catalog."""
    return [Span(*row) for row in reads.rows(_SPANS, of.bounds)]


def lines(catalog: Catalog, span: Span) -> Iterator[bytes]:
    """Yield the events of a span as lines of a segment.

    Raises:
        CatalogError: one is missing, was changed or does not follow the one before it.
    """
    expected, before = span.first, span.prev_hash
    sql = f"SELECT {_COLUMNS} FROM events WHERE catalog_id = ? AND position BETWEEN ? AND ? ORDER BY position"
    for *values, recorded in catalog.stream(sql, (span.catalog_id, span.first, span.last)):
        if values[1] != expected or values[-1] != before:
            raise _untrue(span, expected, "it is missing, or does not follow the event before it")
        try:
            yield segments.line(values, recorded)
        except (ValueError, TypeError) as error:
            raise _untrue(span, expected, str(error)) from error
        expected, before = expected + 1, recorded
    if expected != span.last + 1:
        raise _untrue(span, expected, "it is missing")


def hash_at(reads: Reads, catalog_id: str, position: int) -> str:
    """Return the hash at a position of a chain, an empty text when there is none."""
    sql = "SELECT hash FROM events WHERE catalog_id = ? AND position = ?"
    rows = reads.rows(sql, (catalog_id, position))
    return str(rows[0]["hash"]) if rows else ""


def _untrue(span: Span, position: int, fault: str) -> CatalogError:
    where = f"the event at position {position:,} of catalog {span.catalog_id}"
    return CatalogError(f"{where} is no evidence: {fault}", "Run: doit audit.")


_SPANS: Final = """
WITH span AS (
  SELECT catalog_id, min(position) AS first, max(position) AS last
  FROM events WHERE at >= ? AND at <= ? GROUP BY catalog_id
)
SELECT
  s.catalog_id, s.first, s.last, a.prev_hash, z.hash,
  (SELECT max(h.position) FROM events AS h WHERE h.catalog_id = s.catalog_id),
  (SELECT h.hash FROM events AS h WHERE h.catalog_id = s.catalog_id ORDER BY h.position DESC LIMIT 1)
FROM span AS s
JOIN events AS a ON a.catalog_id = s.catalog_id AND a.position = s.first
JOIN events AS z ON z.catalog_id = s.catalog_id AND z.position = s.last
ORDER BY s.catalog_id
"""
