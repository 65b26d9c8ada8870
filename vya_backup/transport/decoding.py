"""Reads stored dumps and decodes them, whole, in part, or as far as a damaged one goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from vya_backup.decisions.manifest import PartSpan
from vya_backup.errors import ArtifactDamaged
from vya_backup.transport.compression import Decompressor, Kind
from vya_backup.transport.disk import explained
from vya_backup.transport.stages import Digest

READ_BYTES = 256 * 1024


def read_chunk(read: Callable[[int], bytes], path: Path) -> bytes:
    """Return the next bytes of an open file, empty at its end.

    Raises:
        StorageFailed: the disk refused.
    """
    with explained("read", path):
        return read(READ_BYTES)


def decoded(path: Path, kind: Kind, stored: Digest) -> Iterator[bytes]:
    """Yield the plain bytes of a stored file; `stored` sees the stored ones.

    Raises:
        ArtifactDamaged: the stream is damaged or cut short.
        StorageFailed: the file is not there or can't be read.
    """
    decompressor = Decompressor(kind)
    with explained("open", path):
        file = path.open("rb", buffering=0)
    with file:
        while chunk := read_chunk(file.read, path):
            yield from decompressor.feed(stored.feed(chunk))
    decompressor.finish()


def within(pieces: Iterator[bytes], spans: tuple[PartSpan, ...]) -> Iterator[bytes]:
    """Yield only the bytes inside the spans, and read no further than the last of them.

    Raises:
        ArtifactDamaged: the stream ends before that.
    """
    ordered = sorted(spans, key=lambda span: span.offset)
    end = max(span.offset + span.size for span in spans)
    position = 0
    for piece in pieces:
        for span in ordered:
            inside = piece[max(0, span.offset - position) : max(0, span.offset + span.size - position)]
            if inside:
                yield inside
        position += len(piece)
        if position >= end:
            return
    raise ArtifactDamaged(f"the dump ends after {position:,} bytes, before the end of its parts at {end:,}")


class LenientDecoder:
    """Decodes a file that may be damaged: the first fault ends the decoding and is kept."""

    def __init__(self, kind: Kind, take: Callable[[bytes], None]) -> None:
        self.fault = ""
        self._decompressor = Decompressor(kind)
        self._take = take

    def feed(self, chunk: bytes) -> None:
        """Decode the next stored bytes, unless there was a fault already."""
        if self.fault:
            return
        try:
            for piece in self._decompressor.feed(chunk):
                self._take(piece)
        except ArtifactDamaged as error:
            self.fault = error.message

    def finish(self) -> None:
        """Note that there is no more."""
        try:
            self._decompressor.finish()
        except ArtifactDamaged as error:
            self.fault = self.fault or error.message
