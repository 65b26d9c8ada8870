"""What retention shows: every backup with its fate and the reasons, sizes summed."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from vya_backup.decisions.retention import Fate
from vya_backup.jobs.pruning import Considered, Outcome
from vya_backup.outlook.figures import human_size, local_time
from vya_backup.outlook.tables import SHORT_ID, table

COLUMNS = (("fate", "left"), ("started", "left"), ("size", "right"), ("id", "left"), ("why", "left"))


def preview_lines(considered: Considered, zone: ZoneInfo) -> list[str]:
    """Return the decision about one database, newest backup first, and one line of sums."""
    decision = considered.decision
    rows = [_cells(considered, fate, zone) for fate in decision.fates]
    kept, gone = decision.survivors, decision.victims
    sums = (
        f"{len(kept):,} kept ({human_size(considered.bytes_of(kept))}), "
        f"{len(gone):,} to prune ({human_size(considered.bytes_of(gone))})"
    )
    barred = [f"nothing is pruned: {decision.barred}"] if decision.barred else []
    heading = f"{considered.key}: {decision.policy} ({zone.key})"
    return [heading, *(table(COLUMNS, rows) if rows else []), *barred, sums]


def pruned_lines(outcome: Outcome, zone: ZoneInfo) -> list[str]:
    """Return a line for each backup that was pruned, oldest first."""
    pruned = [outcome.considered.rows[event.backup_id or ""] for event in outcome.pruned]
    return [
        f"pruned {local_time(row.started_at.astimezone(zone))}  {row.backup_id}  {human_size(row.size_bytes or 0)}"
        for row in pruned
    ]


def _cells(considered: Considered, fate: Fate, zone: ZoneInfo) -> tuple[str, ...]:
    row = considered.rows[fate.candidate.backup_id]
    size = "-" if row.size_bytes is None else human_size(row.size_bytes)
    started = local_time(row.started_at.astimezone(zone))
    return ("keep" if fate.keep else "prune", started, size, row.backup_id[:SHORT_ID], fate.reason)
