"""Whether this process was asked to stop: signals only set a flag, and every wait looks at it once a tick.

So whoever holds a child ends it, in its own thread, and a task still gets to write down that it was interrupted.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vya_backup.errors import Interrupted


class Stop:
    """The flag of one process."""

    def __init__(self) -> None:
        self.requested: int | None = None
        """The number of the first signal."""
        self._shields = threading.local()

    def install(self) -> None:
        """Take over SIGINT and SIGTERM; a second SIGINT no longer waits for anything. Call it in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def check(self) -> None:
        """Do nothing until a stop is requested.

        Raises:
            Interrupted: it was, and this thread is not shielded.
        """
        if self.requested is not None and not self.is_shielded:
            raise Interrupted(f"stopped by {signal.Signals(self.requested).name}")

    @property
    def is_shielded(self) -> bool:
        """Say whether this thread is taking something back."""
        return bool(getattr(self._shields, "up", False))

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Let this thread finish the block, which takes something back, although a stop was requested."""
        before = self.is_shielded
        self._shields.up = True
        try:
            yield
        finally:
            self._shields.up = before

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested is not None and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        self.requested = self.requested or number


stop = Stop()
