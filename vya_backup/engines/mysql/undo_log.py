"""Notes on the server, beside the staged tables, what takes a restore back should its process die.

The rule: a note is one INSERT, made before the act that it takes back, and the log is dropped when the restore stands:
while it is there the old database comes back, without it nothing of the live one was touched or all of it is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from vya_backup.engines.contract import RestoreRequest
from vya_backup.engines.mysql.questions import literal, qualified, rows
from vya_backup.engines.mysql.steps import statements
from vya_backup.engines.steps import Sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

UNDO_LOG = "vya_undo_log"
"""The log's table in the staging database; never one of the restored ones."""
NEW_PROGRAMS, TABLES, PROPERTIES, PROGRAMS = "new programs", "tables", "properties", "programs"
"""Acts with the statements that take them back, in the order of a rollback."""
STAGED, OLD, ROWS = "staged tables", "old tables", "rows"
"""What else is noted: the tables that the swap moves, and the rows that the staged ones held."""


def note(request: RestoreRequest, act: str, texts: Iterable[str]) -> Sql:
    """Return the step that notes the statements, or names, that belong to an act."""
    log = qualified(request.staging, UNDO_LOG)
    create = f"""CREATE TABLE IF NOT EXISTS {log} (id INT AUTO_INCREMENT PRIMARY KEY, act VARCHAR(40) NOT NULL,
        content LONGTEXT NOT NULL) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4"""
    values = ", ".join(f"({literal(act)}, {literal(text)})" for text in texts)
    insert = (f"INSERT INTO {log} (act, content) VALUES {values}",) if values else ()  # noqa: S608
    return replace(statements(request, f"note how to take back: {act}", (create, *insert)), told=False)


def forget(request: RestoreRequest) -> Sql:
    """Return the step that makes the restore count: from here on it is never taken back."""
    step = statements(request, "forget how to take it back", [f"DROP TABLE {qualified(request.staging, UNDO_LOG)}"])
    return replace(step, told=False)


def read(connection: Connection, staging: str) -> dict[str, list[str]]:
    """Return what was noted, in order, by act."""
    noted: dict[str, list[str]] = {}
    question = f"SELECT act, content FROM {qualified(staging, UNDO_LOG)} ORDER BY id"  # noqa: S608
    for act, content in rows(connection, question):
        noted.setdefault(str(act), []).append(str(content))
    return noted
