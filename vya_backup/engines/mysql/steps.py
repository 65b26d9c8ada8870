"""Makes the steps of statements that a restore of this family consists of."""

from __future__ import annotations

from collections.abc import Iterable

from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.steps import Sql, Step

NO_BINARY_LOG = "SET SESSION sql_log_bin = 0"


def statements(
    request: RestoreRequest,
    purpose: str,
    texts: Iterable[str],
    *,
    database: str | None = None,
    undo: tuple[Step, ...] = (),
    may_fail: bool = False,
) -> Sql:
    """Return a step of statements, kept out of the binary log when that was said on the command line."""
    first = (NO_BINARY_LOG,) if "no-binlog" in request.allow else ()
    return Sql(purpose, (*first, *texts), database=database, undo=undo, may_fail=may_fail)
