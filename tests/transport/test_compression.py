"""Compressed streams are read by every other tool, and damage of any kind is noticed in bounded memory."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys

import pytest

from tests.transport.fakes import ROOT
from vya_backup.errors import ArtifactDamaged, UsageError
from vya_backup.transport.compression import Compressor, Decompressor, Kind, Level, of_path, suffix

TEXT = b"".join(b"%d some row of a table, much like the one before\n" % number for number in range(40000))
KINDS: list[Kind] = ["gzip", "zstd"]
CHUNK = 100_000


def compress(data: bytes, kind: Kind, level: Level = "auto") -> bytes:
    """Compress in several chunks."""
    compressor = Compressor(kind, level)
    pieces = [compressor.feed(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK)]
    return b"".join(pieces) + compressor.finish()


def decompress(data: bytes, kind: Kind, chunk: int = 4999) -> bytes:
    """Decompress in chunks whose borders fall anywhere."""
    decompressor = Decompressor(kind)
    plain = b"".join(
        piece for start in range(0, len(data), chunk) for piece in decompressor.feed(data[start : start + chunk])
    )
    decompressor.finish()
    return plain


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", ["auto", *range(1, 10)])
def test_every_level_comes_back(kind: Kind, level: Level) -> None:
    """What was compressed at any level is read back to the byte."""
    assert decompress(compress(TEXT, kind, level), kind) == TEXT


@pytest.mark.parametrize("level", ["auto", *range(1, 10)])
def test_gzip_of_every_level_is_gzip(level: Level) -> None:
    """Python's own gzip module, which is zlib, reads it."""
    assert gzip.decompress(compress(TEXT, "gzip", level)) == TEXT


def test_a_higher_level_is_smaller() -> None:
    """The levels do what their numbers promise."""
    fast, small = len(compress(TEXT, "gzip", 1)), len(compress(TEXT, "gzip", 9))
    assert small < fast


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 4999])
def test_small_streams_come_back(kind: Kind, size: int) -> None:
    """Also nothing at all is a stream with a beginning and an end."""
    assert decompress(compress(TEXT[:size], kind), kind) == TEXT[:size]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 4, 8, 9, 1000])
def test_a_stream_that_is_cut_short_is_noticed(kind: Kind, missing: int) -> None:
    """However little is missing at the end."""
    with pytest.raises(ArtifactDamaged):
        decompress(compress(TEXT, kind)[:-missing], kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_file_is_noticed(kind: Kind) -> None:
    """No bytes are no stream."""
    with pytest.raises(ArtifactDamaged, match="cut short"):
        decompress(b"", kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("garbage", [b"x", b"garbage", b"\0" * 5000])
def test_garbage_behind_the_end_is_noticed(kind: Kind, garbage: bytes) -> None:
    """A file that goes on after its stream is not the file that was written."""
    with pytest.raises(ArtifactDamaged):
        decompress(compress(TEXT, kind) + garbage, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_is_noticed_or_harmless(kind: Kind, seed: int) -> None:
    """Every stream carries a checksum of its content: damage is told, or (in a header's spare bits) changes nothing."""
    damaged = bytearray(compress(TEXT, kind))
    damaged[random.Random(seed).randrange(len(damaged))] ^= 1 << (seed % 8)
    try:
        plain = decompress(bytes(damaged), kind)
    except ArtifactDamaged:
        return
    assert plain == TEXT


@pytest.mark.parametrize("kind", KINDS)
def test_members_in_a_row_are_one_stream(kind: Kind) -> None:
    """Other tools write several members into a file, and the standard allows it."""
    assert decompress(compress(b"one ", kind) + compress(b"two", kind), kind) == b"one two"


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_decoded_in_bounded_memory(kind: Kind) -> None:
    """A gigabyte of zeros in a small file never becomes a gigabyte in memory."""
    script = (
        "import resource, sys\n"
        "from vya_backup.transport.compression import Compressor, Decompressor\n"
        "kind, zeros = sys.argv[1], bytes(1 << 20)\n"
        "c = Compressor(kind); bomb = b''.join(c.feed(zeros) for _ in range(1024)) + c.finish()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "d = Decompressor(kind)\n"
        "total = sum(len(piece) for at in range(0, len(bomb), 262144) for piece in d.feed(bomb[at:at + 262144]))\n"
        "d.finish(); print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, kind], capture_output=True, text=True, check=True, cwd=ROOT
    )
    total, grown_kib = map(int, finished.stdout.split())
    assert total == 1 << 30
    assert grown_kib < 64 * 1024


def test_names_tell_the_compression() -> None:
    """The suffix follows the content, both ways."""
    assert [of_path(f"a.sql.{suffix(kind)}") for kind in KINDS] == KINDS
    with pytest.raises(UsageError, match=r"dump\.sql ends in neither"):
        of_path("dump.sql")
