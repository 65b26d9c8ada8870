"""Metrics are pushed with patience, and never for longer than it lasts."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prometheus_client import CollectorRegistry, Gauge

from tests.servers.daemon import free_port
from vya_backup.errors import Interrupted, PushFailed
from vya_backup.transport import pushing
from vya_backup.transport.pushing import Patience, push

QUICK = Patience(attempts=3, answer_seconds=5, pause_seconds=0, whole_seconds=20)


class Gateway(HTTPServer):
    """A gateway that answers with these statuses in turn, the last one for ever; what it was sent is kept."""

    def __init__(self, statuses: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.statuses = statuses
        self.seen: list[tuple[str, str, bytes]] = []
        self.accounts: list[str | None] = []

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.accounts.append(self.headers["Authorization"])
        self.server.seen.append((self.command, self.path, body))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@contextmanager
def gateway(*statuses: int) -> Iterator[Gateway]:
    """Start one for the length of the block."""
    with Gateway(list(statuses)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def registry() -> CollectorRegistry:
    """One metric."""
    made = CollectorRegistry()
    Gauge("vya_backup_last_status", "…", registry=made).set(1)
    return made


def test_the_metrics_of_the_job_are_replaced(registry: CollectorRegistry) -> None:
    """PUT, and the job's name in the path, whatever is in it."""
    with gateway(200) as server:
        push(registry, f"{server.url}/prefix/", "vya-backup-a/b", QUICK)
    ((method, path, body),) = server.seen
    assert method == "PUT"
    assert path == "/prefix/metrics/job@base64/dnlhLWJhY2t1cC1hL2I="
    assert b"vya_backup_last_status 1.0" in body


def test_an_account_in_the_address_is_sent_as_a_header_and_shown_nowhere(registry: CollectorRegistry) -> None:
    """Nor are parameters, which may hold a token; what is reserved in them is percent-encoded."""
    with gateway(200, 403) as server:
        address = server.url.replace("://", "://push:p%40ss@") + "/x?token=abc123"
        push(registry, address, "job", QUICK)
        with pytest.raises(PushFailed) as caught:
            push(registry, address, "job", QUICK)
    assert server.seen[0][1] == "/x/metrics/job/job?token=abc123"
    assert server.accounts[0] == "Basic " + base64.b64encode(b"push:p@ss").decode()
    assert not [secret for secret in ("p%40ss", "p@ss", "abc123", "push:") if secret in str(caught.value)]
    assert server.url in str(caught.value)


def test_a_gateway_that_stumbles_is_asked_again(registry: CollectorRegistry) -> None:
    """Up to the last attempt."""
    with gateway(503, 500, 200) as server:
        push(registry, server.url, "job", QUICK)
    assert len(server.seen) == 3


def test_a_gateway_that_refuses_for_ever_is_told_with_its_answer(registry: CollectorRegistry) -> None:
    """After so many attempts."""
    with gateway(503) as server, pytest.raises(PushFailed, match=r"127\.0\.0\.1.*503.*pushgateway_url"):
        push(registry, server.url, "job", QUICK)
    assert len(server.seen) == 3


def test_nobody_there_is_told(registry: CollectorRegistry) -> None:
    """Connection refused."""
    with pytest.raises(PushFailed, match="refused"):
        push(registry, f"http://127.0.0.1:{free_port()}", "job", QUICK)


def test_a_gateway_that_answers_byte_by_byte_is_not_waited_for(registry: CollectorRegistry) -> None:
    """Each byte comes in the time that a socket allows, and the whole would take for ever."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                while not over.wait(0.02):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        patience = Patience(attempts=1, answer_seconds=60, pause_seconds=0, whole_seconds=0.3)
        with pytest.raises(PushFailed, match=r"no answer within 0\.3 s"):
            push(registry, f"http://127.0.0.1:{server.getsockname()[1]}", "job", patience)
        over.set()
        thread.join()


def test_a_run_that_is_to_stop_does_not_wait_between_attempts(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause looks at the flag."""
    monkeypatch.setattr(pushing.stop, "requested", 15)
    patience = Patience(attempts=3, answer_seconds=5, pause_seconds=3600, whole_seconds=60)
    with pytest.raises(Interrupted):
        push(registry, f"http://127.0.0.1:{free_port()}", "job", patience)
