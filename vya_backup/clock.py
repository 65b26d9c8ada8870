"""Now, and nothing else: the only reader of the clock.

Instants are UTC. Local time exists only where something is printed or a schedule is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the current instant, timezone-aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds of a clock that never steps, for durations."""
    return time.monotonic()


def nap(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def rfc3339(instant: datetime) -> str:
    """Format an aware instant as UTC RFC 3339 with microseconds: `2026-01-09T02:00:00.000000Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> datetime:
    """Read what `rfc3339` wrote.

    Raises:
        ValueError: the text is no RFC 3339 instant with a zone.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return instant.astimezone(UTC)
