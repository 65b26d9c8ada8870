"""How pg_dump announces what it writes, in a comment before each entry.

The rule: whatever a name holds, the server's catalogs and a dump come to the same spelling, because both are read
from the same line: the catalogs' answers are first written as pg_dump would write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COUNTED = """
SCHEMA, EXTENSION, TABLE, FOREIGN TABLE, VIEW, MATERIALIZED VIEW, SEQUENCE, TYPE, DOMAIN, FUNCTION, PROCEDURE,
AGGREGATE, OPERATOR, OPERATOR CLASS, OPERATOR FAMILY, COLLATION, CONVERSION, TEXT SEARCH PARSER, TEXT SEARCH
DICTIONARY, TEXT SEARCH TEMPLATE, TEXT SEARCH CONFIGURATION, STATISTICS, INDEX, CONSTRAINT, FK CONSTRAINT, TRIGGER,
RULE, POLICY, ROW SECURITY, PROCEDURAL LANGUAGE, CAST, TRANSFORM, ACCESS METHOD, FOREIGN DATA WRAPPER, SERVER, USER
MAPPING, EVENT TRIGGER, PUBLICATION, PUBLICATION TABLE, PUBLICATION TABLES IN SCHEMA, SUBSCRIPTION
"""
COUNTED = frozenset(" ".join(kind.split()) for kind in _COUNTED.split(","))
DATA = frozenset({"TABLE DATA", "SEQUENCE SET", "BLOB", "BLOBS", "BLOB METADATA", "STATISTICS DATA"})

_ANNOUNCEMENT = re.compile(r"-- Name: (.*); Type: ([A-Z][A-Z ]*); Schema: (.*); Owner: ", re.DOTALL)
_DATA_ANNOUNCEMENT = re.compile(r"-- Data for Name: (.*); Type: ([A-Z ]+ DATA|BLOBS); Schema: (.*); Owner: ", re.DOTALL)
_LINE_BREAKS = str.maketrans("\r\n", "  ")


@dataclass(frozen=True)
class Entry:
    """One entry of a dump: pg_dump's type, and the name in the manifest's spelling."""

    type: str
    name: str

    @property
    def kind(self) -> str:
        """Return the manifest's word: the type in lower case."""
        return self.type.lower()

    @property
    def counts(self) -> bool:
        """Say whether it is an object of the manifest.

        A view's own rule appears only where views form a circle, `public` only where its owner is not the usual one.
        """
        incidental = (self.type == "RULE" and self.name.endswith(" _RETURN")) or self == Entry("SCHEMA", "public")
        return self.type in COUNTED and not incidental


def announced(line: str) -> Entry | None:
    """Read a comment line; None when it announces nothing."""
    match = _ANNOUNCEMENT.match(line) or _DATA_ANNOUNCEMENT.match(line)
    if not match:
        return None
    name, kind, schema = match.groups()
    return Entry(kind, name if schema == "-" else f"{schema}.{name}")


def entry(kind: str, name: str, schema: str) -> Entry:
    """Return the entry as read from the line that pg_dump would write (pg_backup_archiver.c, `sanitize_line`)."""
    flat_name, flat_schema = name.translate(_LINE_BREAKS), schema.translate(_LINE_BREAKS)
    prefix = "Data for " if kind == "TABLE DATA" else ""
    found = announced(f"-- {prefix}Name: {flat_name}; Type: {kind}; Schema: {flat_schema}; Owner: ")
    if found is None:
        raise ValueError(f"{kind} {name!r} has no spelling")
    return found
