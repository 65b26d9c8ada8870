"""What the views read, kept beside the events: each event type says in SQL what it changes.

The rule: `apply` runs in the transaction of the append, and `rebuild` replays the same statements, so the projection
never says anything that the events don't. Types without statements (of a newer program, too) change nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from vya_backup.history import tallies, timekeeping
from vya_backup.history.expecting import EXPECTED

if TYPE_CHECKING:
    from sqlite3 import Connection

Row = Mapping[str, Any]

TABLES: Final = (
    "projected_alarms",
    "projected_backups",
    "projected_databases",
    "projected_drills",
    "projected_good",
    "projected_instances",
    "projected_looks",
    "projected_prunes",
    "projected_restores",
    "projected_runs",
    "projected_tasks",
    *tallies.TABLES,
    *timekeeping.TABLES,
)
COLUMNS: Final = ("origin", "id", "at", "type", "run_id", "backup_id", "instance", "database", "host", "actor", "data")


def digest() -> str:
    """Return what tells whether a file's projection was made by these statements."""
    made_by = sorted(_STATEMENTS.items()) + sorted(tallies.STATEMENTS.items())
    return hashlib.sha256(repr(made_by).encode()).hexdigest()


def apply(connection: Connection, row: Row) -> None:
    """Change the projection as the event demands, in the caller's transaction.

    `row` holds the event's `COLUMNS`; its `origin` is the host's name in a merged catalog, and empty in any other.
    """
    for statement in (*_STATEMENTS.get(row["type"], ()), *tallies.STATEMENTS.get(row["type"], ())):
        connection.execute(statement, row)


def rebuild(connection: Connection) -> None:
    """Make the projection again from the events, in the caller's transaction."""
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")
    for row in _events(connection):
        apply(connection, row)


def _events(connection: Connection) -> Iterator[Row]:
    cursor = connection.cursor()
    cursor.row_factory = None
    sql = f"SELECT coalesce(o.host, ''), {', '.join(f'e.{name}' for name in COLUMNS[1:])} FROM events AS e "
    for values in cursor.execute(f"{sql} LEFT JOIN origins AS o ON o.catalog_id = e.catalog_id ORDER BY e.id"):
        yield dict(zip(COLUMNS, values, strict=True))


def _value(field: str) -> str:
    return f"json_extract(:data, '$.{field}')"


def _values_of(*fields: str) -> str:
    return ", ".join(_value(field) for field in fields)


def _values(*fields: str) -> str:
    return ", ".join(f"{field} = {_value(field)}" for field in fields)


_KNOWN_BACKUP = """
INSERT OR IGNORE INTO projected_backups (sequence, backup_id, origin, instance, database, host, started_at)
SELECT :id, :backup_id, :origin, :instance, :database, :host, :at
WHERE :backup_id IS NOT NULL AND :instance IS NOT NULL AND :database IS NOT NULL
"""

_KNOWN_DATABASE = """
INSERT OR IGNORE INTO projected_databases (origin, instance, database)
SELECT :origin, :instance, :database WHERE :instance IS NOT NULL AND :database IS NOT NULL
"""

_KNOWN_RESTORE = f"""
INSERT OR IGNORE INTO projected_restores
  (sequence, restore_id, origin, run_id, backup_id, instance, database, host, actor, started_at)
VALUES (:id, {_value("restore_id")}, :origin, :run_id, :backup_id, :instance, :database, :host, :actor, :at)
"""

_DRILL_ENDS = "DELETE FROM projected_drills WHERE backup_id = :backup_id AND host = :host"

_KNOWN_ALARM = """
INSERT OR IGNORE INTO projected_alarms (origin, instance, database)
SELECT :origin, :instance, :database WHERE :instance IS NOT NULL AND :database IS NOT NULL
"""

_OF_THE_DATABASE = "WHERE instance = :instance AND database = :database AND origin = :origin"
_OF_THE_INSTANCE = "WHERE instance = :instance AND origin = :origin"
_NEWEST_GOOD = f"(SELECT good_sequence FROM projected_databases {_OF_THE_DATABASE})"

_BECOMES_GOOD = f"""
INSERT OR IGNORE INTO projected_good (backup_id, good_event, before_bytes, inode, modified_ns)
SELECT :backup_id, :id,
  (SELECT plain_bytes FROM projected_backups WHERE sequence = {_NEWEST_GOOD} AND sequence < b.sequence),
  {_value("inode")}, {_value("modified_ns")}
FROM projected_backups AS b
WHERE b.backup_id = :backup_id AND b.state = 'running' AND b.sha256 = {_value("sha256")}
"""

