"""Compares two databases object by object, row by row, sequence and grant by grant.

The rule: nothing of the product is used here, so that a fault of its own inspection cannot hide a fault of its restore.
`snapshot(server, database)` (for SQLite `snapshot(path)`) asks the catalogs; `assert_same` shows each difference.
"""

from __future__ import annotations

from pathlib import Path

from tests.comparison.difference import Snapshot, assert_same, differences
from tests.servers import MySqlServer, PostgresqlServer, TestServer

__all__ = ["Snapshot", "assert_same", "differences", "snapshot"]


def snapshot(server: TestServer | Path, database: str = "") -> Snapshot:
    """Return everything a database holds: kind, then name, then definition (or digest of the rows)."""
    from tests.comparison import mysql, postgresql, sqlite

    if isinstance(server, Path):
        return sqlite.snapshot(server)
    if isinstance(server, PostgresqlServer):
        return postgresql.snapshot(server, database)
    assert isinstance(server, MySqlServer)
    return mysql.snapshot(server, database)
