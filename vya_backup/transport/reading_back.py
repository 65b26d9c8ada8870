"""Reads what is stored back from the disk: to digest it, to decode it to its end, to see how it begins.

The rule: damage is a finding about the file, and a disk that refuses is a failure, which says nothing about the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vya_backup.engines.dumping import DumpObserver, Observation
from vya_backup.transport.beside import Beside, onlooker
from vya_backup.transport.compression import Kind
from vya_backup.transport.decoding import LenientDecoder, decoded, read_chunk
from vya_backup.transport.limits import UNLIMITED, Limits
from vya_backup.transport.pipeline import Progress, silent
from vya_backup.transport.reading import StoredFile
from vya_backup.transport.stages import Digest
from vya_backup.transport.stopping import stop
from vya_backup.transport.storage import Store


@dataclass(frozen=True)
class ReadBack:
    """What lies on the disk."""

    size_bytes: int
    sha256: str
    from_disk: bool


@dataclass(frozen=True)
class Unpacked(ReadBack):
    """What a stored file turned out to hold.

    `undecodable` is empty when it decodes to its end, `incomplete` when its observer is content.
    """

    plain_bytes: int
    plain_sha256: str
    observation: Observation | None
    undecodable: str
    incomplete: str

    @property
    def fault(self) -> str:
        """Return what is wrong with it, or an empty text."""
        return self.undecodable or self.incomplete


def read_back(store: Store, relative: str, progress: Progress = silent, limits: Limits = UNLIMITED) -> ReadBack:
    """Read a stored file from the disk to its end and digest it; `progress` gets its stored bytes twice.

    Raises:
        StorageFailed: the file is not there, or the disk refused to read it: nothing can be said about it.
        TimedOut, Interrupted: it is time to give up.
    """
    stored = Digest()
    with store.open_from_disk(relative) as file:
        for chunk in _chunks(file, store.path(relative), limits):
            stored.feed(chunk)
            progress(stored.size, stored.size)
    return ReadBack(stored.size, stored.hexdigest(), file.from_disk)


def unpack(
    store: Store,
    relative: str,
    compression: Kind,
    observer: DumpObserver | None = None,
    progress: Progress = silent,
    limits: Limits = UNLIMITED,
) -> Unpacked:
    """Read a stored file from the disk, digest it, decode it to its end and show it to the observer.

    Damage is a finding, told by the result; the digest covers the whole file all the same.

    Raises:
        StorageFailed: the file is not there, or the disk refused to read it: nothing can be said about it.
        TimedOut, Interrupted: it is time to give up.
    """
    stored, plain = Digest(), Digest()
    with store.open_from_disk(relative) as file, Beside(onlooker(plain, observer)) as beside:
        decoder = LenientDecoder(compression, beside.give)
        for chunk in _chunks(file, store.path(relative), limits):
            decoder.feed(stored.feed(chunk))
            progress(plain.size, stored.size)
        decoder.finish()
    observation = observer.finish() if observer else None
    return Unpacked(
        size_bytes=stored.size,
        sha256=stored.hexdigest(),
        from_disk=file.from_disk,
        plain_bytes=plain.size,
        plain_sha256=plain.hexdigest(),
        observation=observation,
        undecodable=decoder.fault,
        incomplete=observation.shortfall if observation else "",
    )


def beginning(store: Store, relative: str, compression: Kind, size: int = 4096) -> bytes:
    """Return how a stored dump begins, decoded; less when it is shorter.

    Raises:
        ArtifactDamaged: it can't be decoded that far.
        StorageFailed: it is not there or can't be read.
    """
    begin = b""
    for piece in decoded(store.path(relative), compression, Digest()):
        begin += piece[: size - len(begin)]
        if len(begin) == size:
            break
    return begin


def _chunks(file: StoredFile, path: Path, limits: Limits) -> Iterator[bytes]:
    while chunk := read_chunk(file.read, path):
        stop.check()
        limits.check(path.name)
        yield chunk
