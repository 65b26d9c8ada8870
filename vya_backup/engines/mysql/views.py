"""Reads the part of a dump that holds the views: all of them first by name and columns, then each with its query.

The rule: where one half ends is told from statements, never from the tool's comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vya_backup.engines.mysql.statements import created_at_top, is_whole

_FREE_LINES = (b"--", b"/*M!999999")  # comments, and MariaDB's line for its own client, end without a semicolon
_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")  # `splitlines` would also break at a carriage return in a name
_DROP = b"/*!50001 DROP VIEW IF EXISTS "


def names_only(part: bytes) -> bytes:
    """Return the beginning of the part that makes every view as a stand-in of that name, with its columns."""
    end = 0
    for offset, statement in _statements(part):
        if created_at_top(statement) is not None:
            return part[:end]
        if statement.startswith(_DROP):
            end = offset  # each query comes behind the drop of its stand-in
    return part


def _statements(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where each statement begins, and the statement."""
    begun, statement = 0, b""
    for found in _LINE.finditer(text):
        line = found[0]
        if statement or (line.strip() and not line.startswith(_FREE_LINES)):
            begun = begun if statement else found.start()
            statement += line
            if line.endswith(b";\n") and is_whole(statement):
                yield begun, statement
                statement = b""
