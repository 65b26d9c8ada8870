"""Reads stored files back from the disk itself, where the system allows, and says whether it did."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import TracebackType

PAGE_BYTES = 4096
SAMPLES = 16


class StoredFile:
    """An open file whose cached pages were dropped first.

    `from_disk` is true when none of a few sampled pages was still in the cache: a read that may not wait
    (RWF_NOWAIT, preadv2(2)) is refused for a page that must come from the disk. Where that can't be asked, it is false.

    Raises:
        OSError: the file is not there, is none, or can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # to open a pipe would wait for a writer
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        self.size = status.st_size
        os.fsync(self._descriptor)  # only clean pages can be dropped
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        self.from_disk = self.size > 0 and not any(map(self._is_cached, range(0, self.size, self._stride)))
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def __enter__(self) -> StoredFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, empty at the end.

        Raises:
            OSError: the disk refused.
        """
        return os.read(self._descriptor, size)

    @property
    def _stride(self) -> int:
        return max(PAGE_BYTES, self.size // SAMPLES)

    def _is_cached(self, offset: int) -> bool:
        """Read a byte without waiting for the disk; where that can't be promised, the page counts as cached."""
        try:
            os.preadv(self._descriptor, [bytearray(1)], offset, os.RWF_NOWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
