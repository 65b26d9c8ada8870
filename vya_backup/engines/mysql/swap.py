"""Puts the restored tables in the place of the live ones, with one RENAME TABLE that moves all at once.

The rule: nothing is dropped here that was not read before, and the old tables only change their database.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.mysql.definitions import Definition, RoutineGrant, definitions, drops, recreates, routine_grants
from vya_backup.engines.mysql.objects import stored, tables
from vya_backup.engines.mysql.questions import identifier, literal, qualified
from vya_backup.engines.mysql.steps import statements
from vya_backup.engines.mysql.undo_log import OLD, PROGRAMS, STAGED, TABLES, UNDO_LOG, note
from vya_backup.engines.steps import Ask, Step, Steps

if TYPE_CHECKING:
    from sqlalchemy import Connection


def put_aside(request: RestoreRequest) -> Generator[Step, Any, tuple[RoutineGrant, ...]]:
    """Drop the live triggers (a RENAME is refused with them), views, routines and events, once they are noted.

    Return the grants that go with the routines, to be given again to the restored ones.
    """
    live = request.database
    noted: tuple[Definition, ...] = yield Ask("note what is built on the tables", lambda c: definitions(c, live), live)
    names: list[tuple[str, str]] = yield Ask("list what is built on the tables", lambda c: _programs(c, live), live)
    grants: tuple[RoutineGrant, ...] = yield Ask("note grants on routines", lambda c: routine_grants(c, live), live)
    if names:
        # Dropped first when taken back: the step may have failed half way, and what it had not dropped is still there.
        back = (*drops(live, names), *recreates(noted), *(grant.statement for grant in grants))
        yield note(request, PROGRAMS, back)
        yield statements(
            request,
            f"drop the triggers, views, routines and events of {live}",
            drops(live, names),
            undo=(statements(request, f"make the programs of {live} again", back, database=live),),
        )
    return grants


def swap(request: RestoreRequest) -> Steps:
    """Rename the live tables into the retired database and the staged ones into the live, in one statement."""
    live, staging, retired = request.database, request.staging, request.retired
    old: list[str] = yield Ask("list the live tables", lambda connection: _names(connection, live))
    new: list[str] = yield Ask("list the staged tables", lambda connection: _names(connection, staging))
    yield statements(
        request,
        f"create {retired} for the old tables",
        [f"CREATE DATABASE {identifier(retired)}"],
        undo=(statements(request, f"drop {retired}, if it is empty", drop_if_empty(retired)),),
    )
    moves = [*((live, retired, name) for name in old), *((staging, live, name) for name in new)]
    if moves:
        yield note(request, OLD, old)
        yield note(request, STAGED, new)
        yield note(request, TABLES, [_renames(_reversed(moves))])
        yield statements(
            request,
            f"swap {len(old)} old and {len(new)} new tables of {live}",
            [_renames(moves)],
            undo=(statements(request, f"swap the tables of {live} back", [_renames(_reversed(moves))]),),
        )


def drop_if_empty(database: str) -> tuple[str, ...]:
    """Return statements that drop a database only while it holds no table: should a swap back have failed, it does."""
    count = f"(SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {literal(database)})"  # noqa: S608
    drop = literal(f"DROP DATABASE {identifier(database)}")
    return (f"SET @vya = IF({count} = 0, {drop}, 'DO 0')", "PREPARE vya FROM @vya", "EXECUTE vya")


def _renames(moves: Iterable[tuple[str, str, str]]) -> str:
    return "RENAME TABLE " + ", ".join(f"{qualified(a, name)} TO {qualified(b, name)}" for a, b, name in moves)


def _reversed(moves: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [(target, source, name) for source, target, name in reversed(moves)]


def _names(connection: Connection, database: str) -> list[str]:
    found = (table.name for table in tables(connection, database) if table.kind != "view")
    return [name for name in found if name != UNDO_LOG]


def _programs(connection: Connection, database: str) -> list[tuple[str, str]]:
    return [(item.kind, item.name) for item in stored(connection, database)]
