"""The catalog as Prometheus metrics: what the textfile, the Pushgateway and `/metrics` show.

The rule: everything comes from the catalog, so that counters survive restarts, and nothing costs the length of history.
Loaded only where metrics are wanted, because the library takes its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily as Counter
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import InfoMetricFamily as Info
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from vya_backup import __version__
from vya_backup.decisions.schedule import JOBS
from vya_backup.history import watching
from vya_backup.history.reading import Reads
from vya_backup.history.tallies import FAILED, OPERATIONS, SUCCESS
from vya_backup.outlook.databases_metrics import database_families
from vya_backup.outlook.distributions import duration_families, size_families
from vya_backup.outlook.observed import OF_INSTANCE, Observed, observe

if TYPE_CHECKING:
    from prometheus_client.core import Metric

HOST = "host"


def registry(reads: Reads, now: datetime) -> CollectorRegistry:
    """Return a registry of what the catalog says at this moment; it is read once, here.

    Raises:
        CatalogError, sqlite3.Error: it cannot be read.
    """
    made = CollectorRegistry()
    made.register(_Collected(families(reads, now)))
    return made


def text(reads: Reads, now: datetime) -> bytes:
    """Return the metrics as node_exporter's textfile collector takes them.

    Raises:
        CatalogError, sqlite3.Error: the catalog cannot be read.
    """
    return generate_latest(registry(reads, now))


def families(reads: Reads, now: datetime) -> list[Metric]:
    """Return every family of metrics; of a merged catalog each sample says in `host` where it comes from."""
    found: dict[str, Metric] = {}
    for origin in watching.origins(reads):
        for family in _families(reads, now, origin):
            samples = [_placed(sample, origin) for sample in family.samples] if origin else family.samples
            if family.name in found:
                found[family.name].samples += samples
            else:
                found[family.name] = family
                family.samples = samples
    return list(found.values())


def _placed(sample: Sample, origin: str) -> Sample:
    return sample._replace(labels={**sample.labels, HOST: origin})


def _families(reads: Reads, now: datetime, origin: str) -> Iterator[Metric]:
    seen = observe(reads, origin)
    yield from _counters(seen)
    yield from _instances(seen)
    yield from duration_families(seen)
    yield from size_families(seen)
    yield from database_families(seen)
    yield from _circumstances(reads, seen, origin)
    yield from _run(reads, now, origin)


class _Collected(Collector):
    """Families that were made before."""

    def __init__(self, made: list[Metric]) -> None:
        self._made = made

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        yield from self._made


def _counters(seen: Observed) -> Iterator[Metric]:
    executions = Counter("vya_backup_executions", "Attempts to back up a database.", labels=(*OF_INSTANCE, "status"))
    missed = Counter("vya_backup_missed", "Expected runs of a job that did not happen.", labels=["operation"])
    restores = Counter("vya_backup_restores", "Restores into an instance.", labels=(*OF_INSTANCE, "status"))
    errors = Counter("vya_backup_errors", "Failures by the code that they carry.", labels=(*OF_INSTANCE, "error_type"))
    files = Counter("vya_backup_files_processed", "Artifacts that were worked on.", labels=("operation", "status"))
    for name, family in (("executions", executions), ("restores", restores)):
        for instance in seen.instances:
            for status in (SUCCESS, FAILED):  # also a zero, so that the first failure is an increase
                family.add_metric((*seen.labels(instance), status), seen.number(name, instance, status))
    for (_, instance, code), number in seen.of("errors"):
        errors.add_metric((*seen.labels(instance), code), number)
    counted = dict.fromkeys(JOBS, 0.0) | {job: number for (_, _, job), number in seen.of("missed")}
    for job, number in counted.items():
        missed.add_metric([job], number)
    zeros = {f"{operation} {status}": 0.0 for operation in OPERATIONS for status in (SUCCESS, FAILED)}
    for label, number in (zeros | {label: number for (_, _, label), number in seen.of("files")}).items():
        operation, _, status = label.partition(" ")
        files.add_metric((operation, status), number)
    yield from (executions, errors, missed, restores, files)


def _instances(seen: Observed) -> Iterator[Metric]:
    status = Gauge(
        "vya_backup_last_status", "1 unless the newest attempt of one of its databases failed.", labels=OF_INSTANCE
    )
    at = Gauge(
        "vya_backup_last_timestamp",
        "The oldest of its databases' newest good backups; 0: one has none.",
        labels=OF_INSTANCE,
    )
    size = Gauge("vya_backup_last_size_bytes", "Stored size of its newest good backups together.", labels=OF_INSTANCE)
    configured = Gauge(
        "vya_backup_configured_databases", "Databases that are expected to have backups.", labels=["database_type"]
    )
    for instance in seen.expected:
        rows = seen.databases_of(instance)
        labels = seen.labels(instance)
        status.add_metric(labels, not seen.is_failing(instance))
        at.add_metric(labels, min((_seconds(row.newest_good_at) for row in rows), default=0))
        size.add_metric(labels, sum(row.size_bytes or 0 for row in rows))
    for kind, number in seen.databases_by_type().items():
        configured.add_metric([kind], number)
    yield from (status, at, size, configured)


def _circumstances(reads: Reads, seen: Observed, origin: str) -> Iterator[Metric]:
    disk = Gauge(
        "vya_backup_disk_usage_bytes", "`backups`: all good ones; the rest of their file system.", labels=["path_type"]
    )
    disk.add_metric(["backups"], watching.kept_bytes(reads, origin))
    if room := watching.room(reads, origin):
        disk.add_metric(["total"], room.total_bytes)
        disk.add_metric(["free"], room.free_bytes)
        disk.add_metric(["used"], room.total_bytes - room.free_bytes)
    position = Gauge("vya_backup_chain_position", "The last position of a catalog's hash chain.", labels=["catalog_id"])
    for end in watching.chain_ends(reads, origin):
        position.add_metric([end.catalog_id], end.position)
    yield from (disk, position)
    agree = watching.copies_agree(reads, origin)
    yield Gauge("vya_backup_chain_head_check", "0: the catalog is not what the last run had copied.", value=agree)
    days = seen.demands.drill_max_age_days
    yield Gauge(
        "vya_backup_drill_max_age_seconds", "How old a database's last proof may be; 0: any age.", value=days * 86400
    )


def _run(reads: Reads, now: datetime, origin: str) -> Iterator[Metric]:
    if run := watching.last_run(reads, origin):
        at = run.finished_at or run.started_at
        yield Gauge(
            "vya_backup_last_run_timestamp_seconds", "End of the newest run that did something.", value=_seconds(at)
        )
        if run.exit_status is not None:
            yield Gauge("vya_backup_last_run_exit_status", "Its exit status.", value=run.exit_status)
    yield Gauge("vya_backup_metrics_timestamp_seconds", "When these metrics were made.", value=now.timestamp())
    yield Info("vya_backup_build", "The program that made these metrics.", value={"version": __version__})


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
