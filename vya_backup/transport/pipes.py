"""The pipes to a child process, as the poll of their owner needs them."""

from __future__ import annotations

import contextlib
import fcntl
from typing import IO

PIPE_BYTES = 1024 * 1024


def descriptor_of(pipe: IO[bytes] | None) -> int:
    """Return the number of a pipe.

    Raises:
        ValueError: the child was started without it.
    """
    if pipe is None:
        raise ValueError("the child was started without this pipe")
    return pipe.fileno()


def widen(descriptor: int) -> None:
    """Ask for a pipe of 1 MiB; one that may not grow is only slower."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
