"""A real mail server on loopback, and a web server that takes pings; both do as told, and keep what they got."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.servers.tls import Certificates


@dataclass
class Letter:
    """One mail as it arrived."""

    to: list[str]
    sender: str
    message: EmailMessage

    def part(self, kind: str) -> str:
        """Return its text: `plain` or `html`."""
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


@dataclass
class Post:
    """A mail server: `answers` to DATA come first, then it takes everything; `strangers` are refused as recipients.

    `early` are refused so the first time only.
    """

    answers: list[str] = field(default_factory=list)
    strangers: dict[str, str] = field(default_factory=dict)
    early: dict[str, str] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    port: int = 0
    attempts: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Refuse strangers."""
        if address in self.strangers:
            return self.strangers[address]
        if address in self.early:
            return self.early.pop(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - likewise
        """Take a mail, or answer what comes next."""
        self.attempts += 1
        answer = self.answers.pop(0) if self.answers else "250 2.0.0 queued as 4711"
        if not answer.startswith("2"):
            return answer
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.letters.append(Letter(list(envelope.rcpt_tos), envelope.mail_from, message))  # type: ignore[arg-type]
        return answer


@contextmanager
def post_office(
    certificates: Certificates | None = None, *, tls: str = "none", login: tuple[str, str] | None = None, port: int = 0
) -> Iterator[Post]:
    """Run a mail server: `tls` is none, starttls or tls; with a `login` nobody else may send."""
    post = Post()
    context = None
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)

    def knows(server: Any, session: Any, envelope: Any, mechanism: str, said: Any) -> AuthResult:
        is_known = isinstance(said, LoginPassword) and (said.login.decode(), said.password.decode()) == login
        return AuthResult(success=is_known, handled=False)

    options: dict[str, Any] = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
    if login:
        options |= {"authenticator": knows, "auth_required": True, "auth_require_tls": tls == "starttls"}
    controller = Controller(
        post, hostname="127.0.0.1", port=port or free_port(), ssl_context=context if tls == "tls" else None, **options
    )
    controller.start()
    post.port = controller.port
    try:
        yield post
    finally:
        controller.stop()


def free_port() -> int:
    """Return a port that nobody listens at."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Web:
    """A web server: `status` is what it answers, `requests` are path and body of each."""

    port: int
    status: int = 200
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def web_server(status: int = 200) -> Iterator[Web]:
    """Run a web server that takes whatever is posted."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            web.requests.append((self.path, body))
            self.send_response(web.status)
            self.end_headers()
            self.wfile.write(b"OK\n")

        def log_message(self, *said: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web = Web(server.server_address[1], status)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
