"""A file being written: hidden, private and locked until it is complete, on the disk, and gets its final name."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType

from vya_backup.transport import folders
from vya_backup.transport.disk import explained

FILE_MODE = 0o600
PARTIAL_SUFFIX = ".partial"
LONGEST_NAME_IN_PARTIAL = 200  # bytes; leaves room for what is put around it below the 255 of common file systems
WRITE_BACK_BYTES = 32 * 1024 * 1024
ARTIFACT = re.compile(r"(?P<stem>.+?)(?P<suffixes>\.(sql|db)\.(gz|zst))")


@dataclass(frozen=True)
class Target:
    """Where a draft goes: `final` lies below `base`, and `folder`, in the same file system, holds it until then."""

    base: Path
    final: Path
    folder: Path


class Draft:
    """A file being written under a hidden name; without `publish` it disappears when the context is left."""

    def __init__(self, target: Target, place: Callable[[Path, Path], None], discard: Callable[[Path], None]) -> None:
        """Create the file. `place` moves it to a name that must be free, `discard` removes it; storage owns both."""
        self._target = target
        self._place = place
        self._discard = discard
        self._temp, self._descriptor = _new_partial(target.folder, target.final.name, discard)
        self._written = 0
        self._written_back = 0
        self._published = False

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._published:
            self._discard(self._temp)
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            SpaceMissing: the disk, the quota or the file size limit is full.
            StorageFailed: the disk refused otherwise.
        """
        with explained("write", self._target.final):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._written += len(data)
            if self._written - self._written_back >= WRITE_BACK_BYTES:
                self._start_write_back()

    def sync(self) -> None:
        """Wait until every byte is on the disk.

        Raises:
            SpaceMissing, StorageFailed: some never got there.
        """
        with explained("sync", self._target.final):
            os.fsync(self._descriptor)

    def publish(self, *, numbered: bool = True) -> str:
        """Sync, give the file its final name and return that, relative to the base path.

        A name that is taken gets -2, -3 … before the suffixes; unless `numbered`,
        it is an error.

        Raises:
            SpaceMissing, StorageFailed: the file is not published.
        """
        self.sync()
        with explained("publish", self._target.final):
            claim = os.dup(self._descriptor)  # keeps the lock until the hidden name is gone, so that no sweep takes it
            try:
                self._close()
                final = self._placed(_candidates(self._target.final) if numbered else iter([self._target.final]))
                self._published = True
                self._demand_durable(final)
            finally:
                os.close(claim)
        return final.relative_to(self._target.base).as_posix()

    def _demand_durable(self, final: Path) -> None:
        """Sync the folder; a name that may not survive a power cut is taken back, so that it is never mistaken."""
        try:
            folders.sync(final.parent)
        except OSError:
            self._discard(final)
            raise

    def _start_write_back(self) -> None:
        """Have the kernel begin to write, so that the sync at the end is short and the cache is left to others."""
        os.posix_fadvise(self._descriptor, self._written_back, 0, os.POSIX_FADV_DONTNEED)
        self._written_back = self._written

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)

    def _placed(self, names: Iterator[Path]) -> Path:
        for final in names:
            with suppress(FileExistsError):
                self._place(self._temp, final)
                return final
        raise FileExistsError(errno.EEXIST, "the name is taken", str(self._target.final))


def is_partial(path: Path) -> bool:
    """Say whether a name is that of an unpublished draft."""
    return path.name.startswith(".") and path.name.endswith(PARTIAL_SUFFIX)


def locked(descriptor: int) -> bool:
    """Lock an open file for as long as it stays open; say whether nobody else has."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _candidates(final: Path) -> Iterator[Path]:
    """Yield the name, then the same with -2, -3 … before its suffixes."""
    found = ARTIFACT.fullmatch(final.name)
    stem, suffixes = (found["stem"], found["suffixes"]) if found else (final.stem, final.suffix)
    yield final
    for number in count(2):
        yield final.with_name(f"{stem}-{number}{suffixes}")


def _new_partial(folder: Path, name: str, discard: Callable[[Path], None]) -> tuple[Path, int]:
    """Create a hidden file, 0600 whatever the umask and locked for as long as it is written."""
    shortened = os.fsencode(name)[:LONGEST_NAME_IN_PARTIAL].decode(errors="ignore")
    while True:
        path = folder / f".{shortened}.{os.urandom(4).hex()}{PARTIAL_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            os.fchmod(descriptor, FILE_MODE)
            if locked(descriptor) and os.fstat(descriptor).st_nlink:
                return path, descriptor
        except OSError:
            discard(path)
            os.close(descriptor)
            raise
        os.close(descriptor)  # a sweep came between the two; it removes the file
