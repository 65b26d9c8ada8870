"""Watches how long others wait behind a dump, and a dump behind others.

The rule: `pg_locks` is asked who waits, since it shows every session to every account; `pg_stat_activity` does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

# A waiter's start is in pg_locks from version 14 on; before, its statement's start is the upper bound.
_BLOCKED = """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - coalesce({since}))), 0)::float8
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE NOT l.granted AND (a.application_name = :marker AND a.query !~* '^\\s*LOCK'
        OR EXISTS (SELECT FROM pg_stat_activity d
            WHERE d.application_name = :marker AND d.pid = ANY (pg_blocking_pids(l.pid)) AND d.pid <> l.pid))"""


def blocked_seconds(connection: Connection, marker: str) -> float:
    """Return the longest time that a session has been waiting behind those named `marker`, or these themselves; or 0.

    pg_dump ends its waits for tables itself (--lock-wait-timeout); for a sequence it would wait for ever.
    """
    from sqlalchemy import text

    number = int(connection.exec_driver_sql("SELECT current_setting('server_version_num')").scalar_one())
    since = "l.waitstart, a.query_start" if number >= 140000 else "a.query_start"
    return float(connection.execute(text(_BLOCKED.format(since=since)), {"marker": marker}).scalar_one())
