"""MySQL protects what its system users define: only an account with SYSTEM_USER may create or drop it (error 1227).

The rule: this is found before the first byte. In the middle of a swap it could not even be taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vya_backup.engines.mysql.privileges import Grants, may
from vya_backup.engines.mysql.questions import demand_answer, of_schema, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

SINCE = (8, 0, 16)
PRIVILEGE = "SYSTEM_USER"
_LIVE = {"ROUTINES": "ROUTINE_SCHEMA", "VIEWS": "TABLE_SCHEMA", "TRIGGERS": "TRIGGER_SCHEMA", "EVENTS": "EVENT_SCHEMA"}


def definers_of(connection: Connection, database: str) -> set[str]:
    """Return the definers, as `user@host`, of everything that a database holds now."""
    return {
        str(definer)
        for table, schema in _LIVE.items()
        for (definer,) in rows(
            connection,
            f"SELECT DISTINCT DEFINER FROM information_schema.{table} WHERE {of_schema(schema)}",  # noqa: S608
            database=database,
        )
    }


def protected(connection: Connection, grants: Grants, definers: set[str]) -> list[str]:
    """Return those of the definers that an account with these grants may not act for, sorted.

    An account that may not look them up is told all of them: a refusal is better than half a restore.
    """
    from sqlalchemy.exc import DBAPIError

    if may(grants, PRIVILEGE):
        return []
    question = f"SELECT USER, HOST FROM mysql.global_grants WHERE PRIV = '{PRIVILEGE}'"  # noqa: S608
    try:
        system = {f"{user}@{host}" for user, host in rows(connection, question)}
    except DBAPIError as error:
        demand_answer(error)
        return sorted(definers)
    return sorted(definers & system)
