"""Recognises the statements of a dump: which object of which kind does a text create.

The rule: names are read from the statements themselves, never from the tools' comments, and quoting is respected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = rb"`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\""
_BARE = rb"[\w$\x80-\xff]+"
_NAME = rb"(" + _QUOTED + rb"|" + _BARE + rb")"
_BLANK = rb"(?:\s|/\*(?!!)(?:[^*]|\*(?!/))*\*/)"  # MariaDB keeps a trigger as it was typed, comments and all
_DEFINER = rb"(?:DEFINER\s*=\s*\S+?@\S+\s+|DEFINER\s*=\s*(?:" + _QUOTED + rb")@(?:" + _QUOTED + rb")\s+)?"
_TRIGGER = (
    rb"TRIGGER" + _BLANK + rb"+(?:IF" + _BLANK + rb"+NOT" + _BLANK + rb"+EXISTS" + _BLANK + rb"+)?(?:" + _NAME + _BLANK
    + rb"*\." + _BLANK + rb"*)?" + _NAME
)  # fmt: skip
_TRIGGER_ON = re.compile(
    rb"\s" + _TRIGGER + _BLANK + rb"+(?:BEFORE|AFTER)\s[\w\s]*?\sON" + _BLANK + rb"+(?:" + _NAME + _BLANK + rb"*\.)?",
    re.IGNORECASE,
)
_ALL_QUOTED = re.compile(rb"'(?:[^'\\]|\\.|'')*'|" + _QUOTED, re.DOTALL)
# The counter of a table; and what MySQL says of a column only after it was loaded from a dump, with equal meaning.
_PASSING = re.compile(rb" AUTO_INCREMENT=\d+(?= |;)| CHARACTER SET \w+(?= COLLATE )")

_TOP = (
    ("table", re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?" + _NAME + rb" ")),
    ("sequence", re.compile(rb"CREATE SEQUENCE " + _NAME + rb" ")),
    ("view", re.compile(rb"/\*!50001 CREATE ALGORITHM.*?/\*!50001 VIEW " + _NAME + rb" ", re.DOTALL)),
)
_BODY = (
    ("event", re.compile(rb"/\*!50106 CREATE\*/.*?/\*!50106 EVENT " + _NAME, re.DOTALL)),
    ("trigger", re.compile(rb"/\*!50003 CREATE\*/.*?/\*!50003 " + _TRIGGER, re.DOTALL | re.IGNORECASE)),
    ("function", re.compile(rb"CREATE " + _DEFINER + rb"(?:AGGREGATE )?FUNCTION " + _NAME, re.DOTALL)),
    ("procedure", re.compile(rb"CREATE " + _DEFINER + rb"PROCEDURE " + _NAME, re.DOTALL)),
    ("package body", re.compile(rb"CREATE " + _DEFINER + rb"PACKAGE BODY " + _NAME, re.DOTALL)),
    ("package", re.compile(rb"CREATE " + _DEFINER + rb"PACKAGE " + _NAME, re.DOTALL)),
    ("library", re.compile(rb"CREATE " + _DEFINER + rb"LIBRARY " + _NAME, re.DOTALL)),
)  # fmt: skip
_SETVAL = re.compile(rb"(?:DO|SELECT) SETVAL\(" + _NAME + rb", (-?\d+), \d\)")


@dataclass(frozen=True)
class Created:
    """One object that a dump creates."""

    kind: str
    name: str


def is_whole(statement: bytes) -> bool:
    """Say whether a text that ends with a semicolon and a line break ends outside of quotes."""
    return not re.search(rb"['\"`]", _ALL_QUOTED.sub(b"", statement))


def created_at_top(statement: bytes) -> Created | None:
    """Return the table, sequence or view that a statement creates; a view's placeholder is none."""
    return _first(_TOP, statement)


def created_in_body(head: bytes) -> Created | None:
    """Return the routine, trigger or event that the text between two DELIMITER lines creates."""
    return _first(_BODY, head)


def trigger_is_qualified(create: bytes) -> bool:
    """Say whether a CREATE TRIGGER names the database of its trigger or of its table."""
    found = _TRIGGER_ON.search(create)
    return found is not None and (found.group(1) is not None or found.group(3) is not None)


def sequence_value(statement: bytes) -> tuple[str, int] | None:
    """Return (name, next value) of a SETVAL."""
    found = _SETVAL.match(statement)
    return (unquoted(found.group(1)), int(found.group(2))) if found else None


def without_counters(statement: bytes) -> bytes:
    """Cut out what changes with rows and reloads, so that a schema's hash stands for its structure alone."""
    return _PASSING.sub(b"", statement)


def unquoted(name: bytes) -> str:
    """Return a name as it is, from its quoted or bare spelling."""
    for quote in (b"`", b'"'):
        if name.startswith(quote):
            name = name[1:-1].replace(quote * 2, quote)
            break
    return name.decode("utf-8", errors="replace")


def _first(patterns: tuple[tuple[str, re.Pattern[bytes]], ...], text: bytes) -> Created | None:
    for kind, pattern in patterns:
        found = pattern.match(text)
        if found and found.group(found.lastindex or 1):
            return Created(kind, unquoted(found.group(found.lastindex or 1)))
    return None
