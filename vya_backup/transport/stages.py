"""The stages that a dump's bytes pass on their way to the disk: each takes a chunk and returns what the next one gets.

A new stage (encryption) is one class with `feed` and `finish`, and one place in the chain that `pipeline.dump` builds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol


class Stage(Protocol):
    """One step. Nothing is copied that need not be: a stage that only looks returns the very chunk it got."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes and return what the next stage gets now, perhaps nothing."""

    def finish(self) -> bytes:
        """Return what is left."""


class Count:
    """Counts the bytes that pass."""

    def __init__(self) -> None:
        self.size = 0

    def feed(self, chunk: bytes) -> bytes:
        """Note the size and pass the chunk on."""
        self.size += len(chunk)
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back."""
        return b""


class Digest(Count):
    """Counts and hashes what passes."""

    def __init__(self, *algorithms: str) -> None:
        super().__init__()
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms or ("sha256",)}

    def feed(self, chunk: bytes) -> bytes:
        """Note the chunk and pass it on."""
        for found in self._hashes.values():
            found.update(chunk)
        return super().feed(chunk)

    def hexdigest(self, algorithm: str = "sha256") -> str:
        """Return the digest of everything so far, in lower-case hexadecimal.

        Raises:
            KeyError: the algorithm was not asked for.
        """
        return self._hashes[algorithm].hexdigest()


class Chain:
    """Stages one after the other, and the place where the last one's bytes go."""

    def __init__(self, stages: Iterable[Stage], sink: Callable[[bytes], None]) -> None:
        self._stages = tuple(stages)
        self._sink = sink

    def feed(self, chunk: bytes) -> None:
        """Send bytes through every stage."""
        self._send(chunk, self._stages)

    def finish(self) -> None:
        """Send what each stage still holds through those behind it."""
        for position, stage in enumerate(self._stages, start=1):
            self._send(stage.finish(), self._stages[position:])

    def _send(self, chunk: bytes, stages: tuple[Stage, ...]) -> None:
        for stage in stages:
            if not chunk:
                return
            chunk = stage.feed(chunk)
        if chunk:
            self._sink(chunk)
