"""The metrics of single databases: what alerts on absence need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from vya_backup.history.watching import WatchedRow
from vya_backup.outlook.observed import OF_DATABASE, Observed

if TYPE_CHECKING:
    from prometheus_client.core import Metric

VERDICTS = {"pass": 1.0, "fail": 0.0}
CANNOT_JUDGE = -1.0
Value = Callable[[WatchedRow], float | None]


def database_families(seen: Observed) -> Iterator[Metric]:
    """Yield a gauge for each fact, with a value for each database that has it."""
    interval = seen.demands.expected_minutes * 60.0
    facts: tuple[tuple[str, str, Value], ...] = (
        (
            "last_good_timestamp_seconds",
            "Start of the newest good backup; 0: there is none.",
            lambda row: _at(row.newest_good_at),
        ),
        ("expected_interval_seconds", "How far apart two good backups may be.", lambda row: interval),
        (
            "last_verified_timestamp_seconds",
            "When a stored backup last passed a verification; 0: never.",
            lambda row: _at(row.verified_at),
        ),
        ("last_drilled_timestamp_seconds", "When a drill last passed; 0: never.", lambda row: _at(row.proved_at)),
        ("last_drill_status", "The newest drill: 1 passed, 0 failed, -1 could not judge.", _drill),
        ("last_status", "0: its newest attempt is no good backup.", lambda row: float(not row.failing)),
        ("size_bytes", "Stored size of the newest good backup.", lambda row: row.size_bytes),
        (
            "shrink_alarm",
            "1: it lost more than retention allows, and nobody has looked.",
            lambda row: float(seen.is_shrunk(row)),
        ),
    )
    for name, help_text, value in facts:
        family = GaugeMetricFamily(f"vya_backup_database_{name}", help_text, labels=OF_DATABASE)
        for row in seen.databases:
            found = value(row)
            if found is not None:
                family.add_metric((*seen.labels(row.instance), row.database), found)
        yield family


def _drill(row: WatchedRow) -> float | None:
    return VERDICTS.get(row.drill_verdict, CANNOT_JUDGE) if row.drill_verdict else None


def _at(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
