"""Traces reach a collector over OTLP/HTTP, say what the run did, and stand in nobody's way."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.project import CONFIGURATION, Project
from vya_backup.clock import parse_rfc3339
from vya_backup.transport.telemetry import endpoint

ERROR = 2
SECRET = "hunter2-hunter2"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP on loopback and keeps what it got."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.paths: list[str] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        """Return the base address, as `OTEL_EXPORTER_OTLP_ENDPOINT` takes it."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spans(self) -> list[Any]:
        """Return every span of every request, with the resource's attributes as `sender`."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        of_resources = [one for request in requests for one in request.resource_spans]
        return [span for one in of_resources for scope in one.scope_spans for span in scope.spans]

    def sender(self) -> dict[str, Any]:
        """Return the attributes of the resource of the first request."""
        request = ExportTraceServiceRequest.FromString(self.bodies[0])
        return attributes(request.resource_spans[0].resource)


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """Keep a request and answer with the status that the test wants."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    """Run a collector that answers with a status."""
    with Collector(status) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def attributes(thing: Any) -> dict[str, Any]:
    """Return attributes as a dictionary."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in thing.attributes}


def nanoseconds(at: str) -> int:
    """Return the time of an event as OpenTelemetry counts it."""
    return round(parse_rfc3339(at).timestamp() * 1_000_000) * 1000


def test_a_run_is_a_trace_with_its_databases_and_their_steps(project: Project) -> None:
    """Its id is the run's; bytes and verdicts are those of the catalog; times are those of the events."""
    with collector() as receiver:
        assert project.run("backup", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url).status == 0
        assert project.run("verify", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url).status == 0
    assert receiver.paths == ["/v1/traces"] * 2
    assert receiver.sender()["service.name"] == "vya-backupdb"
    runs = {UUID(event["run_id"]).bytes: event["run_id"] for event in project.events("type = 'run_started'")}
    spans = receiver.spans()
    assert {span.trace_id for span in spans} == set(runs)

    roots = [span for span in spans if not span.parent_span_id]
    assert [span.name for span in roots] == ["doit backup", "doit verify"]
    databases = {span.name: span for span in spans if span.parent_span_id == roots[0].span_id}
    assert set(databases) == {"local/shop", "local/crm", "local"}
    steps = {span.name: span for span in spans if span.parent_span_id == databases["local/shop"].span_id}
    assert set(steps) == {"dump", "checksum"}

    (dumped,) = project.events("type = 'dumped' AND database = 'shop'")
    (started,) = project.events("type = 'started' AND database = 'shop'")
    assert steps["dump"].start_time_unix_nano == nanoseconds(started["at"])
    assert steps["dump"].end_time_unix_nano == nanoseconds(dumped["at"])
    told = attributes(steps["dump"])
    assert told["vya.plain_bytes"] == dumped["data"]["plain_bytes"]
    assert told["vya.backup_id"] == dumped["backup_id"]
    assert attributes(databases["local/shop"])["vya.size_bytes"] == dumped["data"]["size_bytes"]
    assert roots[0].start_time_unix_nano <= steps["dump"].start_time_unix_nano < steps["dump"].end_time_unix_nano
    assert steps["dump"].end_time_unix_nano <= roots[0].end_time_unix_nano
    verified = [span for span in spans if span.name == "verify"]
    assert [attributes(span)["vya.verdict"] for span in verified] == ["pass", "pass"]
    assert not [span for span in spans if span.status.code == ERROR]


def test_what_failed_is_an_error_from_the_step_up_to_the_run(project: Project) -> None:
    """With the message of the event; what went well beside it is none. The configuration names the collector."""
    with collector() as receiver:
        project.configure(CONFIGURATION + f"monitoring: {{opentelemetry: {{endpoint: '{receiver.url}/'}}}}\n")
        project.database("shop").write_bytes(b"no database at all" * 100)
        assert project.run("backup").status == 1
    (failed,) = project.events("type = 'failed'")
    errors = {span.name: span.status.message for span in receiver.spans() if span.status.code == ERROR}
    assert receiver.paths == ["/v1/traces"]
    assert set(errors) == {"doit backup", "local/shop", failed["data"]["step"]}
    assert errors["local/shop"] == failed["data"]["message"]


def test_a_look_sends_nothing(project: Project) -> None:
    """And a run that did nothing has no trace."""
    assert project.run("backup").status == 0
    with collector() as receiver:
        for words in (("status",), ("backup", "--dry-run")):
            assert project.run(*words, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url).status == 0
    assert receiver.bodies == []


@pytest.mark.parametrize("status", [400, 500, 0])
def test_a_collector_that_takes_nothing_fails_nothing(project: Project, status: int) -> None:
    """It says no, breaks, or is not there: a note without the address' secrets, and the exit status stays."""
    with collector(status or 200) as receiver:
        port = receiver.server_address[1]
        if not status:
            receiver.server_close()
        address = f"http://user:{SECRET}@127.0.0.1:{port}"
        done = project.run("backup", OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert done.status == 0
    assert done.err.startswith(f"note: the collector at 127.0.0.1:{port} did not take the trace")
    assert SECRET not in done.said
    assert "Traceback" not in done.err
    assert "failed" not in project.types()


def test_nothing_is_imported_unless_traces_are_asked_for(project: Project) -> None:
    """A backup without an endpoint never loads the libraries."""
    code = (
        "import sys; from vya_backup.command_line.main import main\n"
        "try:\n    main(['backup'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(m for m in sys.modules if m.startswith('opentelemetry')))"
    )
    done = project.outcome([sys.executable, "-c", code])
    assert done.out.splitlines()[-1] == "[]", done.said
    assert "checksummed" in project.types()


def test_the_extra_that_is_not_installed_is_named(project: Project) -> None:
    """With the command that installs it."""
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from vya_backup.command_line.main import main; sys.exit(main(['backup']))"
    )
    done = project.outcome([sys.executable, "-c", code], OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.status == 0
    assert "note: OpenTelemetry is not installed. Install it: pip install 'vya-backupdb[otel]'" in done.err


def test_where_traces_go() -> None:
    """The signal's own variable as it is, the general one and the configuration as bases; one switch is off."""
    signal, base = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert endpoint("", {}) == ""
    assert endpoint("http://c:4318/", {}) == "http://c:4318/v1/traces"
    assert endpoint("http://c", {base: "http://b"}) == "http://b/v1/traces"
    assert endpoint("http://c", {base: "http://b", signal: "http://s/x"}) == "http://s/x"
    assert endpoint("http://c", {base: "http://b", "OTEL_SDK_DISABLED": "true"}) == ""
