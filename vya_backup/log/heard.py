"""Say something to whoever still listens: a terminal that hung up must not end what is being done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def while_heard(out: TextIO) -> Iterator[None]:
    """Fall silent for good when the terminal hung up, or the reader of the pipe is gone, during the block."""
    try:
        yield
        out.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())  # also what is still buffered goes there
        os.close(nowhere)


def say(text: str, out: TextIO) -> None:
    """Write a line, or nothing once nobody can read it any more."""
    with while_heard(out):
        out.write(f"{text}\n")
