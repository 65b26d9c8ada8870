"""Streams a dump out of its tools and back into them; the rule is that nothing counts as done before every sign agrees.

Signs are: the exit status of each child, the end-of-dump line that the observer demands, and every byte written.
A dump is compressed in the thread that reads it, while a second one looks at the plain bytes: digest and observer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vya_backup import clock
from vya_backup.decisions.manifest import PartSpan
from vya_backup.engines.contract import Command, Engine
from vya_backup.engines.dumping import DumpObserver, DumpPart, Observation
from vya_backup.errors import DumpIncomplete, RestoreFailed
from vya_backup.transport.beside import Beside
from vya_backup.transport.compression import Compressor, Kind
from vya_backup.transport.decoding import LenientDecoder, decoded, read_chunk, within
from vya_backup.transport.evidence import Evidence
from vya_backup.transport.limits import UNLIMITED, Limits
from vya_backup.transport.processes import Child
from vya_backup.transport.reading import StoredFile
from vya_backup.transport.stages import Chain, Count, Digest
from vya_backup.transport.stopping import stop
from vya_backup.transport.storage import Store

__all__ = [
    "UNLIMITED",
    "Limits",
    "Loaded",
    "Progress",
    "ReadBack",
    "Sink",
    "Streamed",
    "Unpacked",
    "beginning",
    "dump",
    "load",
    "output",
    "read_back",
    "run",
    "silent",
    "unpack",
]

Progress = Callable[[int, int], None]
"""Called with the plain and the stored bytes so far, once a chunk, in the working thread: note them and return."""


class Sink(Protocol):
    """Where a dump's stored bytes go: a draft of the storage."""

    def write(self, data: bytes) -> None:
        """Append bytes, or raise a BackupError."""


def silent(plain_bytes: int, stored_bytes: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Streamed:
    """A dump that was complete when it was written. Sizes in bytes, digests in hexadecimal."""

    plain_bytes: int
    stored_bytes: int
    plain_sha256: str
    stored_sha256: str
    md5: str | None
    stderr: str
    observation: Observation
    duration_seconds: float


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


@dataclass(frozen=True)
class Loaded:
    """What was fed to a tool that said success. `sha256` is of the stored bytes, None when only spans were read."""

    plain_bytes: int
    stderr: str
    sha256: str | None
    duration_seconds: float


def dump(  # noqa: PLR0913 - the ends of the stream and its conditions; a class for them would only be unpacked here
    parts: Iterable[DumpPart],
    sink: Sink,
    observer: DumpObserver,
    *,
    engine: Engine,
    compressor: Compressor,
    limits: Limits = UNLIMITED,
    progress: Progress = silent,
    extra_digests: tuple[str, ...] = (),
) -> Streamed:
    """Run the parts one after the other and write their compressed output to a draft, which stays unpublished.

    Raises:
        BackupError: what `engine.explain_tool` makes of a failed tool; its `stderr` holds the tool's words.
        DumpIncomplete: the tools said success, and the observer misses something.
        ToolMissing, TimedOut, Interrupted, SpaceMissing, StorageFailed: as they say; no child is left.
    """
    began = clock.monotonic()
    read, plain, stored = Count(), Digest(), Digest("sha256", *extra_digests)
    chain = Chain((read, compressor, stored), sink.write)
    said = Evidence()
    with Beside(_looking(plain, observer)) as beside:
        for part in parts:
            with Child(part.command, answers=True) as child:
                while chunk := child.read(limits):
                    beside.give(chunk)
                    chain.feed(chunk)
                    progress(read.size, stored.size)
                said.add(_succeeded(child, engine, limits).encode())
                beside.settle()
                if child.report is not None:
                    observer.note_report(child.report)
            observer.end_part(part.name)
    chain.finish()
    return Streamed(
        plain_bytes=plain.size,
        stored_bytes=stored.size,
        plain_sha256=plain.hexdigest(),
        stored_sha256=stored.hexdigest(),
        md5=stored.hexdigest("md5") if "md5" in extra_digests else None,
        stderr=said.text(),
        observation=_complete(observer, said.text()),
        duration_seconds=clock.monotonic() - began,
    )


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
    with store.open_from_disk(relative) as file, Beside(_looking(plain, observer)) as beside:
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
        incomplete=_fault(observation),
    )


