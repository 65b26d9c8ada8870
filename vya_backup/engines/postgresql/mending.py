"""Puts right what a dead restore left on a server: drops its staging, opens the old database again, or ends the swap.

The rule: the swap is one transaction, so that either the old or the restored database stands under the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vya_backup.engines.contract import Mending, Unfinished
from vya_backup.engines.postgresql.properties import identifier
from vya_backup.engines.postgresql.restore import FORGET_SUBSCRIPTIONS, NO_TIMEOUT, slots
from vya_backup.engines.steps import Ask, Sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOUND = "SELECT datname, datallowconn FROM pg_database WHERE datname = ANY (:names)"
_SUBSCRIBES = """SELECT count(s.subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
    WHERE d.datname = :name"""
# What the dead restore asked for last may still be going on: CREATE DATABASE does not look whether its client lives.
_AT_WORK = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND state <> 'idle' AND position(:name in query) > 0 AND usename = current_user"""


@dataclass(frozen=True)
class _Seen:
    """Which of the three databases there are, each with whether it takes connections."""

    target: bool | None
    staging: bool | None
    retired: bool | None
    subscribes: bool
    """Whether the staging database has subscriptions, which keep it from being dropped."""


def mend(left: Unfinished) -> Mending:
    """Describe the mending; see `Engine.mend`."""
    yield Ask("end what the dead restore still does", lambda asked: _end_sessions(asked, left.staging))
    seen: _Seen = yield Ask("look for what the dead restore left", lambda asked: _look(asked, left))
    if seen.staging is not None:
        # first what applications wait for: the staging database tells the next mending that this one was cut off
        if seen.target is False and not left.created and seen.retired is None:
            reopen = f"ALTER DATABASE {identifier(left.database)} ALLOW_CONNECTIONS true"
            yield Sql(f"let {left.database} accept connections again", (reopen,))
        if seen.subscribes:
            yield Sql("forget the staging database's subscriptions", (FORGET_SUBSCRIPTIONS,), database=left.staging)
        drop = f"DROP DATABASE IF EXISTS {identifier(left.staging)} WITH (FORCE)"
        yield Sql(f"drop the staging database {left.staging}", (NO_TIMEOUT, drop))
    if seen.retired is None:
        return ""
    return (yield from _drop_retired(left, seen))


def _drop_retired(left: Unfinished, seen: _Seen) -> Mending:
    old, name = identifier(left.retired), identifier(left.database)
    if seen.target is None:
        return f"{left.retired} holds the old database: ALTER DATABASE {old} RENAME TO {name}"
    if seen.staging is not None:
        return f"{left.retired} was not dropped, since {left.database} is not the restored one: look into both"
    held = yield Ask("see whether slots hold the old database", lambda asked: slots(asked, left.retired))
    if held:
        return f"{left.retired} holds the old database and has replication slots: DROP DATABASE {old}"
    yield Sql(f"drop the old database {left.retired}", (NO_TIMEOUT, f"DROP DATABASE {old}"))
    return ""


def _end_sessions(asked: Connection, staging: str) -> int:
    from sqlalchemy import text

    return int(asked.execute(text(_AT_WORK), {"name": staging}).scalar_one())


def _look(asked: Connection, left: Unfinished) -> _Seen:
    from sqlalchemy import text

    names = [left.database, left.staging, left.retired]
    there = {str(name): bool(opens) for name, opens in asked.execute(text(_FOUND), {"names": names})}
    subscribes = bool(asked.execute(text(_SUBSCRIBES), {"name": left.staging}).scalar_one())
    return _Seen(there.get(left.database), there.get(left.staging), there.get(left.retired), subscribes)
