"""PURE: an event as a line of a segment: `{"hash":"…","event":[…]}`.

The list is the canonical encoding itself (`chain.HASHED` is its order), so that each byte of a line stands under the
line's own hash, and a segment is checked without reading its JSON: SHA-256 of the list is the hash, and the list ends
with the hash of the line before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vya_backup.history import chain

_LINE: Final = re.compile(rb'\{"hash":"([0-9a-f]{64})","event":(\[.*\])\}\n', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One event of a chain: its columns in the order of `chain.HASHED`, and its hash."""

    values: tuple[Any, ...]
    hash: str

    @property
    def catalog_id(self) -> str:
        """Return the chain that it belongs to."""
        return str(self.values[0])

    @property
    def position(self) -> int:
        """Return its place in that chain."""
        return int(self.values[1])


def line(values: Sequence[Any], recorded: str) -> bytes:
    """Return the line of an event.

    Raises:
        ValueError: its content does not give its hash, so that nobody could check the line.
    """
    canonical = chain.encoded(values)
    if hashlib.sha256(canonical).hexdigest() != recorded:
        raise ValueError("its content does not give its hash")
    return b'{"hash":"%s","event":%s}\n' % (recorded.encode(), canonical)


def entry(text: bytes) -> Entry:
    """Read a line that `checked` has accepted.

    Raises:
        ValueError: it is no line of a segment.
    """
    found = _LINE.fullmatch(text)
    values: list[Any] = json.loads(found[2]) if found else []
    if found is None or len(values) != len(chain.HASHED) or not isinstance(values[1], int):
        raise ValueError("it is no event")
    return Entry(tuple(values), found[1].decode())


def checked(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of one segment as long as each is what its hash says and follows the one before it.

    Raises:
        ValueError: one is not, or does not; those before it were yielded.
    """
    before = b""
    for number, text in enumerate(lines, start=1):
        found = _LINE.fullmatch(text)
        if found is None:
            raise ValueError(f"line {number} is no event, or is cut short")
        if hashlib.sha256(found[2]).hexdigest().encode() != found[1]:
            raise ValueError(f"line {number} is not what its hash says")
        if before and not found[2].endswith(b',"%s"]' % before):
            raise ValueError(f"line {number} does not follow the line before it")
        before = found[1]
        yield text
