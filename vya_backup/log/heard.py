"""Say something to whoever still listens: a terminal that hung up must not end what is being done.

What a command was asked to print is another matter: whoever does not get it is told.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO


class OutputLost(OSError):
    """Standard output does not take what is printed: nobody reads it, or it is a file on a full disk."""

    @property
    def nobody_reads(self) -> bool:
        """Say whether its reader is gone, as `head` is when it has seen enough."""
        return isinstance(self.__cause__, BrokenPipeError)


class Printout:
    """Standard output, whose failing is told apart from that of everything else that is written."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __getattr__(self, name: str) -> Any:
        """Be what it stands for in all other respects."""
        return getattr(self._out, name)

    def write(self, text: str) -> int:
        """Write, or raise OutputLost."""
        with _lost():
            return self._out.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write every line, or raise OutputLost; what the lines themselves raise is left alone."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Let nothing wait, or raise OutputLost."""
        with _lost():
            self._out.flush()


@contextmanager
def printing() -> Iterator[None]:
    """Print all that the block prints, to the last word.

    Raises:
        OutputLost: standard output took not all of it; the rest is thrown away.
    """
    out = sys.stdout
    try:
        with redirect_stdout(Printout(out)):
            yield
            sys.stdout.flush()
    except OutputLost:
        _silence(out)
        raise


@contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputLost(*error.args) from error


@contextmanager
def while_heard(out: TextIO) -> Iterator[None]:
    """Fall silent for good when the terminal hung up, or the reader of the pipe is gone, during the block."""
    try:
        yield
        out.flush()
    except OSError:
        _silence(out)


def say(text: str, out: TextIO) -> None:
    """Write a line, or nothing once nobody can read it any more."""
    with while_heard(out):
        out.write(f"{text}\n")


def _silence(out: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())  # also what is still buffered goes there
    os.close(nowhere)
