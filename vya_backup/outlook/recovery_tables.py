"""The plan of a recovery for people: where from, where to, and each database with its backup, size and time."""

from __future__ import annotations

from vya_backup.decisions.manifest import counted
from vya_backup.decisions.recovery import TROUBLE, Fate, Planned
from vya_backup.jobs.recovery_plan import Considered
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook.figures import human_duration, human_size, local_time
from vya_backup.outlook.tables import Column, table

COLUMNS: tuple[Column, ...] = (
    ("database", "left"),
    ("what", "left"),
    ("backup of", "left"),
    ("dump", "right"),
    ("expected", "right"),
)
UNKNOWN = "unknown"


def header_lines(considered: Considered, workspace: Workspace) -> list[str]:
    """Return where it comes from and where it goes."""
    source, target, engine = considered.source, considered.target, workspace.engine(considered.target)
    address = target.path or str(target.socket or f"{target.host}:{target.port or engine.default_port}")
    goes_on = " (goes on where it was left)" if considered.resumed and considered.work else ""
    lines = [
        f"from   the backups of {source.id}, {considered.wish}{goes_on}",
        f"to     {target.id}, {address}",
        f"       {considered.server}",
        f"       environment: {workspace.configuration.application.environment}",
    ]
    accounts = considered.accounts
    if accounts is not None:
        at = accounts.started_at.astimezone(workspace.schedule.zone) if accounts.started_at else None
        lines.append(f"       accounts first, as backed up {local_time(at)}")
    elif considered.accounts_problem:
        lines.append(f"note   without accounts: {considered.accounts_problem}")
    return lines


def plan_lines(considered: Considered, workspace: Workspace) -> list[str]:
    """Return the plan of a dry run in 80 columns, in the order of the work."""
    planned, work = considered.planned, considered.work
    told = [f"note   {one.database}: {one.fate}: {one.reason}" for one in planned if one.fate in TROUBLE]
    told += [f"note   {one.database}: {one.reason}" for one in planned if one.fate is Fate.RESTORE and one.reason]
    size = human_size(sum(one.candidate.plain_bytes for one in work))
    total = considered.expected_seconds
    expected = UNKNOWN if total is None else f"about {human_duration(total)}"
    workers = considered.wish.workers
    return [
        *header_lines(considered, workspace),
        "",
        *table(COLUMNS, [_cells(one, workspace) for one in planned]),
        *told,
        f"{counted(len(work), 'database')} to restore, {size}; {workers} at once; expected time: {expected}",
        "dry run: nothing was touched",
    ]


def _cells(planned: Planned, workspace: Workspace) -> tuple[str, ...]:
    candidate = planned.candidate
    at = local_time(candidate.started_at.astimezone(workspace.schedule.zone)) if candidate.started_at else "-"
    size = human_size(candidate.plain_bytes) if candidate.backup_id else "-"
    is_work = planned.fate in {Fate.RESTORE, Fate.REPLACE}
    seconds = planned.expected_seconds
    expected = "-" if not is_work else UNKNOWN if seconds is None else human_duration(seconds)
    return (planned.database, str(planned.fate), at, size, expected)
