"""Counts the rows of INSERT statements as their bytes pass, without ever holding a statement.

The rule that both tools keep: inside a string a line break is written `\\n`, so a raw one ends a row (MariaDB: one
row a line) or the statement (MySQL: all rows on one line).
"""

from __future__ import annotations

import re

_ALL_BUT_QUOTE_AND_PARENTHESIS = bytes(byte for byte in range(256) if byte not in b"'(")
_NAME = rb"`(?:[^`]|``)*`"
HEADER = re.compile(
    rb"INSERT (?:IGNORE )?INTO (" + _NAME + rb")(?: \((?:(?:" + _NAME + rb"|\w+)(?:, ?)?)*\))? VALUES\s"
)


class Rows:
    """The rows of one INSERT statement, from behind its `VALUES`."""

    def __init__(self) -> None:
        self.count = 0
        self._by_line = False
        self._in_string = False
        self._half_escape = b""
        self._last = b""

    def feed(self, data: bytes) -> int:
        """See the next bytes of the statement; return how many belong to it, or -1 when it goes on."""
        start = 0
        if not self._by_line:
            start = self._first_line(data)
            if start < 0 or self._last == b";":
                return start
        return self._lines(data, start)

    def _first_line(self, data: bytes) -> int:
        """Count parentheses that open outside of strings: all rows of MySQL, the first one of MariaDB."""
        end = data.find(b"\n")
        self._scan(data if end < 0 else data[:end])
        self._last = data[end - 1 : end] if end > 0 else (self._last if end == 0 else data[-1:] or self._last)
        self._by_line = end >= 0
        return end + 1 if end >= 0 else -1

    def _lines(self, data: bytes, start: int) -> int:
        """Count the line breaks up to the one behind a semicolon."""
        if self._last == b";" and data.startswith(b"\n", start):
            self.count += 1
            return start + 1
        # Most chunks hold no end. One byte is looked for many times as fast as two, and rfind is faster than find.
        if data.find(b";", start) < 0 or data.rfind(b";\n", start) < 0:
            self.count += data.count(b"\n", start)
            self._last = data[-1:] if len(data) > start else b""
            return -1
        end = data.find(b";\n", start)
        self.count += data.count(b"\n", start, end) + 1
        return end + 2

    def _scan(self, data: bytes) -> None:
        data = self._half_escape + data
        trailing = len(data) - len(data.rstrip(b"\\"))
        self._half_escape = b"\\" if trailing % 2 else b""  # the other half is in the next chunk
        if trailing % 2:
            data = data[:-1]
        if b"'" not in data:
            self.count += 0 if self._in_string else data.count(b"(")
            return
        plain = data.replace(b"\\\\", b"").replace(b"\\'", b"")
        pieces = plain.translate(None, _ALL_BUT_QUOTE_AND_PARENTHESIS).split(b"'")
        self.count += b"".join(pieces[self._in_string :: 2]).count(b"(")
        self._in_string ^= len(pieces) % 2 == 0
