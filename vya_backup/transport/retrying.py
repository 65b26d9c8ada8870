"""Try again what can pass, with growing pauses; give up at once on what cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from vya_backup import clock, log
from vya_backup.errors import BackupError
from vya_backup.settings.model import Backup
from vya_backup.transport.processes import stop

T = TypeVar("T")
LONGEST_PAUSE_SECONDS = 60.0
TICK_SECONDS = 0.2


def attempts(settings: Backup, action: Callable[[], T]) -> T:
    """Run an action, and again up to `settings.retries` times while its failure says that it passes.

    Raises:
        BackupError: the last failure; Interrupted when a signal arrived while waiting.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, BackupError) and error.passes),
        stop=stop_after_attempt(settings.retries + 1),
        wait=wait_exponential(multiplier=settings.retry_wait_seconds, max=LONGEST_PAUSE_SECONDS),
        sleep=_pause,
        reraise=True,
    )
    return retrying(action)


def _pause(seconds: float) -> None:
    log.event("tries_again", level="warning", after_seconds=seconds)
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        stop.check()
        clock.nap(min(left, TICK_SECONDS))
