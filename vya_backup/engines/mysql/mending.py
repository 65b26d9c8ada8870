"""Puts right what a dead restore left on a server: the old database comes back, or the restored one is left alone.

The rule: the undo log in the staging database decides; databases are dropped only by the names of that one restore.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vya_backup.engines.contract import Mending, Unfinished
from vya_backup.engines.mysql import undo_log
from vya_backup.engines.mysql.counting import count
from vya_backup.engines.mysql.objects import stored, tables
from vya_backup.engines.mysql.questions import identifier, of_schema, one, rows
from vya_backup.engines.mysql.undo_log import NEW_PROGRAMS, OLD, PROGRAMS, PROPERTIES, ROWS, STAGED, TABLES, UNDO_LOG
from vya_backup.engines.steps import Ask, Sql
from vya_backup.errors import RestoreFailed

if TYPE_CHECKING:
    from sqlalchemy import Connection

_AT_WORK = """SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Sleep' AND ID <> CONNECTION_ID()
    AND (DB = :staging OR LOCATE(:staging, INFO) > 0)"""


@dataclass(frozen=True)
class _Seen:
    """The tables of each of the three databases, None where there is no such database, and what was noted."""

    target: frozenset[str] | None
    staging: frozenset[str] | None
    retired: frozenset[str] | None
    noted: dict[str, list[str]]

    @property
    def is_swapped(self) -> bool:
        """Say whether the one RENAME TABLE has happened."""
        staged, old = self.noted.get(STAGED, []), self.noted.get(OLD, [])
        if not (self.noted.get(TABLES) and self.target is not None):
            return False
        return set(staged) <= self.target and set(old) <= (self.retired or frozenset()) and bool(staged or old)


def mend(left: Unfinished) -> Mending:
    """Describe the mending; see `Engine.mend`."""
    yield Ask("end what the dead restore still does", lambda asked: _end_sessions(asked, left.staging))
    seen: _Seen = yield Ask("look for what the dead restore left", lambda asked: _look(asked, left))
    told = ""
    if seen.noted:
        told = yield from _take_back(left, seen)
    elif seen.retired and not seen.target:
        return f"{left.retired} holds the old tables, and {left.database} does not stand: look into both"
    if seen.retired is not None and not told:
        yield Sql(f"drop {left.retired}", (f"DROP DATABASE IF EXISTS {identifier(left.retired)}",))
    if seen.staging is not None and not told:
        yield Sql(f"drop {left.staging}", (f"DROP DATABASE IF EXISTS {identifier(left.staging)}",))
    if left.created and (yield Ask("see whether the target is empty", lambda asked: _is_empty(asked, left.database))):
        yield Sql(f"drop {left.database}, which is empty", (f"DROP DATABASE {identifier(left.database)}",))
    return told


def _take_back(left: Unfinished, seen: _Seen) -> Generator[Sql | Ask, Any, str]:
    noted = seen.noted
    if seen.is_swapped:
        yield Sql("drop the new programs", tuple(noted.get(NEW_PROGRAMS, ())))
        yield Sql(f"swap the tables of {left.database} back", tuple(noted[TABLES]))
    for act in (PROPERTIES, PROGRAMS):
        if act in noted:
            yield Sql(f"make the {act} of {left.database} again", tuple(noted[act]), database=left.database)
    remaining = yield Ask("see that nothing is left aside", lambda asked: _names(asked, left.retired))
    if remaining:
        return f"{left.retired} still holds tables of {left.database}: {', '.join(sorted(remaining))}"
    if seen.is_swapped:
        held = yield Ask("count what was live for a while", lambda asked: count(asked, left.staging).rows)
        held.pop(UNDO_LOG, None)
        if ROWS not in noted or held != json.loads(noted[ROWS][0]):
            return f"{left.staging} holds the restored tables, written to since: DROP DATABASE {left.staging}"
    return ""


def _look(asked: Connection, left: Unfinished) -> _Seen:
    target, staging, retired = (_names(asked, name) for name in (left.database, left.staging, left.retired))
    noted = undo_log.read(asked, left.staging) if staging and UNDO_LOG in staging else {}
    return _Seen(target, staging, retired, noted)


def _names(asked: Connection, database: str) -> frozenset[str] | None:
    question = f"SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE {of_schema('SCHEMA_NAME')}"  # noqa: S608
    if not one(asked, question, database=database):
        return None
    return frozenset(table.name for table in tables(asked, database) if table.kind != "view")


def _is_empty(asked: Connection, database: str) -> bool:
    return _names(asked, database) == frozenset() and not stored(asked, database)


def _end_sessions(asked: Connection, staging: str) -> None:
    """End what the server still does for the dead restore.

    Raises:
        RestoreFailed: it goes on all the same.
    """
    for (session,) in rows(asked, _AT_WORK, staging=staging):
        asked.exec_driver_sql(f"KILL {int(session)}")
    if rows(asked, _AT_WORK, staging=staging):
        raise RestoreFailed(f"the server is still at work in {staging}")
