"""The copies of this host's catalogs in the tree of backups: found, written and read, never changed.

What the copies hold is found from names alone, in the folders of the newest series, so that the cost of a run does not
grow with history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vya_backup.decisions.copies import Segment, Series, segment_of, series_of, snapshot_name, snapshot_position
from vya_backup.errors import ArtifactDamaged
from vya_backup.history import segments
from vya_backup.transport.compression import Compressor
from vya_backup.transport.decoding import decoded
from vya_backup.transport.disk import explained
from vya_backup.transport.reading_back import read_back
from vya_backup.transport.stages import Digest
from vya_backup.transport.storage import Store

CHUNK_BYTES = 256 * 1024
MOVE = "Move it away; if it is the newest of its kind, the next run writes it again."


@dataclass(frozen=True)
class CopyFolder:
    """The copies of one catalog: `{hostname}/@catalog/{catalog_id}` of a store."""

    store: Store
    path: str

    @property
    def catalog_id(self) -> str:
        """Return whose copies these are."""
        return self.path.rpartition("/")[2]

    def series(self) -> list[Series]:
        """Return the series, oldest first."""
        return sorted(found for name in self.store.names(self.path) if (found := series_of(name)))

    def segments(self, series: Series) -> list[Segment]:
        """Return the segments of a series, in the order of their positions."""
        names = self.store.names(self.file(series))
        return sorted(found for name in names if (found := segment_of(name)))

    def snapshots(self, series: Series) -> list[int]:
        """Return the positions of the complete snapshots of a series, oldest first."""
        names = self.store.names(self.file(series))
        found = (position for name in names if (position := snapshot_position(name)) is not None)
        return sorted(position for position in found if f"{snapshot_name(position)}.sha256" in names)

    def newest(self) -> tuple[str, Segment] | None:
        """Return the path and the positions of the newest segment."""
        for series in reversed(self.series()):
            if held := self.segments(series):
                return self.file(series, held[-1].name), held[-1]
        return None

    def file(self, series: Series, name: str = "") -> str:
        """Return the path of a series, or of a file in it, relative to the store."""
        return f"{self.path}/{series.name}/{name}".removesuffix("/")


def folders(store: Store, path: str) -> list[CopyFolder]:
    """Return the catalogs that have copies below a folder, the one that was begun first at the front.

    Their ids are UUIDv7 and sort by the time they were made: chains have no other order among themselves.
    """
    found = [CopyFolder(store, f"{path}/{name}".removeprefix("./")) for name in store.names(path)]
    return [folder for folder in found if folder.series()]


def segment_lines(store: Store, path: str) -> Iterator[bytes]:
    """Yield the lines of a segment as long as they are sound.

    Raises:
        ArtifactDamaged: a line is not what was written, or the end is missing.
        StorageFailed: the file could not be read.
    """
    expected = segment_of(path.rpartition("/")[2])
    number = 0
    try:
        with explained("read", store.path(path)), store.path(path).open("rb") as file:
            for number, text in enumerate(segments.checked(file), start=1):
                if expected and number in {1, 1 + expected.last - expected.first}:
                    _demand_place(text, path.split("/")[-3], expected.first + number - 1)
                yield text
    except ValueError as error:
        raise ArtifactDamaged(f"{path} is damaged: {error}", MOVE) from error
    if number == 0 or (expected and number != 1 + expected.last - expected.first):
        raise ArtifactDamaged(f"{path} is damaged: it holds {number:,} events, which its name denies", MOVE)


def last_entry(store: Store, path: str) -> segments.Entry:
    """Read a segment and return its last event.

    Raises:
        ArtifactDamaged: the segment is damaged.
        StorageFailed: it could not be read.
    """
    newest = deque(segment_lines(store, path), maxlen=1)
    return segments.entry(newest[0])


def write_segment(store: Store, path: str, lines: Iterator[bytes]) -> None:
    """Publish a segment; until its last line is on the disk, nothing of it is seen.

    Raises:
        SpaceMissing, StorageFailed: it is not published.
        CatalogError: the lines could not be had.
    """
    with store.draft(path) as draft:
        for text in lines:
            draft.write(text)
        draft.publish(numbered=False)


def write_snapshot(store: Store, path: str, source: Path) -> None:
    """Publish a compressed copy of a file and, before it, its checksum for `sha256sum -c`.

    Raises:
        SpaceMissing, StorageFailed: it is not published.
    """
    compressor, stored = Compressor("gzip"), Digest()
    with store.draft(path) as draft, explained("read", source), source.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            draft.write(stored.feed(compressor.feed(chunk)))
        draft.write(stored.feed(compressor.finish()))
        if store.size(f"{path}.sha256") is not None:  # a crash came between the two
            store.unlink(f"{path}.sha256")
        store.write_sidecar(f"{path}.sha256", _checksum_line(path, stored.hexdigest()))
        draft.publish(numbered=False)


def unpack_snapshot(store: Store, path: str, take: Callable[[bytes], object]) -> None:
    """Read a snapshot to its last byte, compare it with its checksum, and hand its plain bytes over.

    Raises:
        ArtifactDamaged: it, or its checksum, is not what was written.
        StorageFailed: it could not be read.
    """
    stored = Digest()
    try:
        for piece in decoded(store.path(path), "gzip", stored):
            take(piece)
    except ArtifactDamaged as error:
        raise ArtifactDamaged(f"{path} is damaged: {error.message}", MOVE) from error
    _demand_checksum(store, path, stored.hexdigest())


def compare_snapshot(store: Store, path: str) -> None:
    """Read a snapshot's stored bytes from the disk and compare them with its checksum; nothing is decoded.

    Raises:
        ArtifactDamaged: it, or its checksum, is not what was written.
        StorageFailed: it could not be read.
    """
    _demand_checksum(store, path, read_back(store, path).sha256)


def _demand_checksum(store: Store, path: str, digest: str) -> None:
    if store.read_bytes(f"{path}.sha256") != _checksum_line(path, digest):
        raise ArtifactDamaged(f"{path} is damaged: it and its .sha256 do not agree", MOVE)


def _checksum_line(path: str, digest: str) -> bytes:
    return f"{digest}  {path.rpartition('/')[2]}\n".encode()


def _demand_place(text: bytes, catalog_id: str, position: int) -> None:
    found = segments.entry(text)
    if (found.catalog_id, found.position) != (catalog_id, position):
        raise ValueError(f"it holds position {found.position:,} of {found.catalog_id}, which its name denies")
