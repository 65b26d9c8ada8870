"""A private log file that survives whatever rotates it: moved away, truncated, removed.

The rule: a line is one system call on a descriptor that appends, so that lines of several processes never mix, and what
`copytruncate` cut off is followed by the next line at the new end.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from vya_backup.log.heard import say

FILE_MODE = 0o600
FOLDER_MODE = 0o700


class PrivateFile:
    """A log file of mode 0600 that is opened anew when logrotate has moved it away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._lock = threading.Lock()
        self._complained = False

    def write(self, line: str) -> None:
        """Append a line; when that fails, say so once on standard error and go on."""
        rest = line.encode(errors="backslashreplace")
        with self._lock:
            try:
                descriptor = self._opened()
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            except OSError as error:
                self._complain(error)

    def _opened(self) -> int:
        if self._descriptor is not None and not self._is_moved(self._descriptor):
            return self._descriptor
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        os.fchmod(self._descriptor, FILE_MODE)
        return self._descriptor

    def _is_moved(self, descriptor: int) -> bool:
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            return True

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            say(f"warning: the log {self._path} cannot be written: {error.strerror}", sys.stderr)
        self._complained = True
