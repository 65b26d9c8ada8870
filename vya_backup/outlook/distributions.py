"""Histograms of durations and summaries of sizes, made of the numbers that the projection keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily, SummaryMetricFamily

from vya_backup.history.tallies import DURATION_BUCKETS, SUCCESS
from vya_backup.outlook.observed import OF_INSTANCE, Observed

if TYPE_CHECKING:
    from prometheus_client.core import Metric

BOUNDS = [*map(str, DURATION_BUCKETS), "+Inf"]


def duration_families(seen: Observed) -> Iterator[Metric]:
    """Yield how long dumps and restores took, for each instance."""
    yield _durations(seen, "duration", "vya_backup_duration_seconds", "How long dumps of good backups took.")
    yield _durations(seen, "restore_duration", "vya_backup_restore_duration_seconds", "How long restores took.")


def size_families(seen: Observed) -> Iterator[Metric]:
    """Yield the sizes of backups and of what was restored, for each type of database."""
    stored, plain = "Stored sizes of good backups.", "Plain sizes of restored dumps."
    yield _sizes(seen, "executions", "size_sum", "vya_backup_size_bytes_summary", stored)
    yield _sizes(seen, "restores", "restored_sum", "vya_backup_restore_size_bytes_summary", plain)


def _durations(seen: Observed, tally: str, name: str, help_text: str) -> Metric:
    family = HistogramMetricFamily(name, help_text, labels=OF_INSTANCE)
    for instance in seen.instances:
        counts = accumulate(seen.number(tally, instance, bound) for bound in BOUNDS)
        buckets = [
            (bound if bound == "+Inf" else f"{bound}.0", count) for bound, count in zip(BOUNDS, counts, strict=True)
        ]
        family.add_metric(seen.labels(instance), buckets, seen.number(f"{tally}_sum", instance))
    return family


def _sizes(seen: Observed, counted: str, summed: str, name: str, help_text: str) -> Metric:
    counts: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for instance in seen.instances:
        kind = seen.labels(instance)[0]
        counts[kind] += int(seen.number(counted, instance, SUCCESS))
        sums[kind] += int(seen.number(summed, instance))
    family = SummaryMetricFamily(name, help_text, labels=["database_type"])
    for kind, count in counts.items():
        family.add_metric([kind], count, sums[kind])
    return family
