"""Finds sessions that wait behind a dump, and a dump that waits itself.

The rule: only metadata locks count (what DDL queues for). A waiting session is ours to answer for when the dump reads
the table that its statement names, because neither family tells every account who blocks whom.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vya_backup.engines.mysql.questions import one, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

WAITING = "Waiting for table metadata lock"
_READS = re.compile(r"SELECT /\*!40001 SQL_NO_CACHE \*/.*\bFROM `((?:[^`]|``)*)`", re.DOTALL)
_QUESTION = """SELECT ID, USER, DB, TIME, STATE, INFO FROM information_schema.PROCESSLIST
    WHERE ID <> CONNECTION_ID() AND COMMAND <> 'Sleep'"""


def blocked_seconds(connection: Connection) -> float:
    """Return the longest wait behind the dump's current table, or of the dump itself behind somebody's DDL.

    The dump tools carry no name of ours; they are known by their account and by the comment in their SELECT.
    """
    sessions = rows(connection, _QUESTION)
    own_user = str(one(connection, "SELECT SUBSTRING_INDEX(USER(), '@', 1)"))
    reading = _tables_read(sessions, own_user)
    waits = [0.0]
    for _id, user, database, seconds, state, statement in sessions:
        if state != WAITING:
            continue
        behind_us = any(_concerns(str(statement), str(database), *table) for table in reading)
        is_the_dump = user == own_user and _is_dump(str(statement))
        if behind_us or is_the_dump:
            waits.append(float(seconds))
    return max(waits)


def _tables_read(sessions: list[tuple[Any, ...]], own_user: str) -> set[tuple[str, str]]:
    """Return (database, table) of every dump that this account is running and that holds its lock."""
    found = set()
    for _id, user, database, _seconds, state, statement in sessions:
        reads = _READS.search(str(statement))
        if user == own_user and state != WAITING and reads:
            found.add((str(database), reads.group(1).replace("``", "`")))
    return found


def _concerns(statement: str, from_database: str, database: str, table: str) -> bool:
    named = re.search(r"(?<![\w$])" + re.escape(table) + r"(?![\w$])", statement, re.IGNORECASE)
    return bool(named) and (from_database == database or database.lower() in statement.lower())


def _is_dump(statement: str) -> bool:
    return bool(_READS.search(statement)) or statement.lower().startswith(("show create table", "show fields from"))
