"""Send the trace of a run, made of what the catalog says of it: gather, decide, send."""

from __future__ import annotations

from vya_backup import __version__
from vya_backup.decisions.traces import spans_of
from vya_backup.history.recorded import recorded
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.telemetry import send


def send_trace(workspace: Workspace, run_id: str, url: str) -> None:
    """Send one run, a span for it, for each database and for each step, to a collector.

    Raises:
        TelemetryFailed: it was not taken.
        CatalogError: the run cannot be read.
    """
    spans = spans_of(recorded(workspace.catalog, "run_id = ?", [run_id]))
    application = workspace.configuration.application
    sender = {
        "service.name": "vya-backupdb",
        "service.version": __version__,
        "host.name": application.host(),
        "deployment.environment.name": application.environment,
    }
    if spans:
        send(spans, sender, url)
