"""PURE: rows as CSV, in pieces, for whoever opens it in a spreadsheet too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

_PIECE: Final = 1 << 20
_FORMULA: Final = ("=", "+", "-", "\t", "\r")


def csv_pieces(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """Yield the head and the rows as UTF-8; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(value) for value in row])
        if text.tell() > _PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def harmless(value: Any) -> Any:
    """Keep a text that a spreadsheet would run as a formula from being one; names and messages come from outside."""
    if isinstance(value, str) and (value.startswith(_FORMULA) or (value[:1] == "@" and "(" in value)):
        return f"'{value}"
    return value
