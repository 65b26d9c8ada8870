"""What each host was told to do, from its newest `configured` event: all that readers of a catalog know of settings."""

from __future__ import annotations

from vya_backup.history.reading import Reads
from vya_backup.history.recorded import recorded
from vya_backup.history.run_events import Configured

_NEWEST = "id IN (SELECT max(id) FROM events WHERE type = 'configured' GROUP BY host)"


def newest_setups(reads: Reads) -> dict[str, Configured]:
    """Return the configuration in force by host, the one that was recorded last at the end.

    Raises:
        CatalogError: an event is not of the shape that its type demands.
    """
    return {found.host: found.event for found in recorded(reads, _NEWEST) if isinstance(found.event, Configured)}
