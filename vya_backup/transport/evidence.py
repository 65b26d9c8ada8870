"""What a tool said on standard error: kept in O(1) memory, with every known secret scrubbed."""

from __future__ import annotations

from vya_backup.redaction import scrub

HALF_BYTES = 32 * 1024


class Evidence:
    """The first and the last 32 KiB of a text; what lies between is counted and dropped."""

    def __init__(self) -> None:
        self._first = bytearray()
        self._last = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes, of any size."""
        room = HALF_BYTES - len(self._first)
        self._first += data[:room]
        self._last += data[room:]
        excess = len(self._last) - HALF_BYTES
        if excess > 0:
            del self._last[:excess]
            self._dropped += excess

    def text(self) -> str:
        """Return what was kept, decoded and scrubbed."""
        if not self._dropped:
            return scrub(_decoded(self._first + self._last))
        # Whole lines at the cut: half a secret would slip past the scrubber.
        first = self._first[: self._first.rfind(b"\n") + 1]
        last = self._last[self._last.find(b"\n") + 1 :]
        dropped = self._dropped + len(self._first) - len(first) + len(self._last) - len(last)
        return scrub(f"{_decoded(first)}[{dropped} bytes left out]\n{_decoded(last)}")


def _decoded(data: bytes | bytearray) -> str:
    return data.decode(errors="replace")
