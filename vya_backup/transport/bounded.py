"""Lets something take its time and no more, whatever the other side does: a server may answer byte by byte for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_Made = TypeVar("_Made")


class OutOfTime(TimeoutError):
    """It did not end in the time that it had as a whole."""


def within(seconds: float, action: Callable[[], _Made], purpose: str) -> _Made:
    """Return what an action comes to; the thread that did not come to an end is left behind and not waited for.

    Raises:
        OutOfTime: it did not end in time. What the action itself raises passes through.
        RuntimeError: no thread could be started.
    """
    done: Future[_Made] = Future()

    def run() -> None:
        try:
            done.set_result(action())
        except BaseException as error:  # noqa: BLE001  # raised again where the answer is awaited
            done.set_exception(error)

    # no timeout of a socket ends a server that answers byte by byte; a daemon is not waited for at the end
    Thread(target=run, name=purpose, daemon=True).start()
    try:
        return done.result(timeout=seconds)
    except TimeoutError as error:
        if done.done():  # it is the action's own
            raise
        raise OutOfTime(f"no end within {seconds:g} s") from error
