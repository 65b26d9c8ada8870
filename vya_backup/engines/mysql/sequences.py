"""Restores MariaDB's `DEFAULT nextval(...)`, which always names the database it was written in.

The rule: a table with such a default can only be created while that sequence exists. Where it does not, an empty one
stands in for it during the load, and is gone afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.mysql.questions import identifier, one, qualified
from vya_backup.engines.mysql.steps import statements
from vya_backup.engines.mysql.swap import drop_if_empty
from vya_backup.engines.steps import Ask, Step, Steps

if TYPE_CHECKING:
    from sqlalchemy import Connection

Name = tuple[str, str]
_QUALIFIED = re.compile(r"`((?:[^`]|``)*)`\.`((?:[^`]|``)*)`")


def scaffold(request: RestoreRequest, into: str) -> Generator[Step, Any, tuple[str, ...]]:
    """Create stand-ins for the sequences that defaults name and that are missing; return what removes them."""
    wanted = _named(request)
    if into == request.source_database or not wanted:  # a dump creates its sequences before its tables
        return ()
    missing, databases = yield Ask("look for the sequences that defaults name", lambda c: _missing(c, wanted))
    removal = _removal(missing, databases)
    if missing:
        create = [f"CREATE DATABASE IF NOT EXISTS {identifier(database)}" for database in databases]
        create += [f"CREATE SEQUENCE {qualified(*name)}" for name in missing]
        yield statements(
            request,
            "create stand-ins for sequences",
            create,
            undo=(statements(request, "drop the stand-ins", removal),),
        )
    return removal


def settled(request: RestoreRequest, stand_ins: tuple[str, ...]) -> Steps:
    """Let the defaults of a database restored under another name draw from its own sequences; drop the stand-ins."""
    source, target = identifier(request.source_database), identifier(request.database)
    defaults = request.properties.get("own_sequence_defaults", ())
    if source == target or not defaults:
        return
    alter = [
        f"ALTER TABLE {qualified(request.database, table)} ALTER COLUMN {identifier(column)}"
        f" SET DEFAULT ({default.replace(f'{source}.', f'{target}.')})"
        for table, column, default in defaults
    ]
    yield statements(request, "let defaults draw from the restored sequences", (*alter, *stand_ins))


def _named(request: RestoreRequest) -> list[Name]:
    found = {
        (database.replace("``", "`"), name.replace("``", "`"))
        for _table, _column, default in request.properties.get("own_sequence_defaults", ())
        for database, name in _QUALIFIED.findall(default)
    }
    return sorted(found)


def _missing(connection: Connection, wanted: list[Name]) -> tuple[list[Name], list[str]]:
    """Return the sequences, and those of their databases, that are not there."""
    table = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = :database AND TABLE_NAME = :name"
    schema = "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = :database"
    missing = [pair for pair in wanted if not one(connection, table, database=pair[0], name=pair[1])]
    databases = sorted({database for database, _name in missing})
    return missing, [database for database in databases if not one(connection, schema, database=database)]


def _removal(missing: list[Name], databases: list[str]) -> tuple[str, ...]:
    drop = [f"DROP SEQUENCE IF EXISTS {qualified(*name)}" for name in missing]
    return (*drop, *(statement for database in databases for statement in drop_if_empty(database)))
