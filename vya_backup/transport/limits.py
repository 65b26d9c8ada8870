"""How long a tool may take: every wait on a child process looks at its limits once a tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vya_backup import clock
from vya_backup.errors import BackupError, TimedOut


@dataclass(frozen=True)
class Limits:
    """When to give up; everything is optional.

    `deadline` is an instant of `clock.monotonic()`; `idle_seconds` is how long a tool may neither give nor take a byte;
    `given_up` returns the reason why somebody else gave up, or None. It is asked often and must answer at once.
    """

    deadline: float | None = None
    idle_seconds: float | None = None
    given_up: Callable[[], BackupError | None] | None = None

    @classmethod
    def of_seconds(cls, seconds: float) -> Limits:
        """Return limits that end `seconds` from now."""
        return cls(deadline=clock.monotonic() + seconds)

    def check(self, what: str, idle_since: float | None = None) -> None:
        """Do nothing while `what` may go on.

        Raises:
            TimedOut: the deadline is over, or nothing has moved since `idle_since` for too long.
            BackupError: the reason of `given_up`.
        """
        if self.given_up is not None and (reason := self.given_up()) is not None:
            raise reason
        now = clock.monotonic()
        if self.deadline is not None and now > self.deadline:
            raise TimedOut(f"{what} did not end within its time", "See what holds it up, or give it more time.")
        if self.idle_seconds is not None and idle_since is not None and now - idle_since > self.idle_seconds:
            raise TimedOut(f"{what} moved no data for {self.idle_seconds:g} s", "See what holds the server up.")


UNLIMITED = Limits()
