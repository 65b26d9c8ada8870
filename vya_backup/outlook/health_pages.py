"""What `/health`, `/health/live` and `/health/ready` answer, in the specification's shapes.

The rule: from the catalog alone. No page contacts a database server, so that nobody makes one busy by asking.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from vya_backup.clock import rfc3339
from vya_backup.history import watching
from vya_backup.history.reading import Reads
from vya_backup.outlook.observed import Observed, observe

Page = tuple[int, dict[str, Any]]
"""An HTTP status, and the value that is answered as JSON."""

OK = "ok"


def health(reads: Reads, now: datetime) -> Page:
    """Return whether every database is covered, no newest attempt failed, and history is what was copied.

    Raises:
        CatalogError, sqlite3.Error: the catalog cannot be read.
    """
    is_whole = all(watching.copies_agree(reads, origin) for origin in watching.origins(reads))
    is_healthy = is_whole and all(state == OK for state in _instances(reads, now).values())
    return _status(is_healthy), {"status": "healthy" if is_healthy else "unhealthy", "timestamp": rfc3339(now)}


def ready(reads: Reads, now: datetime) -> Page:
    """Return the state of each instance that is to be backed up: `ok`, `overdue`, `failed` or `no backup`.

    Raises:
        CatalogError, sqlite3.Error: the catalog cannot be read.
    """
    states = _instances(reads, now)
    is_ready = all(state == OK for state in states.values())
    return _status(is_ready), {"ready": is_ready, "databases": states}


def live() -> Page:
    """Return that this process answers."""
    return _status(True), {"alive": True}


def _instances(reads: Reads, now: datetime) -> dict[str, str]:
    """Return the state of each instance by its id; in a merged catalog the host stands before it."""
    seen = {origin: observe(reads, origin) for origin in watching.origins(reads)}
    return {
        f"{origin}/{instance}".lstrip("/"): _state(observed, instance, now)
        for origin, observed in seen.items()
        for instance in observed.expected
    }


def _state(seen: Observed, instance: str, now: datetime) -> str:
    rows = seen.databases_of(instance)
    if not rows or any(row.newest_good_at is None for row in rows):
        return "no backup"
    if any(row.newest_good_at and now - row.newest_good_at > seen.demands.overdue_after for row in rows):
        return "overdue"
    return "failed" if seen.is_failing(instance) else OK


def _status(is_well: bool) -> int:
    return int(HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE)
