"""Brings metrics to where machines look: the textfile of node_exporter, and a Pushgateway.

The rule: each place is tried whatever became of the other, and nothing here ever fails a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vya_backup.errors import BackupError
from vya_backup.settings.model import Configuration
from vya_backup.transport.pushing import push
from vya_backup.transport.storage.replacing import replace_readable

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

STEP = "metrics"


def deliver(configuration: Configuration, registry: CollectorRegistry) -> list[BackupError]:
    """Write and push metrics as configured; return why each place that did not take them did not."""
    return [error for way in _ways(configuration, registry) if (error := _tried(way))]


def _ways(configuration: Configuration, registry: CollectorRegistry) -> Iterator[Callable[[], None]]:
    from prometheus_client import generate_latest

    settings = configuration.monitoring.prometheus
    textfile, url = settings.textfile, settings.pushgateway_url
    if textfile is not None:
        yield lambda: replace_readable(textfile, generate_latest(registry))
    if url:
        yield lambda: push(registry, url, settings.job(configuration.application.host()))


def _tried(way: Callable[[], None]) -> BackupError | None:
    try:
        way()
    except BackupError as error:
        return error
    return None
