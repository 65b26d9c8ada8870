"""Watches a dump's plain bytes: objects, exact row counts, sequence values, end-of-dump lines, the schema's hash.

The rule: O(1) memory whatever the rows; a text inside data, a body or a comment can never pass for a statement.
"""

from __future__ import annotations

import hashlib

from vya_backup.decisions.manifest import Manifest, PartSpan
from vya_backup.engines.dumping import Observation
from vya_backup.engines.mysql.inserts import HEADER, Rows
from vya_backup.engines.mysql.objects import by_kind
from vya_backup.engines.mysql.questions import spelled
from vya_backup.engines.mysql.statements import (
    created_at_top,
    created_in_body,
    is_whole,
    sequence_value,
    unquoted,
    without_counters,
)

_INSERT = b"INSERT INTO `"
_HEADERS = (b"-- MariaDB dump ", b"-- MySQL dump ")
_TRAILER = b"-- Dump completed"
_BODY_STARTS = b"DELIMITER ;;\n"
_BODY_ENDS = b"DELIMITER ;\n"
_SANDBOX_LINE = b"/*M!999999"  # MariaDB's line for its own client; it ends without a semicolon
_NOT_SCHEMA = (b"/*!40000 ALTER TABLE", b"DO SETVAL", b"SELECT SETVAL", b"LOCK TABLES", b"UNLOCK TABLES")
_LONGEST_HEAD = 64 * 1024
_LONGEST_STATEMENT = 16 * 1024 * 1024


class Observer:
    """One dump being watched; see `contract.DumpObserver`."""

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0
        self._rows_of: Rows | None = None
        self._table = ""
        self._statement = b""
        self._body: bytes | None = None
        self._named = False
        self._created: list[tuple[str, str]] = []
        self._rows: dict[str, int] = {}
        self._sequences: dict[str, int] = {}
        self._schema = hashlib.sha256()
        self._parts: list[PartSpan] = []
        self._headers = self._trailers = 0
        self._ended = False
        self._faults: list[str] = []

    def feed(self, chunk: bytes) -> None:
        """See the next bytes."""
        self._position += len(chunk)
        data = self._buffer + chunk if self._buffer else chunk
        start = 0
        while start < len(data):
            seen = self._rows_seen(data, start) if self._rows_of else self._line_seen(data, start)
            if seen < 0:
                break
            start = seen
        self._buffer = data[start:]

    def end_part(self, name: str) -> None:
        """Note that a part ended: its last line must have been the end-of-dump line."""
        if self._buffer:
            self.feed(b"\n")
            self._position -= 1
        offset = sum(part.size for part in self._parts)
        self._parts.append(PartSpan(name, offset, self._position - offset))
        if not self._at_end():
            self._faults.append(f"the part {name!r} has no end-of-dump line")
        self._ended = False

    def note_report(self, report: str) -> None:
        """Nothing is reported beside the dump."""

    def finish(self) -> Observation:
        """Say what was seen."""
        if not self._parts and (not self._at_end() or self._headers != self._trailers):
            self._faults.append("the dump has no end-of-dump line")
        return Observation(self._manifest(), complete=not self._faults, fault="; ".join(self._faults))

    def _manifest(self) -> Manifest:
        return Manifest(
            objects=by_kind(self._created),
            rows=dict(sorted(self._rows.items())),
            sequences=dict(sorted(self._sequences.items())),
            parts=tuple(self._parts),
            schema_hash=self._schema.hexdigest(),
        )

    def _at_end(self) -> bool:
        return self._ended and not (self._rows_of or self._statement or self._body is not None or self._buffer.strip())

    # ------------------------------------------------------------------ data

    def _rows_seen(self, data: bytes, start: int) -> int:
        counter = self._rows_of
        assert counter is not None  # noqa: S101  the caller looked
        length = counter.feed(data[start:] if start else data)
        if length < 0:
            return len(data)
        self._rows[self._table] += counter.count
        self._rows_of = None
        return start + length

    def _insert_seen(self, data: bytes, start: int) -> int:
        header = HEADER.match(data, start)
        if header is None:
            return -1 if len(data) - start < _LONGEST_STATEMENT else self._next_line(data, start)
        self._table = spelled(unquoted(header.group(1)))
        self._rows.setdefault(self._table, 0)
        self._rows_of = Rows()
        return header.end()

    # ------------------------------------------------------------------ everything else

    def _line_seen(self, data: bytes, start: int) -> int:
        at_statement = self._body is None and not self._statement
        if at_statement and data.startswith(_INSERT, start):
            return self._insert_seen(data, start)
        return self._next_line(data, start)

    def _next_line(self, data: bytes, start: int) -> int:
        end = data.find(b"\n", start) + 1
        if not end:
            return -1
        self._take(data[start:end])
        return end

    def _take(self, line: bytes) -> None:
        if self._body is not None:
            self._take_body(line)
        elif self._statement:
            self._take_statement(line)
        elif line.startswith((b"--", _SANDBOX_LINE)) or not line.strip():
            self._take_comment(line)
        elif line == _BODY_STARTS:
            self._body, self._named = b"", False
        else:
            self._take_statement(line)

    def _take_comment(self, line: bytes) -> None:
        if line.startswith(_TRAILER):
            self._trailers += 1
            self._ended = True
        elif line.startswith(_HEADERS):
            self._headers += 1
            self._ended = False

    def _take_statement(self, line: bytes) -> None:
        self._ended = False
        self._statement += line
        ends = line.rstrip().endswith(b";") and is_whole(self._statement)
        if not ends and len(self._statement) < _LONGEST_STATEMENT:
            return
        statement, self._statement = self._statement, b""
        if not statement.startswith(_NOT_SCHEMA):
            self._schema.update(without_counters(statement))
        created = created_at_top(statement)
        if created:
            self._note(created.kind, created.name)
        value = sequence_value(statement)
        if value:
            self._sequences[spelled(value[0])] = value[1]

    def _take_body(self, line: bytes) -> None:
        self._ended = False
        if line == _BODY_ENDS:
            self._body = None
            return
        if line == _BODY_STARTS:  # the next event, behind the `;;` of the last one
            self._body, self._named = b"", False
            return
        self._schema.update(line)
        if self._named or len(self._body or b"") > _LONGEST_HEAD:
            return
        if not self._body and not line.startswith((b"CREATE ", b"/*!50003 CREATE*/", b"/*!50106 CREATE*/")):
            return
        self._body = (self._body or b"") + line
        created = created_in_body(self._body)
        if created:
            self._note(created.kind, created.name)
            self._named = True

    def _note(self, kind: str, name: str) -> None:
        self._created.append((kind, name))
        if kind == "table":
            self._rows.setdefault(spelled(name), 0)
