"""Threads that the system may refuse: a limit of processes or memory is one clear line or less speed, never a bug."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import TypeVar

from vya_backup.errors import BackupError, DumpFailed

HINT = "Look at the limits of processes and memory (ulimit -a; TasksMax of a systemd unit), and try again."

_One = TypeVar("_One")
_Made = TypeVar("_Made")


def start(thread: Thread, purpose: str, kind: type[BackupError] = DumpFailed) -> None:
    """Start a thread.

    Raises:
        kind: the system gives no more of them.
    """
    try:
        thread.start()
    except RuntimeError as error:  # how Python tells that
        raise kind(f"no thread could be started {purpose}", HINT) from error


def side_by_side(work: Callable[[_One], _Made], items: Iterable[_One], at_once: int) -> list[_Made]:
    """Do the work for all items, so many at once, and return what each came to, in their order.

    With fewer threads where the system gives no more, and without any at last, which a `ThreadPoolExecutor` does not:
    it has then begun some of the work and lost its results. What one item raises is raised when all are done.
    """
    waiting = list(items)
    made: list[Future[_Made]] = [Future() for _ in waiting]
    turns, taking = iter(zip(waiting, made, strict=True)), Lock()

    def serve() -> None:
        while True:
            with taking:
                turn = next(turns, None)
            if turn is None:
                return
            item, result = turn
            try:
                result.set_result(work(item))
            except BaseException as error:  # noqa: BLE001  # raised again by whoever waits for it
                result.set_exception(error)

    for thread in _started(serve, min(at_once, len(waiting))):
        thread.join()
    serve()  # whatever nobody could be found for
    return [one.result() for one in made]


def _started(serve: Callable[[], None], wanted: int) -> list[Thread]:
    threads: list[Thread] = []
    try:
        for _ in range(wanted):
            thread = Thread(target=serve)
            thread.start()
            threads.append(thread)
    except RuntimeError:  # those that there are do it all
        pass
    return threads
