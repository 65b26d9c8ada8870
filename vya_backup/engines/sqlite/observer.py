"""Watches a SQLite file pass by: its header says how long it must be; its tool's report says what it holds.

The format of the first 100 bytes is that of https://www.sqlite.org/fileformat2.html, section 1.3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.dumping import Observation
from vya_backup.engines.sqlite.files import HEADER_BYTES, MAGIC

UNKNOWN = Manifest(objects={}, rows={}, rows_exact=False)


class SqliteObserver:
    """Counts bytes and keeps the header: a file that ends early, or is none, is seen without its tool's word."""

    def __init__(self) -> None:
        self._header = b""
        self._size = 0
        self._manifest: Manifest | None = None

    def feed(self, chunk: bytes) -> None:
        """See the next bytes."""
        if len(self._header) < HEADER_BYTES:
            self._header += chunk[: HEADER_BYTES - len(self._header)]
        self._size += len(chunk)

    def note_report(self, report: str) -> None:
        """Take the survey that the program made of the very copy it streamed.

        Raises:
            ValueError, KeyError: it is no such report.
        """
        self._manifest = manifest_of(json.loads(report))

    def end_part(self, name: str) -> None:
        """Do nothing: the header alone tells where the file ends."""

    def finish(self) -> Observation:
        """Say whether the file is whole, and what it holds where that is known."""
        fault = self._fault()
        return Observation(
            manifest=self._manifest or UNKNOWN, complete=not fault, fault=fault, surveyed=self._manifest is not None
        )

    def _fault(self) -> str:
        if len(self._header) < HEADER_BYTES or not self._header.startswith(MAGIC):
            return "the stream is no SQLite file"
        page_size = _number(self._header, 16, 2)
        page_size = 65536 if page_size == 1 else page_size
        if page_size < 512 or page_size & (page_size - 1) or self._size % page_size:
            return f"the stream ends within a page: {self._size:,} bytes are no multiple of {page_size:,}"
        # The page count counts only when it was written together with the last change (offsets 24 and 92).
        pages = _number(self._header, 28, 4) if self._header[24:28] == self._header[92:96] else 0
        if pages and pages * page_size != self._size:
            return f"the header says {pages * page_size:,} bytes, the stream has {self._size:,}"
        return ""


def manifest_of(found: Mapping[str, Any]) -> Manifest:
    """Make a manifest of what `program/survey.py` returns."""
    return Manifest(
        objects=objects_of(found["schema"]),
        rows=dict(sorted(found["rows"].items())),
        rows_exact=True,
        sequences=dict(sorted(found["sequences"].items())),
        schema_hash=hashlib.sha256(json.dumps(found["schema"]).encode()).hexdigest(),
    )


def objects_of(schema: Sequence[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the sorted names by kind."""
    kinds = sorted({kind for kind, *_ in schema})
    return {wanted: tuple(sorted(name for kind, name, *_ in schema if kind == wanted)) for wanted in kinds}


def _number(header: bytes, offset: int, size: int) -> int:
    return int.from_bytes(header[offset : offset + size], "big")
