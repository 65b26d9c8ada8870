"""Keeps the views, routines, triggers and events of a live database, to drop them for a swap and to bring them back.

The rule: what is dropped was read in full before; each statement runs again under the settings it was written with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vya_backup.engines.mysql.objects import stored
from vya_backup.engines.mysql.questions import demand_answer, identifier, literal, of_schema, qualified, records, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

CREATES = {
    "view": "Create View",
    "trigger": "SQL Original Statement",
    "procedure": "Create Procedure",
    "function": "Create Function",
    "package": "Create Package",
    "package body": "Create Package Body",
    "event": "Create Event",
}
ORDER = ("function", "procedure", "package", "package body", "view", "trigger", "event")
"""In which they can be created; they are dropped the other way round."""

_SETTINGS = ("character_set_client", "collation_connection", "time_zone")


@dataclass(frozen=True)
class Definition:
    """One view or stored program: its CREATE statement and the settings that belong to it."""

    kind: str
    name: str
    create: str
    settings: tuple[str, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoutineGrant:
    """A grant on one routine, as the statement that gives it."""

    kind: str
    name: str
    statement: str


def definitions(connection: Connection, database: str) -> tuple[Definition, ...]:
    """Read every definition of a database; a broken view, which no statement can make again, is left out."""
    from sqlalchemy.exc import DBAPIError

    found = []
    for kind, name in _in_order(connection, database):
        try:
            found.append(_definition(connection, database, kind, name))
        except DBAPIError as error:
            demand_answer(error)
            if kind != "view":
                raise
    return tuple(sorted(found, key=lambda definition: ORDER.index(definition.kind)))


def drops(database: str, names: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the statements that drop these (kind, name) pairs, where they are there."""
    last_first = sorted(((k, n) for k, n in names if k in ORDER), key=lambda pair: ORDER.index(pair[0]), reverse=True)
    return tuple(statement for kind, name in last_first for statement in _drop(kind, qualified(database, name)))


def recreates(found: Sequence[Definition]) -> tuple[str, ...]:
    """Return the statements that make them again, in the database that is the connection's own."""
    views = [definition for definition in found if definition.kind == "view"]
    before = [definition for definition in found if ORDER.index(definition.kind) < ORDER.index("view")]
    after = [definition for definition in found if ORDER.index(definition.kind) > ORDER.index("view")]
    return (
        *(statement for definition in before for statement in (*definition.settings, definition.create)),
        *map(_placeholder, views),  # views may refer to each other in any order
        *(s for view in views for s in (*view.settings, view.create.replace("CREATE ", "CREATE OR REPLACE ", 1))),
        *(statement for definition in after for statement in (*definition.settings, definition.create)),
    )


def _drop(kind: str, name: str) -> tuple[str, ...]:
    drop = f"DROP {kind.upper()} IF EXISTS {name}"
    if not kind.startswith("package"):
        return (drop,)
    return ("SET SESSION sql_mode = 'ORACLE'", drop, "SET SESSION sql_mode = ''")  # only then is it understood


def routine_grants(connection: Connection, database: str) -> tuple[RoutineGrant, ...]:
    """Return the grants on single routines, which the server drops together with the routine.

    Empty for an account that may not read mysql.procs_priv.
    """
    from sqlalchemy.exc import DBAPIError

    question = f"""SELECT LOWER(Routine_type), Routine_name, User, Host, Proc_priv FROM mysql.procs_priv
        WHERE {of_schema("Db")}"""  # noqa: S608
    try:
        found = rows(connection, question, database=database)
    except DBAPIError as error:
        demand_answer(error)
        return ()
    return tuple(_routine_grant(database, *map(str, row)) for row in found)


def _routine_grant(database: str, kind: str, name: str, user: str, host: str, privileges: str) -> RoutineGrant:
    words = [word for word in privileges.upper().split(",") if word != "GRANT"] or ["USAGE"]
    who = f"{literal(user)}@{literal(host)}" if host else identifier(user)  # MariaDB's roles have no host
    option = " WITH GRANT OPTION" if "GRANT" in privileges.upper().split(",") else ""
    text = f"GRANT {', '.join(words)} ON {kind.upper()} {qualified(database, name)} TO {who}{option}"
    return RoutineGrant(kind, name, text)


def _in_order(connection: Connection, database: str) -> list[tuple[str, str]]:
    names = [(item.kind, item.name) for item in stored(connection, database) if item.kind != "trigger"]
    question = f"""SELECT 'trigger', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE {of_schema("TRIGGER_SCHEMA")}
        ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER"""  # noqa: S608
    return [*names, *((str(k), str(n)) for k, n in rows(connection, question, database=database))]


def _definition(connection: Connection, database: str, kind: str, name: str) -> Definition:
    answer = records(connection, f"SHOW CREATE {kind.upper()} {qualified(database, name)}")[0]
    columns: tuple[str, ...] = ()
    if kind == "view":
        shown = records(connection, f"SHOW FIELDS FROM {qualified(database, name)}")
        columns = tuple(str(field["Field"]) for field in shown)
    create = str(answer[CREATES[kind]])
    return Definition(kind, name, create, _settings(answer, create), columns)


def _settings(answer: dict[str, Any], create: str) -> tuple[str, ...]:
    wanted = {"sql_mode": str(answer.get("sql_mode", ""))}
    wanted |= {name: str(answer[name]) for name in _SETTINGS if answer.get(name)}
    if not create.isascii():
        wanted["character_set_client"] = "utf8mb4"  # in which the text itself travels
    return tuple(f"SET SESSION {name} = {literal(value)}" for name, value in wanted.items())


def _placeholder(view: Definition) -> str:
    columns = ", ".join(f"1 AS {identifier(column)}" for column in view.columns)
    return f"CREATE OR REPLACE VIEW {identifier(view.name)} AS SELECT {columns}"
