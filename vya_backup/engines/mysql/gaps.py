"""What the vendor's dump tool loses silently, detected before the dump.

The rule: detection is cheap (a bounded sample, never a whole table), and what cannot be excluded is reported as "may".
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from vya_backup.engines.answers import Gap, Server
from vya_backup.engines.mysql.objects import DATA_ELSEWHERE, Table
from vya_backup.engines.mysql.questions import identifier, of_schema, qualified, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

SAMPLE_ROWS = 1000
LEGACY_CHARSETS = frozenset({"gbk", "sjis", "cp932", "big5", "ujis", "eucjpms", "euckr", "gb2312"})
"""Multi-byte character sets with byte sequences that Unicode does not have."""
_ESCAPED = re.compile(r"['\"\\\x00\n\r\x1a]")
HISTORY_SERVER = (10, 11)
"""The first MariaDB that lets a restore write the past of a system-versioned table."""


class Columns:
    """The columns of one database, asked for once."""

    def __init__(self, connection: Connection, database: str) -> None:
        self.connection = connection
        self.database = database

    @cached_property
    def listed(self) -> list[tuple[str, str, str, str]]:
        """(table, column, data type, character set) of every column that needs a second look."""
        question = f"""SELECT TABLE_NAME, COLUMN_NAME, LOWER(DATA_TYPE), COALESCE(CHARACTER_SET_NAME, '')
            FROM information_schema.COLUMNS WHERE {of_schema("TABLE_SCHEMA")}
            AND (LOWER(DATA_TYPE) = 'float' OR CHARACTER_SET_NAME IN ('{"', '".join(sorted(LEGACY_CHARSETS))}')
                 OR (LOWER(DATA_TYPE) = 'bigint' AND GENERATION_EXPRESSION LIKE 'ROW %'))
            ORDER BY TABLE_NAME, ORDINAL_POSITION"""  # noqa: S608
        return [
            (str(table), str(column), str(kind), str(charset))
            for table, column, kind, charset in rows(self.connection, question, database=self.database)
        ]

    def of_type(self, data_type: str) -> dict[str, list[str]]:
        """Return the names of the columns of a type, by table."""
        found: dict[str, list[str]] = {}
        for table, column, kind, _charset in self.listed:
            if kind == data_type:
                found.setdefault(table, []).append(column)
        return found


def column_gaps(columns: Columns, found: Iterable[Table]) -> list[Gap]:
    """Return the gaps that lie in single columns: FLOAT digits and bytes without a Unicode character."""
    names = {table.name for table in found if table.kind == "table"}
    gaps = [
        Gap(
            "column",
            f"{table}.{column}",
            f"bytes of character set {charset} without a Unicode character are lost in a dump",
            "Convert the column to utf8mb4.",
        )
        for table, column, _type, charset in columns.listed
        if charset in LEGACY_CHARSETS and table in names
    ]
    for table, floats in columns.of_type("float").items():
        if table in names:
            gaps += _float_gaps(columns, table, floats)
    return gaps


def event_gaps(server: Server, database: str, events: Iterable[str]) -> list[Gap]:
    """Return the events that mariadb-dump cannot dump: it escapes the database's name twice, and does not find it."""
    if server.flavour != "mariadb" or not _ESCAPED.search(database):
        return []
    reason = "mariadb-dump cannot dump events of a database whose name holds quotes or backslashes"
    remedy = "Rename the database, or keep the text of SHOW CREATE EVENT."
    return [Gap("event", event, reason, remedy) for event in events]


def engine_gaps(found: Iterable[Table]) -> list[Gap]:
    """Return the tables whose rows are not in them."""
    return [
        Gap("table", table.name, f"the rows of a {table.engine} table lie elsewhere; only its definition is dumped")
        for table in found
        if table.kind == "table" and table.engine.upper() in DATA_ELSEWHERE - {"BLACKHOLE"}
    ]


def history_gaps(columns: Columns, server: Server, found: Iterable[Table]) -> tuple[bool, list[Gap]]:
    """Return whether the dump can hold the past of system-versioned tables, and a gap for each whose past it lacks.

    All tables are dumped in one snapshot by one command, so one table that `--dump-history` refuses decides for all.
    """
    versioned = [table for table in found if table.versioned]
    if not versioned:
        return False, []
    refused = {table.name for table in versioned if table.engine.upper() in DATA_ELSEWHERE}
    refused |= set(columns.of_type("bigint"))  # transaction-precise: their row start is a number
    if server.version >= HISTORY_SERVER and not refused:
        return True, []
    why = f"{', '.join(sorted(refused))} refuses --dump-history" if refused else "the server is older than 10.11"
    remedy = "Version by timestamps instead of transactions." if refused else "Upgrade the server to 10.11."
    return False, [
        Gap("history", table.name, f"only the present rows are dumped: {why}", remedy) for table in versioned
    ]


def loses_digits(value: float) -> bool:
    """Say whether a single-precision number differs from itself written with six digits, as the tools do."""
    if not math.isfinite(value):
        return False
    try:
        return struct.pack("f", float(f"{value:.6g}")) != struct.pack("f", value)
    except OverflowError:
        return True


def _float_gaps(columns: Columns, table: str, floats: list[str]) -> list[Gap]:
    # `+ 0e0` makes the server send the double, not the six digits.
    wanted = ", ".join(f"{identifier(column)} + 0e0" for column in floats)
    question = f"SELECT {wanted} FROM {qualified(columns.database, table)} LIMIT {SAMPLE_ROWS}"  # noqa: S608
    sample = rows(columns.connection, question)
    gaps = []
    for position, column in enumerate(floats):
        if any(row[position] is not None and loses_digits(float(row[position])) for row in sample):
            reason = "FLOAT values lose digits: the dump tool writes six (16777216 becomes 16777200)"
        elif len(sample) == SAMPLE_ROWS:
            reason = (
                f"FLOAT values may lose precision: the first {SAMPLE_ROWS:,} rows fit in six digits, more were not read"
            )
        else:
            continue
        gaps.append(Gap("column", f"{table}.{column}", reason, "Make the column DOUBLE."))
    return gaps
