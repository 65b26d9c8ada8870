"""Describes the loading of what is built on tables: routines, views, triggers, and events last and asleep.

The rule: nothing runs by itself before the whole database was compared with its manifest, and beside other databases
not before those stand, too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from vya_backup.engines.commands import Command
from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.mysql.definitions import drops
from vya_backup.engines.mysql.dump import PARTS
from vya_backup.engines.mysql.events import Disabled
from vya_backup.engines.mysql.flavours import FLAVOURS
from vya_backup.engines.mysql.option_file import DEFAULTS_FILE, Option, option_file
from vya_backup.engines.mysql.questions import identifier, one, qualified
from vya_backup.engines.mysql.steps import NO_BINARY_LOG, statements
from vya_backup.engines.mysql.views import names_only
from vya_backup.engines.stages import Gate, Stage
from vya_backup.engines.steps import Ask, Compare, Load, Sql, Step, Steps

NO_BINLOG = "no-binlog"
VIEWS, TRIGGERS = "views", "triggers"
PROGRAM_PARTS = tuple(part for part in PARTS if part.name in {"routines", VIEWS, TRIGGERS})


def programs(request: RestoreRequest) -> Steps:
    """Describe the loading, the comparison of the whole database, and the waking of its events."""
    yield from _loaded(request)
    enabled = yield from _events(request)
    yield Compare(f"compare {request.database} with the manifest", request.database)
    if enabled and request.database == request.source_database:
        yield Gate(f"the events of {request.database} may run")
        yield statements(request, "wake the events", [_wakes(request.database, name) for name in enabled])
    if request.properties.get("read_only"):
        yield statements(request, "make it read only", [f"ALTER DATABASE {identifier(request.database)} READ ONLY = 1"])


def new_programs(request: RestoreRequest) -> list[str]:
    """Return the statements that drop what a dump builds on tables, last made first."""
    kinds = [kind for part in PROGRAM_PARTS for kind in part.kinds]
    return [statement for kind in ("event", *reversed(kinds)) for statement in _drop_new(request, (kind,)).statements]


def _loaded(request: RestoreRequest) -> Steps:
    is_one_of_many = request.stage is Stage.PROGRAMS
    for part in PROGRAM_PARTS:
        if not any(span.name == part.name for span in request.manifest.parts):
            continue
        undo = (_drop_new(request, part.kinds),)
        if is_one_of_many and part.name == VIEWS:
            yield _names(request, undo)
            yield Gate(f"the views of {request.database} have names that others can look at")
        yield Load(
            f"load the {part.name} into {request.database}",
            client(request, request.database),
            (part.name,),
            undo=undo,
            patient=is_one_of_many and part.name != TRIGGERS,  # the tool drops views and routines before it makes them
        )


def _names(request: RestoreRequest, undo: tuple[Step, ...]) -> Load:
    """Make every view by its name and columns alone, so that views of any database find it."""
    load = client(request, request.database)
    return Load(f"make the names of the views of {request.database}", load, (VIEWS,), edit=names_only, undo=undo)


def _events(request: RestoreRequest) -> Generator[Step, Any, list[str]]:
    """Load the events, all of them DISABLED; return the names of those that are to run."""
    if not any(span.name == "events" for span in request.manifest.parts):
        return []
    now = yield Ask("ask for the server's time", lambda connection: str(one(connection, "SELECT UTC_TIMESTAMP()")))
    asleep = Disabled(str(now))
    yield Load(
        f"load the events into {request.database}, disabled",
        client(request, request.database),
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


def client(request: RestoreRequest, database: str) -> Command:
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
