"""Cuts off a connection whose server is hung, or whose run is to stop: the drivers themselves would wait for ever.

The rule: the socket is shut down by a descriptor of our own, so that it is never another one's that got its number.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from vya_backup import clock
from vya_backup.engines.contract import Access
from vya_backup.errors import BackupError, ServerUnreachable
from vya_backup.transport.limits import Limits
from vya_backup.transport.stopping import stop
from vya_backup.transport.threads import start

LOOK_EVERY_SECONDS = 0.2


@contextmanager
def cut_off(descriptor: int | None, access: Access) -> Iterator[None]:
    """Shut the socket down when the block takes longer than the access allows, or the run is to stop.

    A block that is shielded from a stop is let finish. None is a connection without a socket.

    Raises:
        TimedOut, Interrupted: instead of what the driver made of the lost connection.
        ServerUnreachable: no thread could be started to look after it.
    """
    if descriptor is None:
        yield
        return
    watch = _Watch(descriptor, access)
    watch.start()
    try:
        yield
    except BackupError as error:
        raise watch.reason or error from error.__cause__
    finally:
        watch.end()


class _Watch:
    def __init__(self, descriptor: int, access: Access) -> None:
        self.reason: BackupError | None = None
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._where = access.instance.id
        seconds = access.answer_seconds
        self._limits = Limits(None if seconds is None else clock.monotonic() + seconds)
        self._is_shielded = stop.is_shielded
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        try:
            start(self._thread, f"to look after the connection to {self._where}", ServerUnreachable)
        except ServerUnreachable:
            self._socket.close()
            raise

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _live(self) -> None:
        while not self._over.wait(LOOK_EVERY_SECONDS):
            try:
                self._look()
            except BackupError as error:
                self.reason = error
                with suppress(OSError):  # the server was faster
                    self._socket.shutdown(socket.SHUT_RDWR)
                return

    def _look(self) -> None:
        self._limits.check(f"the question to {self._where}")
        if not self._is_shielded:
            stop.check()
