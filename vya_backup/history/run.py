"""One invocation as its events tell it: begun with its first event, ended once, or once more where that was wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from vya_backup.errors import BackupError
from vya_backup.history.event import Event
from vya_backup.history.run_events import Configured, Room, RunFinished, RunStarted


class Run:
    """One invocation; its `run_started` is appended before its first other event, so that looking leaves no trace.

    `configured` follows it where it differs from what an earlier run was told.
    """

    def __init__(
        self, append: Callable[[Event], object], started: RunStarted, run_id: str, configured: Configured | None = None
    ) -> None:
        self.run_id = run_id
        self.started = started
        self.configured = configured
        self.is_recorded = False
        self.refusal: BackupError | None = None
        """Why the catalog did not take its first event, where it took none so far."""
        self._append = append
        self._finished: RunFinished | None = None

    @property
    def ended(self) -> RunFinished | None:
        """Return how it ended, as far as it did."""
        return self._finished

    def finish(self, exit_status: int, results: Mapping[str, int], room: Room | None = None) -> None:
        """Append `run_finished`, unless the run did nothing."""
        finished = RunFinished(exit_status=exit_status, results=dict(results), room=room)
        if self.is_recorded:
            self._append(finished)
        self._finished = finished  # only now: an end that the catalog does not know is none

    @contextmanager
    def as_before(self) -> Iterator[None]:
        """Be recorded no more than before where what was appended in the block is rolled back."""
        was_recorded = self.is_recorded
        try:
            yield
        except BaseException as error:
            if self.is_recorded and not was_recorded and isinstance(error, BackupError):
                self.refusal = error
            self.is_recorded = was_recorded
            raise

    def fail(self) -> None:
        """Append that a run which ended well failed after all: of several ends the last one counts."""
        if self._finished and not self._finished.exit_status:
            self.finish(1, self._finished.results, self._finished.room)
