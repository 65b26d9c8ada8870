"""Streams a dump out of its tools and back into them; the rule is that nothing counts as done before every sign agrees.

Signs are: the exit status of each child, the end-of-dump line that the observer demands, and every byte written.
A dump is compressed in the thread that reads it, while a second one looks at the plain bytes: digest and observer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vya_backup import clock, log
from vya_backup.decisions.manifest import PartSpan
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Engine
from vya_backup.engines.dumping import DumpObserver, DumpPart, Observation
from vya_backup.errors import DumpIncomplete, RestoreFailed
from vya_backup.transport.beside import Beside, onlooker
from vya_backup.transport.compression import Compressor, Kind
from vya_backup.transport.decoding import decoded, within
from vya_backup.transport.evidence import Evidence
from vya_backup.transport.limits import UNLIMITED, Limits
from vya_backup.transport.pacing import Pace
from vya_backup.transport.processes import Child
from vya_backup.transport.stages import Chain, Count, Digest

Progress = Callable[[int, int], None]
"""Called with the plain and the stored bytes so far, once a chunk, in the working thread: note them and return."""

_Takers = tuple[Callable[[bytes], object], ...]


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
    pace: Pace | None = None,
    extra_digests: tuple[str, ...] = (),
) -> Streamed:
    """Run the parts one after the other and write their compressed output to a draft, which stays unpublished.

    A `pace` holds the plain bytes to its rate; without one nothing is asked.

    Raises:
        BackupError: what `engine.explain_tool` makes of a failed tool; its `stderr` holds the tool's words.
        DumpIncomplete: the tools said success, and the observer misses something.
        ToolMissing, TimedOut, Interrupted, SpaceMissing, StorageFailed: as they say; no child is left.
    """
    began = clock.monotonic()
    read, plain, stored = Count(), Digest(), Digest("sha256", *extra_digests)
    chain = Chain((read, compressor, stored), sink.write)
    said = Evidence()
    with Beside(onlooker(plain, observer)) as beside:
        takers: _Takers = (beside.give, chain.feed, lambda _: progress(read.size, stored.size))
        if pace is not None:
            takers = (*takers, lambda chunk: pace.keep(len(chunk), limits))
        for part in parts:
            said.add(_ran(part, takers, beside, observer, engine, limits).encode())
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


def _ran(
    part: DumpPart,
    takers: _Takers,
    beside: Beside,
    observer: DumpObserver,
    engine: Engine,
    limits: Limits,
) -> str:
    """Run one part and return what it said on standard error; the observer hears of its end once it has seen all."""
    with Child(part.command, answers=True) as child:
        while chunk := child.read(limits):
            for take in takers:
                take(chunk)
        said = _succeeded(child, engine, limits)
        beside.settle()
        if child.report is not None:
            observer.note_report(child.report)
    observer.end_part(part.name)
    return said


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
        error = engine.explain_tool(child.name, status, child.stderr)
        log.event("tool_failed", level="error", tool=child.name, status=status, code=error.code, message=error.message)
        raise error
    return child.stderr


def _complete(observer: DumpObserver, stderr: str) -> Observation:
    observation = observer.finish()
    if observation.shortfall:
        error = DumpIncomplete(observation.shortfall, "Nothing was kept of it; the tool's log has more.")
        error.stderr = stderr
        raise error
    return observation
