"""Holds the dumps of one instance to a rate, all of them together.

The rule: whoever waits here looks at the stop flag and the limits once a tick, and reads nothing meanwhile, so that the
tool and its server wait too; the watchdog of idle tools counts only the time in which something was awaited from them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from vya_backup import clock
from vya_backup.decisions.pacing import Bucket
from vya_backup.transport.limits import Limits
from vya_backup.transport.stopping import stop

TICK_SECONDS = 0.2
BYTES_PER_MB = 1_000_000


class Pace:
    """A rate in MB (1,000,000 bytes) a second, shared by any number of threads."""

    def __init__(
        self,
        mb_per_second: float,
        now: Callable[[], float] = clock.monotonic,
        nap: Callable[[float], None] = clock.nap,
    ) -> None:
        self._now, self._nap = now, nap
        self._bucket = Bucket.full(mb_per_second * BYTES_PER_MB, now())
        self._lock = threading.Lock()

    def keep(self, size: int, limits: Limits) -> None:
        """Note that so many bytes were moved, and wait for as long as they were too fast.

        Raises:
            TimedOut, Interrupted: it is time to give up.
        """
        with self._lock:
            now = self._now()
            self._bucket = self._bucket.taken(size, now)
            until = now + self._bucket.wait()
        while (left := until - self._now()) > 0:
            stop.check()
            limits.check("the dump, held to rate_limit_mb_per_s,")
            self._nap(min(left, TICK_SECONDS))
