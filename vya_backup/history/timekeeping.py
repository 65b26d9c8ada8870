"""The part of the projection that knows the jobs of the schedule: what began last, up to when all is accounted for.

The rule: asking costs the number of jobs and not the length of history, because each run asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from vya_backup.history.reading import Reads, read

TABLES: Final = ("projected_jobs",)
_JOB: Final = "json_extract(:data, '$.job')"
_KNOWN: Final = f"INSERT OR IGNORE INTO projected_jobs (origin, job) SELECT :origin, {_JOB} WHERE {_JOB} IS NOT NULL"
_OF_THE_JOB: Final = f"WHERE job = {_JOB} AND origin = :origin"

STATEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "scheduled": (
        _KNOWN,
        "UPDATE projected_jobs SET scheduled_event = :id, "
        f"started_event = iif(json_extract(:data, '$.outcome') = 'started', :id, started_event) {_OF_THE_JOB}",
    ),
    "missed": (_KNOWN, f"UPDATE projected_jobs SET missed_event = :id {_OF_THE_JOB}"),
}

_JOBS: Final = """(
SELECT
  j.job, j.origin,
  -- a run that was killed was started, and accounts for nothing behind its begin
  coalesce((
    SELECT json_extract(k.data, '$.until') FROM events AS k
    WHERE k.type = 'missed' AND k.instance IS NULL AND k.database IS NULL AND k.id > j.scheduled_event
    AND json_extract(k.data, '$.job') = j.job AND coalesce(json_extract(k.data, '$.killed_run'), '') = ''
    AND coalesce((SELECT o.host FROM origins AS o WHERE o.catalog_id = k.catalog_id), '') = j.origin
    ORDER BY k.id DESC LIMIT 1
  ), json_extract(l.data, '$.through')) AS through,
  json_extract(l.data, '$.timetable') AS timetable,
  json_extract(s.data, '$.expected_at') AS expected_at,
  json_extract(s.data, '$.process') AS process,
  s.at AS started_at, s.run_id, r.finished_at, r.exit_status,
  EXISTS (
    SELECT 1 FROM events AS k
    WHERE k.type = 'missed' AND k.instance IS NULL AND k.database IS NULL AND k.id > s.id
    AND json_extract(k.data, '$.killed_run') = s.run_id
  ) AS told,
  m.at AS missed_at, json_extract(m.data, '$.expected_at') AS missed_from,
  json_extract(m.data, '$.count') AS missed_count, json_extract(m.data, '$.reason') AS missed_reason
FROM projected_jobs AS j
JOIN events AS l ON l.id = j.scheduled_event
LEFT JOIN events AS s ON s.id = j.started_event
LEFT JOIN events AS m ON m.id = j.missed_event
LEFT JOIN projected_runs AS r ON r.run_id = s.run_id
)"""


@dataclass(frozen=True)
class JobRow:
    """A job that a timer came for at least once."""

    job: str
    through: datetime
    """Expected runs up to here are accounted for."""
    timetable: str
    """When it was expected, in words, as the timer last came."""
    started_at: datetime | None
    """When a timer last started it."""
    expected_at: datetime | None
    """The time that this run was expected at."""
    run_id: str | None
    process: dict[str, Any] | None
    finished_at: datetime | None
    exit_status: int | None
    told: bool
    """Whether the end of that run is recorded as missed, because it was killed."""
    missed_at: datetime | None
    """When a missed run was last recorded."""
    missed_from: datetime | None
    missed_count: int | None
    missed_reason: str | None


def known_jobs(reads: Reads, origin: str = "") -> dict[str, JobRow]:
    """Return the jobs that timers came for, by name."""
    return {row.job: row for row in read(reads, JobRow, f"{_JOBS} WHERE origin = ?", [origin])}
