"""PURE: a token bucket: how long whoever has moved some bytes must wait, so that a rate holds on average."""

from __future__ import annotations

from dataclasses import dataclass, replace

BURST_SECONDS = 0.25
"""So much of the rate may be moved at once after a pause, and no more: a dump that stood still catches nothing up."""


@dataclass(frozen=True)
class Bucket:
    """Bytes that may be moved now; below zero is what has been moved in advance. `at` are seconds of any clock."""

    bytes_per_second: float
    level: float
    at: float

    @classmethod
    def full(cls, bytes_per_second: float, now: float) -> Bucket:
        """Return a bucket of which nothing was taken yet."""
        return cls(bytes_per_second, bytes_per_second * BURST_SECONDS, now)

    def taken(self, size: int, now: float) -> Bucket:
        """Return the bucket after `size` bytes were moved at `now`."""
        filled = self.level + max(0.0, now - self.at) * self.bytes_per_second
        return replace(self, level=min(filled, self.bytes_per_second * BURST_SECONDS) - size, at=max(now, self.at))

    def wait(self) -> float:
        """Return the seconds until it is no longer below zero."""
        return max(0.0, -self.level / self.bytes_per_second)
