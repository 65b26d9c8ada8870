"""Watch that a dump does not hold up the application; it is given up when sessions wait behind it for too long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from vya_backup import log
from vya_backup.engines.contract import Access, Engine
from vya_backup.errors import BackupError, DumpBlocked
from vya_backup.transport.connections import connect
from vya_backup.transport.threads import start

LOOK_EVERY_SECONDS = 2.0
ANSWER_SECONDS = 10.0  # a hung server must not keep the watcher, whose end the dump waits for
GivenUp = Callable[[], BackupError | None]


@contextmanager
def watching(engine: Engine, access: Access, marker: str, max_blocking_seconds: float) -> Iterator[GivenUp]:
    """Watch the marked dump from a connection of its own while the block runs.

    Gives a function that returns the reason to give the dump up, or None. A watcher that cannot look (its connection is
    refused, say) does not end the dump: the dump's own failure, if there is one, tells more.
    """
    watch = _Watch(engine, access, marker, max_blocking_seconds)
    thread = threading.Thread(target=watch.run, name=f"watch {marker}", daemon=True)
    start(thread, "to watch for locks")
    try:
        yield lambda: watch.reason
    finally:
        watch.over.set()
        thread.join()


class _Watch:
    def __init__(self, engine: Engine, access: Access, marker: str, max_blocking_seconds: float) -> None:
        self.engine = engine
        self.access = access
        self.marker = marker
        self.max_blocking_seconds = max_blocking_seconds
        self.over = threading.Event()
        self.reason: BackupError | None = None

    def run(self) -> None:
        # most dumps are over before the first look, and cost no connection
        while not self.over.wait(min(LOOK_EVERY_SECONDS, self.max_blocking_seconds)) and self.reason is None:
            self._look()

    def _look(self) -> None:
        try:
            with connect(self.engine, replace(self.access, answer_seconds=ANSWER_SECONDS)) as connection:
                waited = self.engine.blocked_seconds(connection, self.marker)
        except BackupError:
            return
        if waited:
            log.event("blocks_others", level="warning", instance=self.access.instance.id, seconds=round(waited, 1))
        if waited > self.max_blocking_seconds:
            self.reason = DumpBlocked(
                f"{self.access.instance.id}: a session behind the dump, or the dump, waited {waited:.0f} s for a lock",
                "It was given up so that others go on; raise backup.max_blocking_seconds, or choose a quieter hour.",
            )
