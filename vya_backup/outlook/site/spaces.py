"""How many bytes the backups of an instance took at the end of each day: what was dumped by then and not yet pruned."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import accumulate

from vya_backup.clock import parse_rfc3339
from vya_backup.history.reading import Reads
from vya_backup.outlook.site.plot import Point

_LIVES = """
SELECT substr(dumped_at, 1, 10) AS dumped_on, substr(pruned_at, 1, 10) AS pruned_on, sum(size_bytes) AS bytes
FROM projected_backups
WHERE instance = ?1 AND ?2 IN ('', host) AND size_bytes IS NOT NULL AND dumped_at IS NOT NULL
  AND state IN ('good', 'pruned', 'damaged', 'missing')
GROUP BY 1, 2
"""


def space_of(reads: Reads, instance: str, host: str, now: datetime) -> list[Point]:
    """Return the bytes at the end of each UTC day on which they changed; this reads every backup of the instance."""
    changes: Counter[str] = Counter()
    for row in reads.rows(_LIVES, (instance, host)):
        changes[row["dumped_on"]] += row["bytes"]
        if row["pruned_on"]:
            changes[row["pruned_on"]] -= row["bytes"]
    days = sorted(changes)
    ends = (min(parse_rfc3339(f"{day}T23:59:59Z"), now) for day in days)
    return list(zip(ends, map(float, accumulate(changes[day] for day in days)), strict=True))
