"""Describes a restore, step by step; each step says how it is taken back.

The rule: the old tables are never dropped before the new ones stand in their place and were compared. The order:
tables into a staging database, compare, one RENAME TABLE, then
routines, views and triggers, events last and asleep, compare everything, wake the events, drop the old tables.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

from vya_backup.engines.contract import (
    Ask,
    Command,
    Compare,
    Load,
    PointOfNoReturn,
    RestoreRequest,
    Sql,
    Step,
    Steps,
)
from vya_backup.engines.mysql.definitions import RoutineGrant, drops
from vya_backup.engines.mysql.dump import PARTS
from vya_backup.engines.mysql.events import Disabled
from vya_backup.engines.mysql.flavours import FLAVOURS
from vya_backup.engines.mysql.option_file import DEFAULTS_FILE, Option, option_file
from vya_backup.engines.mysql.questions import identifier, literal, one, qualified, rows
from vya_backup.engines.mysql.sequences import scaffold, settled
from vya_backup.engines.mysql.steps import NO_BINARY_LOG, statements
from vya_backup.engines.mysql.swap import put_aside, swap
from vya_backup.engines.mysql.undo_log import NEW_PROGRAMS, PROPERTIES, ROWS, forget, note

if TYPE_CHECKING:
    from sqlalchemy import Connection

NO_BINLOG = "no-binlog"
PROGRAM_PARTS = tuple(part for part in PARTS if part.name in {"routines", "views", "triggers"})


def restore(request: RestoreRequest) -> Steps:
    """Describe the restore of a dump to `request.database`."""
    if not request.exists:
        yield from _create(request, request.database)  # empty: nothing half loaded ever stands under the name
    yield from _create(request, request.staging)
    stand_ins = yield from scaffold(request, request.staging)
    yield Load(f"load the tables into {request.staging}", _client(request, request.staging), ("tables",))
    yield Compare(f"compare the tables of {request.staging}", request.staging, ("table", "sequence"))
    if request.manifest.rows_exact:
        yield note(request, ROWS, [json.dumps(request.manifest.rows)])
    grants = yield from put_aside(request)
    yield note(request, NEW_PROGRAMS, _new_programs(request))
    yield from swap(request)
    if request.exists:
        yield from _properties(request)
    yield from settled(request, stand_ins)
    yield from _programs(request)
    enabled = yield from _events(request)
    yield Compare(f"compare {request.database} with the manifest", request.database)
    if enabled and request.database == request.source_database:
        yield statements(request, "wake the events", [_wakes(request.database, name) for name in enabled])
    if request.properties.get("read_only"):
        yield statements(request, "make it read only", [f"ALTER DATABASE {identifier(request.database)} READ ONLY = 1"])
    yield forget(request)
    yield PointOfNoReturn(f"{request.database} is restored")
    yield from _clean_up(request, grants)


def _clean_up(request: RestoreRequest, grants: tuple[RoutineGrant, ...]) -> Steps:
    kept = [grant.statement for grant in grants if grant.name in request.manifest.objects.get(grant.kind, ())]
    if kept:
        yield statements(request, "give the grants on routines again", kept, may_fail=True)
    for leftover in (request.staging, request.retired):
        drop = (f"DROP DATABASE IF EXISTS {identifier(leftover)}",)
        yield statements(request, f"drop {leftover}", drop, may_fail=True)


def _new_programs(request: RestoreRequest) -> list[str]:
    kinds = [kind for part in PROGRAM_PARTS for kind in part.kinds]
    return [statement for kind in ("event", *reversed(kinds)) for statement in _drop_new(request, (kind,)).statements]


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


def _programs(request: RestoreRequest) -> Steps:
    for part in PROGRAM_PARTS:
        if any(span.name == part.name for span in request.manifest.parts):
            yield Load(
                f"load the {part.name} into {request.database}",
                _client(request, request.database),
                (part.name,),
                undo=(_drop_new(request, part.kinds),),
            )


def _events(request: RestoreRequest) -> Generator[Step, Any, list[str]]:
    """Load the events, all of them DISABLED; return the names of those that are to run."""
    if not any(span.name == "events" for span in request.manifest.parts):
        return []
    now = yield Ask("ask for the server's time", lambda connection: str(one(connection, "SELECT UTC_TIMESTAMP()")))
    asleep = Disabled(str(now))
    yield Load(
        f"load the events into {request.database}, disabled",
        _client(request, request.database),
        ("events",),
        edit=asleep,
        undo=(_drop_new(request, ("event",)),),
    )
    return asleep.enabled


def _drop_new(request: RestoreRequest, kinds: Iterable[str]) -> Sql:
    exact = request.properties.get("exact_names", {})
    names = [
        (kind, name)
        for kind in kinds
        for listed in request.manifest.objects.get(kind, ())
        for name in exact.get(listed, (listed,))
    ]
    return statements(request, f"drop the new {', '.join(kinds)}", drops(request.database, names))


def _wakes(database: str, event: str) -> str:
    return f"ALTER EVENT {qualified(database, event)} ENABLE"


def _client(request: RestoreRequest, database: str) -> Command:
    """Describe the family's own client, connected to the database; it stops at the first error."""
    flavour = FLAVOURS[request.server.flavour]
    client = request.client
    assert client is not None  # noqa: S101  check_target blocks without one
    options: list[Option] = [
        ("database", database),
        ("default-character-set", "utf8mb4"),
        ("max-allowed-packet", "1G"),
        *flavour.load_options,
    ]
    if NO_BINLOG in request.allow:
        options.append(("init-command", NO_BINARY_LOG))
    return Command(
        (str(client.path), DEFAULTS_FILE, *flavour.load_flags),
        secret_files=(option_file(request.access, flavour, {"mysql": options}),),
    )
