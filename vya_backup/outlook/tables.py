"""The tables of the looking commands: lines for people that fit 80 columns, plain values for machines."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from vya_backup.clock import rfc3339
from vya_backup.decisions.naming import Key, show
from vya_backup.decisions.plan import Work
from vya_backup.decisions.slots import is_overdue
from vya_backup.errors import UsageError
from vya_backup.history.views import BackupRow, DatabaseRow, backups, databases, restorable
from vya_backup.jobs.planning import Planned
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook.figures import human_age, human_size, local_time

WIDTH = 80
SHORT_ID = 18  # of a UUIDv7: the millisecond and twelve bits more, which `--backup` takes as well
WORDS = {Work.DUMP: "dump", Work.CHECKSUM: "check", Work.NOTHING: "-"}
Column = tuple[str, str]
"""A heading, and `left` or `right`."""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int = WIDTH) -> list[str]:
    """Lay rows out in columns; long cells fold, so that nothing is cut off."""
    from rich.console import Console
    from rich.table import Table

    laid_out = Table(box=None, pad_edge=False, header_style="")
    for heading, justify in columns:
        laid_out.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        laid_out.add_row(*(show(cell) for cell in row))
    out = io.StringIO()
    Console(file=out, width=width, emoji=False, markup=False, highlight=False, color_system=None).print(laid_out)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def plan_lines(planned: Sequence[Planned], workspace: Workspace) -> list[str]:
    """Return the plan with a reason for each database, and one line of counts."""
    rows = [_plan_cells(p) for p in planned]
    due = sum(1 for p in planned if p.decision.is_due)
    counted = f"{due:,} of {len(planned):,} databases are due; {workspace.schedule}"
    return [*(table((("database", "left"), ("next", "left"), ("why", "left")), rows) if rows else []), counted]


def plan_values(planned: Sequence[Planned]) -> list[dict[str, Any]]:
    """Return the plan for machines."""
    return [
        {
            "instance": p.key.instance,
            "database": p.key.database,
            "task": f"backup:{p.key.task}",
            "work": str(p.decision.work),
            "reason": p.problem or p.decision.reason,
            "path": p.artifact.dump,
            "slot_start": rfc3339(p.slot.start),
            "slot_end": rfc3339(p.slot.end),
        }
        for p in planned
    ]


def backup_lines(rows: Sequence[BackupRow], workspace: Workspace) -> list[str]:
    """Return backups for people, newest first."""
    columns = (("database", "left"), ("state", "left"), ("started", "left"), ("size", "right"), ("id", "left"))
    return table(columns, [_backup_cells(row, workspace) for row in rows]) if rows else ["there are no backups yet"]


def database_lines(rows: Sequence[DatabaseRow]) -> list[str]:
    """Return the known databases for people: the newest good backup, its age and size, and what is wrong."""
    columns = (("database", "left"), ("newest", "right"), ("size", "right"), ("kept", "right"), ("state", "left"))
    cells = [
        (_named(row), human_age(row.age_seconds), _size(row.size_bytes), f"{row.kept_count:,}", _database_state(row))
        for row in rows
    ]
    return table(columns, cells) if cells else ["no database is known yet; run: doit backup"]


def status_lines(rows: Sequence[DatabaseRow]) -> list[str]:
    """Return one glance: what is overdue or failed, then one line of counts."""
    troubled = [row for row in rows if row.overdue or row.newest_good is None]
    kept = sum(row.kept_bytes for row in rows)
    counts = f"{len(rows) - len(troubled):,} of {len(rows):,} databases have a fresh good backup"
    return [*(database_lines(troubled) if troubled else []), f"{counts}; {human_size(kept)} kept"]


def restorable_lines(
    workspace: Workspace, instance: str | None, database: str | None, *, day: str = "", limit: int = 0
) -> list[str]:
    """Return what can be restored, newest first.

    Raises:
        UsageError: `day` is no date.
    """
    rows: Sequence[BackupRow] = restorable(workspace.catalog, instance, database)
    if day:
        rows = [row for row in rows if _local(row.started_at, workspace).date() == _date(day)]
    return backup_lines(rows[: limit or None], workspace)


def backup_rows(workspace: Workspace, key: Key | None) -> list[BackupRow]:
    """Return the backups of one database, or of all."""
    return backups(workspace.catalog, key.instance, key.database) if key else backups(workspace.catalog)


def database_rows(workspace: Workspace, instance: str = "") -> list[DatabaseRow]:
    """Return the known databases, of one instance or of all."""
    rows = [row for row in databases(workspace.catalog) if instance in {"", row.instance}]
    # the view knows intervals alone, and not on which days they are kept
    now, schedule = workspace.clock(), workspace.schedule
    return [replace(row, overdue=row.overdue and is_overdue(row.newest_good_at, now, schedule)) for row in rows]


def values(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return rows for machines: exact numbers, times as RFC 3339."""
    return [{name: _plain(value) for name, value in asdict(row).items()} for row in rows]


def _plan_cells(planned: Planned) -> tuple[str, ...]:
    word = "problem" if planned.problem else WORDS[planned.decision.work]
    return (str(planned.key), word, planned.problem or planned.decision.reason)


def _backup_cells(row: BackupRow, workspace: Workspace) -> tuple[str, ...]:
    at = local_time(_local(row.started_at, workspace))
    return (f"{row.instance}/{row.database}", _state(row), at, _size(row.size_bytes), row.backup_id[:SHORT_ID])


def _state(row: BackupRow) -> str:
    """Return a backup's state, with what the last verification had against it although it stayed good."""
    verdict = {"fail": ", sidecar differs", "cannot judge": ", not judged"}.get(row.verdict or "", "")
    held = ", held" if row.held else ""
    return row.state + (verdict if row.state == "good" else "") + held


def _named(row: DatabaseRow) -> str:
    key = Key(row.instance, row.database)
    return str(key) if str(key) == key.task else f"{key} (task {key.task})"


def _database_state(row: DatabaseRow) -> str:
    if row.newest_good is None:
        return f"NO GOOD BACKUP {row.last_failure_message or ''}".rstrip()
    state = "OVERDUE" if row.overdue else "due" if row.due else "good"
    failed_since = row.last_failure_at and row.newest_good_at and row.last_failure_at > row.newest_good_at
    return f"{state}, last try failed: {row.last_failure_message}" if failed_since else state


def _local(instant: datetime, workspace: Workspace) -> datetime:
    return instant.astimezone(workspace.schedule.zone)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--date {text!r} is no date", "Write it as 2026-01-09.") from error


def _size(size: int | None) -> str:
    return "-" if size is None else human_size(size)


def _plain(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value
