"""Work on a stream in a second thread: the C code of both sides lets go of the interpreter, so two cores are used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType

from vya_backup.engines.dumping import DumpObserver
from vya_backup.transport.stages import Digest
from vya_backup.transport.threads import start

AHEAD = 8  # pieces that may wait, which bounds the memory


class Beside:
    """Gives pieces, in order, to a function that runs in a thread of its own. A context manager.

    Leaving it waits until every piece was taken. What the function raises is raised by `give`, by `settle` or on
    leaving; the pieces behind it are dropped. Entering raises `DumpFailed` when the system starts no more threads.
    """

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._pieces: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Beside:
        start(self._thread, "to compress beside the dump")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pieces.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def give(self, piece: bytes) -> None:
        """Hand a piece over; waits while too many lie ahead."""
        if self._error is not None:
            raise self._error
        self._pieces.put(piece)

    def settle(self) -> None:
        """Wait until every piece so far was taken."""
        self._pieces.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._error is None:
                self._try(piece)
            self._pieces.task_done()

    def _try(self, piece: bytes) -> None:
        try:
            self._take(piece)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that gives
            self._error = error


def onlooker(plain: Digest, observer: DumpObserver | None) -> Callable[[bytes], None]:
    """Return what the second thread does with plain bytes."""

    def look(piece: bytes) -> None:
        plain.feed(piece)
        if observer:
            observer.feed(piece)

    return look
