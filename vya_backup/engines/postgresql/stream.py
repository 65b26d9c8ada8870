"""Observes the plain bytes of a pg_dump: which objects, how many rows, which sequence values, and whether it ended.

The rule: text inside quotes, bodies, comments on objects and rows is never taken for pg_dump's own words, so the
stream is read as SQL is: quotes and dollar quotes first. Rows pass at memory speed; nothing is kept but the names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from hashlib import sha256

from vya_backup.decisions.manifest import Manifest, PartSpan
from vya_backup.engines.dumping import Observation
from vya_backup.engines.postgresql.encodings import codec
from vya_backup.engines.postgresql.entries import DATA, Entry, announced, entry

PART = "dump"
PREAMBLE, OBJECTS, END = "preamble", "objects", "end"
"""The spans of a whole dump: settings (with `\\restrict`), everything, and the end-of-dump lines."""
LARGE_OBJECT_ROWS = "large objects"
"""Their place among the row counts: they are data of the application, and may be millions."""

_TOKEN = re.compile(rb"['\";]|--|\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$")
_HALF_TOKEN = re.compile(rb"(?:-|\$[A-Za-z0-9_\x80-\xff]{0,64})\Z")
_COPY = re.compile(rb'COPY ("(?:[^"]|"")*"|[^".\s]+)\.("(?:[^"]|"")*"|[^".\s]+) ')
_SETVAL = re.compile(rb", (-?\d+), (true|false)\);\Z")
_ENCODING = re.compile(rb"SET client_encoding = '([A-Za-z0-9_]+)';\Z")
_END_OF_ROWS = b"\n\\.\n"
_TRAILER = b"-- PostgreSQL database dump complete"
_AFTER_TRAILER = re.compile(rb"\s*(?:--\s+)?(?:\\unrestrict [A-Za-z0-9]+\s*)?\Z")
_HEAD, _TAIL = 320, 128  # bytes kept of a statement: enough for two quoted names, and for a sequence's value


class PostgresqlObserver:
    """A `DumpObserver` for plain dumps."""

    def __init__(self) -> None:
        self._read: Callable[[bytes, int], int] = self._sql
        self._rest = b""
        self._quote = b""
        self._comment = self._comment_before = b""
        self._head = self._tail = b""
        self._entry: Entry | None = None
        self._codec = "utf-8"
        self._objects: defaultdict[str, set[str]] = defaultdict(set)
        self._rows: Counter[str] = Counter()
        self._sequences: dict[str, int] = {}
        self._schema = sha256()
        self._target = ""
        self._in_rows = 0
        self._size = 0
        self._cuts: list[int] = []
        self._is_ended = False
        self._complete = False
        self._after = b""
        self._fault = ""

    def feed(self, chunk: bytes) -> None:
        """See the next bytes."""
        self._size += len(chunk)
        if self._read == self._copy and self._all_rows(chunk):
            return
        data, self._rest = self._rest + chunk, b""
        position = 0
        while position < len(data):
            position = self._read(data, position)

    def end_part(self, name: str) -> None:
        """Note that the dump, which is one part, ended here."""
        self._is_ended = True
        self._fault = self._fault or self._missing_end()

    def note_report(self, report: str) -> None:
        """Take nothing: pg_dump reports only on stderr."""

    def finish(self) -> Observation:
        """Say what was seen."""
        if not self._is_ended:
            self.end_part(PART)
        manifest = Manifest(
            objects={kind: tuple(sorted(names)) for kind, names in sorted(self._objects.items())},
            rows=dict(sorted(self._rows.items())),
            sequences=dict(sorted(self._sequences.items())),
            parts=self._spans(),
            schema_hash=self._schema.hexdigest(),
        )
        return Observation(manifest, not self._fault, self._fault)

    def _all_rows(self, chunk: bytes) -> bool:
        """Count the rows of a chunk that is all rows, as most are, without copying it; say whether it was one.

        The last three bytes may begin the end of the rows: they are looked at again, and not counted twice.
        """
        seam = self._rest + chunk[:3]
        # One byte is looked for many times as fast as four, and rfind is twice as fast as find.
        if len(chunk) < len(_END_OF_ROWS) or _END_OF_ROWS in seam:
            return False
        if b"\\" in chunk and chunk.rfind(_END_OF_ROWS) >= 0:
            return False
        self._in_rows += self._rest.count(b"\n") + chunk.count(b"\n", 0, -3)
        self._rest = chunk[-3:]
        return True

    # ------------------------------------------------------------ states: each reads on from `start`, and says how far

    def _sql(self, data: bytes, start: int) -> int:
        token = _TOKEN.search(data, start)
        if token is None:
            return self._hold(data, start)
        word = token[0]
        if word == b"--":
            self._text(data[start : token.start()])
            self._comment, self._read = b"", self._in_comment
            return token.start()
        self._text(data[start : token.end()])
        if word == b";":
            self._end_statement()
        else:
            self._quote, self._read = word, self._quoted
        return token.end()

    def _hold(self, data: bytes, start: int) -> int:
        half = _HALF_TOKEN.search(data, max(start, len(data) - 66))
        end = half.start() if half else len(data)
        self._text(data[start:end])
        self._rest = data[end:]
        return len(data)

    def _quoted(self, data: bytes, start: int) -> int:
        end = data.find(self._quote, start)
        if end < 0:
            cut = max(start, len(data) - len(self._quote) + 1)
            self._text(data[start:cut])
            self._rest = data[cut:]
            return len(data)
        end += len(self._quote)
        self._text(data[start:end])
        self._read = self._sql
        return end

    def _in_comment(self, data: bytes, start: int) -> int:
        end = data.find(b"\n", start)
        if end < 0:
            self._comment += data[start:]
            return len(data)
        line = self._comment + data[start:end]
        self._end_comment(line, self._size - len(data) + end - len(line))
        self._read = self._sql
        return end

    def _copy(self, data: bytes, start: int) -> int:
        end = data.find(_END_OF_ROWS, start)
        if end < 0:
            cut = max(start, len(data) - 3)
            self._in_rows += data.count(b"\n", start, cut)
            self._rest = data[cut:]
            return len(data)
        self._rows[self._target] += self._in_rows + data.count(b"\n", start, end)
        self._read = self._sql
        return end + len(_END_OF_ROWS)

    # ------------------------------------------------------------ what was read

    def _text(self, text: bytes) -> None:
        if self._complete:
            self._after = (self._after + text)[:_HEAD]
        if self._entry and self._entry.type not in DATA:
            self._schema.update(text)
        if len(self._head) < _HEAD:
            self._head = (self._head + text[:_HEAD]).lstrip()
        self._tail = (self._tail + text[-_TAIL:])[-_TAIL:]

    def _end_statement(self) -> None:
        # The head alone tells them: the server writes no such statement into a body outside of quotes.
        if self._head.startswith(b"COPY ") and self._tail.endswith(b" FROM stdin;"):
            self._begin_rows()
        elif self._head.startswith(b"SELECT pg_catalog.setval("):
            self._note_sequence()
        elif self._head.startswith(b"SELECT pg_catalog.lo_create("):
            self._rows[LARGE_OBJECT_ROWS] += 1
        elif self._entry is None and (encoding := _ENCODING.search(self._tail)):
            self._codec = codec(encoding[1].decode("ascii"))
        self._head = self._tail = b""

    def _begin_rows(self) -> None:
        # The statement names the table, not the comment: a partition may be loaded through its root.
        names = _COPY.match(self._head)
        if names is None:
            self._fault = self._fault or "a COPY names no table"
            return
        schema, table = (_unquoted(name.decode(self._codec, "backslashreplace")) for name in names.groups())
        self._target = entry("TABLE DATA", table, schema).name
        self._read, self._in_rows = self._copy, 0

    def _note_sequence(self) -> None:
        value = _SETVAL.search(self._tail)
        if value and self._entry:
            self._sequences[self._entry.name] = sequence_value(int(value[1]), called=value[2] == b"true")

    def _end_comment(self, line: bytes, offset: int) -> None:
        before, self._comment_before = self._comment_before, line
        found = announced(line.decode(self._codec, "backslashreplace")) if before == b"--" else None
        if self._complete and line != b"--":
            self._after += line
        elif found:
            self._begin(found, line)
        elif line == _TRAILER:
            self._complete, self._entry = True, None
        if (found and not self._cuts) or line == _TRAILER:
            self._cuts.append(offset)

    def _begin(self, found: Entry, line: bytes) -> None:
        self._entry = found
        self._head = self._tail = b""
        if found.counts:
            self._objects[found.kind].add(found.name)
        if found.type not in DATA:
            self._schema.update(line)

    def _spans(self) -> tuple[PartSpan, ...]:
        if not self._complete or self._fault:
            return (PartSpan(PART, 0, self._size),)
        first, last = self._cuts[0], self._cuts[-1]  # of an empty database both are the end-of-dump line
        ends = (first, last, self._size)
        return tuple(
            PartSpan(name, start, end - start)
            for name, start, end in zip((PREAMBLE, OBJECTS, END), (0, *ends), ends, strict=False)
        )

    def _missing_end(self) -> str:
        if self._complete:
            rest = self._after + self._rest
            return "" if _AFTER_TRAILER.match(rest) else "something follows the end-of-dump line"
        place = f"; it ends in {self._entry.kind} {self._entry.name}" if self._entry else ""
        return f"the end-of-dump line of pg_dump is missing{place}"


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def sequence_value(last: int, *, called: bool) -> int:
    """Return one number for a sequence's state: the last value given out (one less than the next, when none was)."""
    return last if called else last - 1
