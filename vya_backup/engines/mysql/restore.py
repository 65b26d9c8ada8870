"""Describes a restore, step by step; each step says how it is taken back.

The rule: the old tables are never dropped before the new ones stand in their place and were compared. The order:
tables into a staging database, compare, one RENAME TABLE, then what `programs` says, then the old tables are dropped.
Beside other databases it comes in two stages, each of which can be taken back by itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.mysql.definitions import RoutineGrant
from vya_backup.engines.mysql.programs import client, new_programs, programs
from vya_backup.engines.mysql.questions import identifier, literal, one, rows
from vya_backup.engines.mysql.sequences import scaffold, settled
from vya_backup.engines.mysql.steps import statements
from vya_backup.engines.mysql.swap import put_aside, swap
from vya_backup.engines.mysql.undo_log import NEW_PROGRAMS, PROGRAMS, PROPERTIES, ROWS, forget, note
from vya_backup.engines.stages import Stage
from vya_backup.engines.steps import Ask, Compare, Load, PointOfNoReturn, Steps

if TYPE_CHECKING:
    from sqlalchemy import Connection


def restore(request: RestoreRequest) -> Steps:
    """Describe the restore of a dump to `request.database`, or of that part of it which the request's stage names."""
    if request.stage is Stage.PROGRAMS:
        yield from _second_half(request)
        return
    if not request.exists:
        yield from _create(request, request.database)  # empty: nothing half loaded ever stands under the name
    yield from _create(request, request.staging)
    stand_ins = yield from scaffold(request, request.staging)
    yield Load(f"load the tables into {request.staging}", client(request, request.staging), ("tables",))
    yield Compare(f"compare the tables of {request.staging}", request.staging, ("table", "sequence"))
    if request.manifest.rows_exact:
        yield note(request, ROWS, [json.dumps(request.manifest.rows)])
    grants = yield from put_aside(request)
    yield note(request, NEW_PROGRAMS, new_programs(request))
    yield from swap(request)
    if request.exists:
        yield from _properties(request)
    yield from settled(request, stand_ins)
    if request.stage is not Stage.TABLES:
        yield from programs(request)
    yield forget(request)
    yield PointOfNoReturn(f"{request.database} is restored")
    yield from _clean_up(request, grants)


def _second_half(request: RestoreRequest) -> Steps:
    """Put programs on tables that a restore of theirs alone has brought; the tables stay whatever happens here."""
    yield from _create(request, request.staging)  # it holds the undo log
    yield note(request, PROGRAMS, new_programs(request))
    yield statements(request, "drop what an earlier attempt left", new_programs(request))
    yield from programs(request)
    yield forget(request)
    yield PointOfNoReturn(f"{request.database} is restored")
    yield from _clean_up(request, ())


def _clean_up(request: RestoreRequest, grants: tuple[RoutineGrant, ...]) -> Steps:
    kept = [grant.statement for grant in grants if grant.name in request.manifest.objects.get(grant.kind, ())]
    if kept:
        yield statements(request, "give the grants on routines again", kept, may_fail=True)
    for leftover in (request.staging, request.retired):
        drop = (f"DROP DATABASE IF EXISTS {identifier(leftover)}",)
        yield statements(request, f"drop {leftover}", drop, may_fail=True)


def created_as(connection: Connection, database: str) -> str:
    """Return the statement that made a database, or an empty text when there is none."""
    held = one(connection, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = :name", name=database)
    return str(rows(connection, f"SHOW CREATE DATABASE {identifier(database)}")[0][1]) if held else ""


def _create(request: RestoreRequest, into: str) -> Steps:
    """Create the database that is loaded into; one that is there and empty gets the recorded properties."""
    before = yield Ask(f"look whether {into} is there", lambda connection: created_as(connection, into))
    undo: list[str] = [f"DROP DATABASE IF EXISTS {identifier(into)}", *([before] if before else [])]
    create = f"{'ALTER' if before else 'CREATE'} DATABASE {identifier(into)} {_options(request.properties)}"
    yield statements(
        request,
        f"create {into}",
        [create],
        undo=(statements(request, f"drop {into}", undo),),
    )


def _options(properties: Any) -> str:
    """Return the recorded properties as options of CREATE and ALTER DATABASE."""
    words = []
    if properties.get("charset"):
        words += [f"CHARACTER SET {properties['charset']}", f"COLLATE {properties['collation']}"]
    if properties.get("encrypted"):
        words.append("ENCRYPTION 'Y'")
    if properties.get("comment"):
        words.append(f"COMMENT {literal(properties['comment'])}")
    return " ".join(words)


def _properties(request: RestoreRequest) -> Steps:
    """Give the live database the recorded properties; its own were noted."""
    before = yield Ask("note the properties", lambda connection: created_as(connection, request.database))
    options = before.removeprefix(f"CREATE DATABASE {identifier(request.database)}")
    back = f"ALTER DATABASE {identifier(request.database)} {options}" if options.strip() else ""
    if _options(request.properties):
        if back:
            yield note(request, PROPERTIES, [back])
        yield statements(
            request,
            f"set the properties of {request.database}",
            [f"ALTER DATABASE {identifier(request.database)} {_options(request.properties)}"],
            undo=(statements(request, "set the old properties", [back]),) if back else (),
        )
