"""Compresses and decompresses streams; the rule is bounded memory: whatever the input, a piece of output is small.

gzip comes from ISA-L (as fast as the pipe) up to level 3 and from zlib-ng above; `auto` is ISA-L at level 2, and zstd
at level 1 (`docs/decisions.md` has the measurements).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import PurePath
from typing import Any, Literal, Protocol

from vya_backup.errors import ArtifactDamaged, UsageError

Kind = Literal["gzip", "zstd"]
Level = int | Literal["auto"]
SUFFIXES: dict[Kind, str] = {"gzip": "gz", "zstd": "zst"}
AUTO_LEVELS: dict[Kind, int] = {"gzip": 2, "zstd": 1}
HIGHEST_ISAL_LEVEL = 3
GZIP_WINDOW_BITS = 31  # zlib's spelling of: a 32 KiB window in a gzip wrapper
PIECE_BYTES = 256 * 1024
ZSTD_INPUT_BYTES = 1024  # zstandard has no bound for its output; small inputs are one, and cost no speed


def suffix(kind: Kind) -> str:
    """Return a file's last suffix, without its dot."""
    return SUFFIXES[kind]


def of_path(path: str | PurePath) -> Kind:
    """Return the compression that a file's name tells.

    Raises:
        UsageError: the name ends in none that is known.
    """
    for kind, ending in SUFFIXES.items():
        if PurePath(path).suffix == f".{ending}":
            return kind
    raise UsageError(f"{path} ends in neither .gz nor .zst", "Compress it with gzip or zstd first.")


class Compressor:
    """A stage of the pipeline that makes one gzip member or one zstd frame, with a checksum inside."""

    def __init__(self, kind: Kind, level: Level = "auto") -> None:
        self.kind = kind
        self.level = level
        self._stream = _compressing(kind, AUTO_LEVELS[kind] if level == "auto" else level)

    def feed(self, chunk: bytes) -> bytes:
        """Return the compressed bytes that are ready, often none."""
        ready: bytes = self._stream.compress(chunk)
        return ready

    def finish(self) -> bytes:
        """Return what is left, with the end of the stream."""
        ready: bytes = self._stream.flush()
        return ready


class Decompressor:
    """Decodes one stream of any number of members or frames, and notices a missing end and garbage behind it."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._stream: _Stream | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the plain bytes, in pieces of bounded size. Take them all before the next call.

        Raises:
            ArtifactDamaged: the stream breaks its format or its checksum.
        """
        try:
            yield from self._decoded(chunk)
        except _broken(self._kind) as error:
            raise ArtifactDamaged(f"the {self._kind} stream is damaged: {error}") from None

    def finish(self) -> None:
        """Accept that there is no more.

        Raises:
            ArtifactDamaged: the stream ended before its end, or is empty.
        """
        if self._stream is None or not self._stream.eof:
            raise ArtifactDamaged(f"the {self._kind} stream is cut short")

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None or self._stream.eof:
                self._stream = _decompressing(self._kind)
            pieces = _gzip_pieces if self._kind == "gzip" else _zstd_pieces
            data = yield from pieces(self._stream, data)


class _Stream(Protocol):
    """What the decoders of both libraries have in common."""

    eof: bool
    unused_data: bytes
    needs_input: bool

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


Pieces = Generator[bytes, None, bytes]
"""Plain pieces; at the end, the input that lies behind the end of this member or frame."""


def _gzip_pieces(stream: _Stream, data: bytes) -> Pieces:
    while True:
        piece = stream.decompress(data, PIECE_BYTES)
        if piece:
            yield piece
        if stream.eof:
            return stream.unused_data
        if stream.needs_input:
            return b""
        data = b""


def _zstd_pieces(stream: _Stream, data: bytes) -> Pieces:
    for start in range(0, len(data), ZSTD_INPUT_BYTES):
        piece = stream.decompress(data[start : start + ZSTD_INPUT_BYTES])
        if piece:
            yield piece
        if stream.eof:
            return stream.unused_data + data[start + ZSTD_INPUT_BYTES :]
    return b""


def _compressing(kind: Kind, level: int) -> Any:
    if kind == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=level, write_checksum=True).compressobj()
    if level <= HIGHEST_ISAL_LEVEL:
        from isal import isal_zlib

        return isal_zlib.compressobj(level, wbits=GZIP_WINDOW_BITS)
    from zlib_ng import zlib_ng

    return zlib_ng.compressobj(level, wbits=GZIP_WINDOW_BITS)


def _decompressing(kind: Kind) -> Any:
    if kind == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj()
    from isal import igzip_lib

    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _broken(kind: Kind) -> Any:
    """Return the class of what a kind's library raises when a stream is damaged."""
    if kind == "zstd":
        import zstandard

        return zstandard.ZstdError
    from isal import igzip_lib

    return igzip_lib.IsalError