def load(  # noqa: PLR0913 - the ends of the stream and its conditions, as in `dump`
    path: Path,
    compression: Kind,
    command: Command,
    *,
    engine: Engine,
    spans: tuple[PartSpan, ...] = (),
    edit: Callable[[bytes], bytes] | None = None,
    limits: Limits = UNLIMITED,
    progress: Progress = silent,
) -> Loaded:
    """Feed a stored dump, decoded, to a tool: all of it, or only the spans in the order of the stream.

    `edit` gets the bytes of a small part as a whole and returns what is fed instead.

    Raises:
        BackupError: what `engine.explain_tool` makes of a failed tool; its `stderr` holds the tool's words.
        ArtifactDamaged: the stored stream breaks off or is damaged.
        RestoreFailed: the tool stopped reading and still said success.
        ToolMissing, TimedOut, Interrupted, StorageFailed: as they say; no child is left.
    """
    began = clock.monotonic()
    stored, plain = Digest(), Count()
    pieces = decoded(path, compression, stored)
    pieces = within(pieces, spans) if spans else pieces
    if edit:
        pieces = iter([edit(b"".join(pieces))])

    def fed() -> Iterator[bytes]:
        for piece in pieces:
            yield plain.feed(piece)
            progress(plain.size, stored.size)

    stderr = _fed(command, fed(), engine, limits)
    return Loaded(plain.size, stderr, None if spans else stored.hexdigest(), clock.monotonic() - began)


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


def run(command: Command, *, engine: Engine, limits: Limits = UNLIMITED) -> str:
    """Run a tool without input or output and return what it said on standard error.

    Raises:
        BackupError: what `engine.explain_tool` makes of its failure.
        ToolMissing, TimedOut, Interrupted: as they say; no child is left.
    """
    with Child(command) as child:
        return _succeeded(child, engine, limits)


def output(command: Command, *, engine: Engine, limits: Limits = UNLIMITED) -> bytes:
    """Run a tool without input and return its standard output, which is small.

    Raises:
        BackupError: what `engine.explain_tool` makes of its failure.
        ToolMissing, TimedOut, Interrupted: as they say; no child is left.
    """
    said = bytearray()
    with Child(command, answers=True) as child:
        while chunk := child.read(limits):
            said += chunk
        _succeeded(child, engine, limits)
    return bytes(said)


def _chunks(file: StoredFile, path: Path, limits: Limits) -> Iterator[bytes]:
    while chunk := read_chunk(file.read, path):
        stop.check()
        limits.check(path.name)
        yield chunk


def _looking(plain: Digest, observer: DumpObserver | None) -> Callable[[bytes], None]:
    """Return what the second thread does with plain bytes."""

    def look(piece: bytes) -> None:
        plain.feed(piece)
        if observer:
            observer.feed(piece)

    return look


def _fed(command: Command, pieces: Iterator[bytes], engine: Engine, limits: Limits) -> str:
    with Child(command, feeds=True) as child:
        try:
            for piece in pieces:
                child.write(piece, limits)
        except BrokenPipeError:
            _succeeded(child, engine, limits)  # why it stopped reading is its own to say
            raise RestoreFailed(f"{child.name} stopped reading before the end of the dump, and said success") from None
        child.close_input()
        return _succeeded(child, engine, limits)


def _succeeded(child: Child, engine: Engine, limits: Limits) -> str:
    status = child.wait(limits)
    if status:
        raise engine.explain_tool(child.name, status, child.stderr)
    return child.stderr


def _complete(observer: DumpObserver, stderr: str) -> Observation:
    observation = observer.finish()
    if fault := _fault(observation):
        error = DumpIncomplete(fault, "Nothing was kept of it; the tool's log has more.")
        error.stderr = stderr
        raise error
    return observation


def _fault(observation: Observation | None) -> str:
    if observation is None or observation.complete:
        return ""
    return observation.fault or "the end-of-dump line is missing"
