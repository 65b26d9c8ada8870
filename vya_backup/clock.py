"""Now, and nothing else: the only reader of the clock.

Instants are UTC. Local time exists only where something is printed or a schedule is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_TIMEX_BYTES = 512  # more than struct timex has anywhere
_TIME_ERROR = 5

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


def since_boot() -> timedelta:
    """Return how long ago this machine booted, what it slept included."""
    return timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))


def suspended() -> timedelta:
    """Return how long this machine was suspended since it booted, all together."""
    return timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC))


def is_in_step() -> bool:
    """Say whether something keeps the system's clock in step, as the kernel was told (adjtimex(2))."""
    import ctypes

    state = ctypes.create_string_buffer(_TIMEX_BYTES)  # its first field, `modes`, is 0: ask and change nothing
    return int(ctypes.CDLL(None).adjtimex(state)) not in {-1, _TIME_ERROR}


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
