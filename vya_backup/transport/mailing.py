"""Hands a mail to a mail server, over a line that is as safe as was asked for or not used at all.

The rule: the line is never less than configured: where STARTTLS is asked for, a server without it gets no mail; and a
password is never said on a line that others can read.
"""

from __future__ import annotations

import errno
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from vya_backup import clock
from vya_backup.errors import BackupError, NoticeDeferred, NoticeFailed
from vya_backup.redaction import Secret, scrub
from vya_backup.settings.model import LOCAL_HOSTS
from vya_backup.settings.notifications_model import Security
from vya_backup.transport.bounded import OutOfTime, within
from vya_backup.transport.stopping import stop

TICK_SECONDS: Final = 0.1
PERMANENT: Final = 500
LONGEST_PAUSE_SECONDS: Final = 15.0


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in; times in seconds: for one answer, the first pause, and for all attempts together."""

    host: str
    port: int
    security: Security
    ca_cert: Path | None = None
    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    answer_seconds: float = 15.0
    whole_seconds: float = 60.0
    pause_seconds: float = 2.0

    @property
    def name(self) -> str:
        """Return `host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Delivery:
    """What the server said, and whom it refused with which words; somebody was taken, else it is an error."""

    answer: str
    refused: Mapping[str, str]


def send(message: EmailMessage, recipients: tuple[str, ...], server: MailServer) -> Delivery:
    """Hand in a mail; tried again, with growing pauses, while the server defers it.

    Raises:
        NoticeFailed: the server takes it for nobody, or the line is not what was asked for; `passes` says whether
            that may be otherwise a little later.
    """
    if not server.host:
        raise NoticeFailed("there is no mail server", "Set notifications.email.smtp_host.")
    if not _has_network():
        raise NoticeFailed(
            f"the mail server {server.name} cannot be reached: this service has no network",
            "It is told by the failure unit, or with the next run.",
        )
    attempt = _Attempt(message, list(recipients), server)
    try:
        return within(server.whole_seconds, lambda: _tried(attempt), "mail")
    except OutOfTime as error:
        if attempt.taken:  # somebody has it, and must not get it again
            return attempt.delivery()
        raise attempt.failure or _deferred(server, f"no answer within {server.whole_seconds:g} s") from error
    except RuntimeError as error:
        raise _deferred(server, str(error)) from error


@dataclass
class _Attempt:
    """One mail on its way to those who did not get it yet."""

    message: EmailMessage
    waiting: list[str]
    server: MailServer
    taken: bool = False
    answer: str = ""
    last: str = ""
    failure: NoticeFailed | None = None
    refused: dict[str, str] = field(default_factory=dict)

    def delivery(self) -> Delivery:
        return Delivery(self.answer, dict(self.refused))

    def make(self) -> Delivery:
        """Hand it in once.

        Raises:
            NoticeFailed: nothing, or not yet everything, came of it.
        """
        try:
            with _connected(self.server) as line:
                self._hand_in(line)
        except smtplib.SMTPRecipientsRefused as error:
            self._sort_out(error.recipients)
        except smtplib.SMTPException as error:
            raise _explained(self.server, error) from error
        except (ssl.SSLError, ssl.CertificateError) as error:
            raise _untrusted(self.server, error) from error
        except (OSError, ValueError) as error:
            raise _deferred(self.server, str(error) or type(error).__name__) from error
        if self.waiting:
            raise _deferred(self.server, f"deferred for {len(self.waiting)} recipients: {self.last}")
        if not self.taken:
            raise NoticeFailed(
                f"the mail server {self.server.name} refused every recipient: {self.last}",
                "Correct the lists of notifications.email, or ask whoever runs that server.",
            )
        return self.delivery()

    def _hand_in(self, line: smtplib.SMTP) -> None:
        sender = str(self.message["From"].addresses[0].addr_spec)
        refused = line.send_message(self.message, sender, self.waiting)
        self.taken = True
        self.answer = line.answers[-1] if isinstance(line, _Listening | _ListeningTls) and line.answers else "taken"
        self._sort_out(refused)

    def _sort_out(self, refused: Mapping[str, tuple[int, bytes]]) -> None:
        """Note who was refused for good, and keep those who may be taken later."""
        words = {to: f"{code} {_words(said)}" for to, (code, said) in refused.items()}
        self.refused = {to: said for to, said in self.refused.items() if to not in self.waiting} | words
        self.waiting = [to for to, (code, _) in refused.items() if code < PERMANENT]
        self.last = next(iter(words.values()), self.last)


class _Notes:
    """Keeps what the server said to a command, which smtplib drops for the last one that counts."""

    answers: list[str]

    def getreply(self) -> tuple[int, bytes]:
        code, said = super().getreply()  # type: ignore[misc]
        self.answers = [*getattr(self, "answers", [])[-1:], f"{code} {_words(said)}"]
        return code, said


class _Listening(_Notes, smtplib.SMTP):
    pass


class _ListeningTls(_Notes, smtplib.SMTP_SSL):
    pass


def _tried(attempt: _Attempt) -> Delivery:
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

    server = attempt.server
    retrying = Retrying(
        retry=retry_if_exception(_is_worth_another),
        stop=stop_after_delay(max(server.whole_seconds - server.answer_seconds, server.whole_seconds / 2)),
        wait=wait_exponential(multiplier=server.pause_seconds, max=LONGEST_PAUSE_SECONDS),
        sleep=_pause,
        reraise=True,
    )
    try:
        return retrying(_noting(attempt))
    except NoticeFailed:
        if attempt.taken:
            return attempt.delivery()
        raise


def _noting(attempt: _Attempt) -> Callable[[], Delivery]:
    def make() -> Delivery:
        try:
            return attempt.make()
        except NoticeFailed as error:
            attempt.failure = error
            raise

    return make


def _is_worth_another(error: BaseException) -> bool:
    """Say whether to try again; who was asked to stop tries once and leaves, with no pause that could hold a storm."""
    return isinstance(error, BackupError) and error.passes and stop.requested is None


def _pause(seconds: float) -> None:
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0 and stop.requested is None:
        clock.nap(min(left, TICK_SECONDS))


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.username and server.security == "none" and server.host not in LOCAL_HOSTS:
        raise NoticeFailed(
            f"the password for {server.name} would be said on a line without TLS",
            "Set notifications.email.security to starttls or tls, or notifications.email.service to nothing.",
        )
    if server.security == "tls":
        secure = _context(server)
        line: smtplib.SMTP = _ListeningTls(server.host, server.port, timeout=server.answer_seconds, context=secure)
    else:
        line = _Listening(server.host, server.port, timeout=server.answer_seconds)
    try:
        if server.security == "starttls":
            line.starttls(context=_context(server))  # raises where the server has none: there is no way around it
        if server.username:
            _log_in(line, server)
    except BaseException:
        line.close()
        raise
    return line


def _log_in(line: smtplib.SMTP, server: MailServer) -> None:
    try:
        line.login(server.username, server.password.reveal())
    except UnicodeError:  # whose words would hold the password
        raise NoticeFailed(
            f"the account for the mail server {server.name} has letters beyond ASCII, which no login of SMTP carries",
            "Give it a username and password of plain letters, digits and signs: doit credentials encrypt.",
        ) from None


def _has_network() -> bool:
    """Say whether this process may open a line at all: the unit of the drills may not (RestrictAddressFamilies=)."""
    try:
        socket.socket(socket.AF_INET).close()
    except OSError as error:
        return error.errno != errno.EAFNOSUPPORT
    return True


def _context(server: MailServer) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(server.ca_cert) if server.ca_cert else None)
    except (OSError, ssl.SSLError) as error:
        raise NoticeFailed(
            f"{server.ca_cert} cannot be read as certificates: {error}", "Correct notifications.email.ca_cert."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _explained(server: MailServer, error: smtplib.SMTPException) -> NoticeFailed:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NoticeFailed(
            f"the mail server {server.name} refused the login: {error.smtp_code} {_words(error.smtp_error)}",
            "Correct username and password of the service in the credentials store: doit credentials encrypt.",
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return NoticeFailed(
            f"the mail server {server.name} cannot do what is asked of it: {_words(str(error))}",
            "It offers no STARTTLS or no login; see notifications.email.security. Nothing was said in the clear.",
        )
    if isinstance(error, smtplib.SMTPResponseException):
        said = f"{error.smtp_code} {_words(error.smtp_error)}"
        if error.smtp_code < PERMANENT:
            return _deferred(server, said)
        return NoticeFailed(f"the mail server {server.name} refused the mail: {said}", "Ask whoever runs that server.")
    return _deferred(server, _words(str(error)) or type(error).__name__)


def _untrusted(server: MailServer, error: Exception) -> NoticeFailed:
    reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
    return NoticeFailed(
        f"the line to the mail server {server.name} is not to be trusted: {reason}",
        "Set notifications.email.ca_cert to the authority that signed its certificate, smtp_host to the name in it.",
    )


def _deferred(server: MailServer, reason: str) -> NoticeDeferred:
    return NoticeDeferred(
        f"the mail server {server.name} took nothing: {_words(reason)}",
        "See whether it runs and can be reached: doit notify test.",
    )


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return scrub(" ".join("".join(one if one.isprintable() else " " for one in text).split()))[:300]
