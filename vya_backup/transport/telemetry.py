"""Sends spans to an OpenTelemetry collector over OTLP/HTTP; the only module that imports OpenTelemetry, and when asked.

A trace gets the id of its run and each span one made of its key, so that sending twice makes no second trace.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vya_backup.errors import TelemetryFailed

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

    from vya_backup.decisions.traces import Span, Value

SECONDS: Final = 5
"""So long a collector may take; a run waits no longer for it."""
TRACES_PATH: Final = "/v1/traces"
SIGNAL: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
BASE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


def endpoint(configured: str, environ: Mapping[str, str]) -> str:
    """Return where traces go, by OpenTelemetry's own variables or the configuration; empty when nobody asks for any."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ""
    if signal := environ.get(SIGNAL, ""):
        return signal
    base = environ.get(BASE, "") or configured
    return base.rstrip("/") + TRACES_PATH if base else ""


def send(spans: Sequence[Span], resource: Mapping[str, Value], url: str) -> None:
    """Send the spans of one trace, the root first; `resource` says who sends them.

    Raises:
        TelemetryFailed: OpenTelemetry is not installed, or the collector did not take them.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError as error:
        raise TelemetryFailed(
            "OpenTelemetry is not installed", "Install it: pip install 'vya-backupdb[otel]', or take the endpoint away."
        ) from error
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it would write over the screen; we tell it
    place = urlsplit(url)
    try:
        exporter = OTLPSpanExporter(endpoint=url, timeout=SECONDS)
        result = exporter.export(_readable(spans, resource))
        exporter.shutdown()  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise _untaken(place.hostname, place.port, type(error).__name__) from error
    if result is not SpanExportResult.SUCCESS:
        raise _untaken(place.hostname, place.port, "no success")


def _untaken(host: str | None, port: int | None, reason: str) -> TelemetryFailed:
    where = f"{host}:{port}" if port else str(host)
    return TelemetryFailed(
        f"the collector at {where} did not take the trace ({reason})", "The backups are not concerned."
    )


def _readable(spans: Sequence[Span], resource: Mapping[str, Value]) -> list[ReadableSpan]:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Status, StatusCode

    sender = Resource.create(dict(resource))
    contexts = {span.key: _context(spans[0].key, span.key) for span in spans}
    return [
        ReadableSpan(
            name=span.name,
            context=contexts[span.key],
            parent=contexts.get(span.parent),
            resource=sender,
            attributes=span.attributes,
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.OK),
            start_time=_nanoseconds(span.start.timestamp()),
            end_time=_nanoseconds(span.end.timestamp()),
        )
        for span in spans
    ]


def _context(run_id: str, key: str) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    return SpanContext(uuid.UUID(run_id).int, number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1_000_000) * 1000