# What happens to a backup is trouble while no newer one is good; what has no backup never got as far as that.
_TROUBLE = (
    _KNOWN_ALARM,
    f"""
UPDATE projected_alarms SET trouble_event = :id {_OF_THE_DATABASE} AND (
  :backup_id IS NULL
  OR (SELECT sequence FROM projected_backups WHERE backup_id = :backup_id) > coalesce({_NEWEST_GOOD}, 0)
)
""",
)

_NEWEST_IS_BACK = f"""
UPDATE projected_alarms SET trouble_event = NULL {_OF_THE_DATABASE}
AND (SELECT sequence FROM projected_backups WHERE backup_id = :backup_id) = {_NEWEST_GOOD}
AND (SELECT backup_id FROM events WHERE id = trouble_event) = :backup_id
"""

# Only what began after the trouble ends it, or the end of that very trouble: an older dump may be read back again.
_NEWEST_IS_GOOD = f"""
UPDATE projected_alarms SET trouble_event = NULL {_OF_THE_DATABASE}
AND (SELECT sequence FROM projected_backups WHERE backup_id = :backup_id) = {_NEWEST_GOOD}
AND (
  {_NEWEST_GOOD} > trouble_event
  OR EXISTS (
    SELECT 1 FROM events AS t WHERE t.id = trouble_event
    AND (t.backup_id = :backup_id OR (t.backup_id IS NULL AND json_extract(t.data, '$.step') = 'checksum'))
  )
)
"""


def _backup(changes: str, condition: str = "1") -> str:
    return f"UPDATE projected_backups SET {changes} WHERE backup_id = :backup_id AND ({condition})"


def _restore(changes: str) -> str:
    return f"UPDATE projected_restores SET {changes} WHERE restore_id = {_value('restore_id')}"


_STATEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "started": (
        _KNOWN_BACKUP,
        _backup(
            "started_at = :at, host = :host, "
            + _values("engine", "path", "shape", "slot_start", "slot_end", "attempt", "forced", "process")
        ),
    ),
    "dumped": (
        _KNOWN_BACKUP,
        _backup(
            "state = 'running', dumped_at = :at, gaps = json_array_length(:data, '$.gaps'), "
            "finished_at = NULL, code = NULL, message = NULL, hint = NULL, "
            + _values("path", "size_bytes", "plain_bytes", "sha256", "plain_sha256", "metadata_sha256", "compression")
            + ", "
            + _values("consistent", "rows", "rows_exact", "schema_hash", "duration_seconds"),
            "state IN ('running', 'abandoned', 'failed')",  # a published dump whose event was missing is adopted
        ),
    ),
    "checksummed": (
        _KNOWN_BACKUP,
        _BECOMES_GOOD,
        _backup(
            "state = 'good', checksummed_at = :at, finished_at = :at, code = NULL, message = NULL, hint = NULL",
            f"state IN ('running', 'missing', 'damaged') AND sha256 = {_value('sha256')}",
        ),
        _NEWEST_IS_GOOD,
    ),
    "verified": (
        _backup("verified_at = :at", f"{_value('verdict')} = 'pass'"),
        _backup(  # a file that was out of reach is back, and intact
            "state = 'good', code = NULL, message = NULL, hint = NULL",
            f"{_value('verdict')} = 'pass' AND state IN ('missing', 'damaged') AND checksummed_at IS NOT NULL",
        ),
        _NEWEST_IS_BACK,
        "INSERT OR REPLACE INTO projected_looks (backup_id, event, looked_at, verdict, reason) "
        f"SELECT :backup_id, :id, :at, {_value('verdict')}, coalesce({_value('reason')}, '') "
        "WHERE :backup_id IS NOT NULL",
    ),
    "drill_started": (
        "INSERT OR REPLACE INTO projected_drills "
        "(sequence, backup_id, origin, instance, database, host, process, target_instance) "
        f"SELECT :id, :backup_id, :origin, :instance, :database, :host, {_values_of('process', 'target_instance')} "
        "WHERE :backup_id IS NOT NULL AND :instance IS NOT NULL AND :database IS NOT NULL",
    ),
    "drilled": (_backup("drilled_at = :at", f"{_value('verdict')} = 'pass'"), _DRILL_ENDS),
    "drill_abandoned": (_DRILL_ENDS,),
    "failed": (
        _KNOWN_BACKUP,
        _KNOWN_DATABASE,
        _backup("state = 'failed', finished_at = :at, " + _values("code", "message", "hint"), "state = 'running'"),
        "UPDATE projected_databases SET last_failure_at = :at, "
        f"last_failure_code = {_value('code')}, last_failure_message = {_value('message')} {_OF_THE_DATABASE}",
        *_TROUBLE,
    ),
    "abandoned": (
        _KNOWN_BACKUP,
        _backup(
            f"state = 'abandoned', finished_at = :at, code = 'abandoned', message = {_value('reason')}",
            "state = 'running'",
        ),
        *_TROUBLE,
    ),
    "missing": (
        _backup(
            f"state = 'missing', code = 'missing', message = {_value('path')}",
            "state IN ('good', 'damaged') OR (state = 'running' AND dumped_at IS NOT NULL)",
        ),
        *_TROUBLE,
    ),
    "damaged": (
        _backup(
            f"state = 'damaged', code = 'damaged', message = {_value('reason')}",
            "state IN ('good', 'missing') OR (state = 'running' AND dumped_at IS NOT NULL)",
        ),
        *_TROUBLE,
    ),
    "pruned": (
        _KNOWN_BACKUP,
        _backup("state = 'pruned', pruned_at = :at"),
        "INSERT OR IGNORE INTO projected_prunes (sequence, backup_id) "
        "SELECT :id, :backup_id WHERE :backup_id IS NOT NULL",
    ),
    "removed": ("DELETE FROM projected_prunes WHERE backup_id = :backup_id",),
    "held": (_backup("held = 1"),),
    "released": (
        _backup("held = 0"),
        _KNOWN_ALARM,
        "UPDATE projected_alarms SET trouble_event = NULL, looked_event = :id "
        f"{_OF_THE_DATABASE} AND :backup_id IS NULL",
    ),
    "restore_started": (
        _KNOWN_RESTORE,
        _restore(
            _values("target_instance", "target_database", "staging", "retired", "source_path", "requested", "process")
        ),
    ),
    "restored": (
        _KNOWN_RESTORE,
        _restore(
            f"state = 'restored', finished_at = :at, left_behind = {_value('left')}, "
            + _values("target_instance", "target_database", "duration_seconds", "rows", "plain_bytes")
        ),
    ),
    "restore_failed": (
        _KNOWN_RESTORE,
        _restore(
            f"state = 'failed', finished_at = :at, left_behind = {_value('left')}, "
            + _values("target_instance", "target_database", "code", "message", "hint")
        ),
    ),
    "restore_cleaned": (_restore("left_behind = ''"),),
    "discovered": (
        "INSERT OR REPLACE INTO projected_instances (origin, instance, discovered_event, discovered_at) "
        "SELECT :origin, :instance, :id, :at WHERE :instance IS NOT NULL",
        # `@users` and its like are no databases of the server, so that discovery never sees them
        f"UPDATE projected_databases SET present = 0 {_OF_THE_INSTANCE} AND database NOT LIKE '@%'",
        "INSERT OR IGNORE INTO projected_databases (origin, instance, database) "
        "SELECT :origin, :instance, value FROM json_each(:data, '$.found') WHERE :instance IS NOT NULL",
        f"UPDATE projected_databases SET present = 1 {_OF_THE_INSTANCE} "
        "AND database IN (SELECT value FROM json_each(:data, '$.found'))",
    ),
    "configured": (EXPECTED,),
    "run_started": (
        f"INSERT OR IGNORE INTO projected_runs "
        "(sequence, run_id, origin, command, version, environment, config_path, host, actor, started_at) "
        f"SELECT :id, :run_id, :origin, {_value('command')}, {_value('version')}, {_value('environment')}, "
        f"{_value('config_path')}, :host, :actor, :at WHERE :run_id IS NOT NULL",
    ),
    "run_finished": (
        "UPDATE projected_runs SET finished_at = :at, " + _values("exit_status", "results") + " WHERE run_id = :run_id",
    ),
    "task_recorded": (
        "INSERT OR REPLACE INTO projected_tasks (origin, task, state) "
        f"VALUES (:origin, {_value('task')}, json_extract(:data, '$.state'))",
    ),
    "task_forgotten": (f"DELETE FROM projected_tasks WHERE task = {_value('task')} AND origin = :origin",),
    **timekeeping.STATEMENTS,
}
