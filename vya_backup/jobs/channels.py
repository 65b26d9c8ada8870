"""The ways to people, as they are configured: each list of mail, each target of Apprise, and the pings.

The rule: a secret is opened when a message is about to leave, and addresses of people are shown masked from here on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from vya_backup.decisions.tidings import Letter
from vya_backup.errors import CredentialsError, NoticeFailed
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import CredentialStore, Service
from vya_backup.settings.model import Configuration
from vya_backup.settings.notifications_model import Email, Level
from vya_backup.transport import apprising, mailing
from vya_backup.transport.mailing import MailServer

ADDRESS = re.compile(r"[^\s<>@,;:\"'()\[\]]+@[^\s<>@,;:\"'()]*")
MESSAGE_ID_DOMAIN = 30
"""Characters of the sender's domain in an id: a longer head would be folded within the id, and threads break."""
APPRISE_LONGEST = 3000  # characters; chats cut longer messages off, or refuse them


@dataclass(frozen=True)
class Envelope:
    """What goes around a letter: its level, when it is sent, and what it answers to."""

    level: Level
    at: datetime
    message_id: str
    thread: str = ""
    answers: str = ""


@dataclass(frozen=True)
class Receipt:
    """What the other side said; `refused` are masked recipients with the reason."""

    answer: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """One way to people; `deliver` raises NoticeFailed or CredentialsError, and takes no longer than the seconds."""

    name: str
    levels: tuple[Level, ...]
    to: tuple[str, ...]
    seconds: float
    domain: str
    deliver: Callable[[Letter, Envelope, float], Receipt]
    gets_digest: bool = False


def masked(address: str) -> str:
    """Return an address as the catalog keeps it: `o***@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"


def without_addresses(said: str) -> str:
    """Return what a server said with every address in it masked: those of recipients, and what it makes of them."""
    return ADDRESS.sub(lambda found: masked(found.group()), said)


def channels(workspace: Workspace) -> tuple[Channel, ...]:
    """Return every configured way but the pings."""
    return of_settings(workspace.configuration, workspace.credentials)


def of_settings(configuration: Configuration, store: CredentialStore) -> tuple[Channel, ...]:
    """Return the same to whoever has no catalog."""
    return (*_lists(configuration, store), *_targets(configuration, store))


def digest_channels(workspace: Workspace) -> tuple[Channel, ...]:
    """Return those that get the mail of the week."""
    return digest_channels_of(workspace.configuration, workspace.credentials)


def digest_channels_of(configuration: Configuration, store: CredentialStore) -> tuple[Channel, ...]:
    """Return the same to whoever has no catalog."""
    email, wanted = configuration.notifications.email, configuration.notifications.digest.recipients
    recipients = wanted or email.success_recipients
    mail = [_mail("mail:digest", email, recipients, (), store)] if email.enabled and recipients else []
    return (*mail, *(one for one in of_settings(configuration, store) if one.gets_digest))


def ping_address(configuration: Configuration, store: CredentialStore, what: str) -> str:
    """Return where `start`, `success` or `fail` is pinged, an empty text where nobody waits for it.

    Raises:
        CredentialsError: the store has no usable entry.
    """
    pings = configuration.notifications.pings
    own = {"start": pings.start_url, "success": pings.success_url, "fail": pings.fail_url}[what]
    if own:
        return own
    base = (store.service(pings.service).url.reveal() if pings.service else pings.base_url).rstrip("/")
    return f"{base}{'' if what == 'success' else '/' + what}" if base else ""


def message_id(channel: Channel, about: Iterable[str], host: str) -> str:
    """Return the same id for the same message, so that one that is sent twice after a crash is seen once."""
    digest = hashlib.sha256("\n".join([channel.name, host, *about]).encode()).hexdigest()
    return f"<{digest[:24]}@{channel.domain[-MESSAGE_ID_DOMAIN:].lstrip('.-')}>"


def _lists(configuration: Configuration, store: CredentialStore) -> Iterator[Channel]:
    email = configuration.notifications.email
    for one in email.all_lists() if email.enabled else ():
        yield _mail(f"mail:{one.id}", email, one.recipients, one.levels, store)


def _mail(
    name: str, email: Email, recipients: tuple[str, ...], levels: tuple[Level, ...], store: CredentialStore
) -> Channel:
    def deliver(letter: Letter, envelope: Envelope, seconds: float) -> Receipt:
        if not email.from_address:
            raise NoticeFailed("there is no sender", "Set notifications.email.from_address.")
        server = _server(email, store, seconds)
        try:
            done = mailing.send(composed(letter, envelope, email.from_address, recipients), recipients, server)
        except NoticeFailed as error:
            raise type(error)(without_addresses(error.message), without_addresses(error.hint)) from error
        refused = tuple(f"{masked(to)}: {without_addresses(said)}" for to, said in done.refused.items())
        return Receipt(without_addresses(done.answer), refused)

    domain = email.from_address.rpartition("@")[2] or "localhost"
    return Channel(name, levels, tuple(map(masked, recipients)), email.give_up_seconds, domain, deliver)


def _server(email: Email, store: CredentialStore, seconds: float) -> MailServer:
    account = store.service(email.service) if email.service else Service()
    return MailServer(
        host=email.smtp_host,
        port=email.smtp_port,
        security=email.way,
        ca_cert=email.ca_cert,
        username=account.username,
        password=account.password,
        answer_seconds=min(email.timeout_seconds, seconds),
        whole_seconds=seconds,
    )


def composed(letter: Letter, envelope: Envelope, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """Return the mail. Its heads tell machines that no machine should answer (RFC 3834)."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    if envelope.answers:
        message["In-Reply-To"] = envelope.answers
        message["References"] = " ".join(dict.fromkeys([envelope.thread or envelope.answers, envelope.answers]))
    message["Auto-Submitted"] = "auto-generated"
    message["Precedence"] = "bulk"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-VYA-Level"] = envelope.level
    if envelope.level in {"ERROR", "CRITICAL"}:
        message["Importance"] = "high"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _targets(configuration: Configuration, store: CredentialStore) -> Iterator[Channel]:
    seconds = configuration.notifications.email.give_up_seconds
    for target in configuration.notifications.apprise:
        yield Channel(
            f"apprise:{target.id}",
            target.levels,
            (target.id,),
            seconds,
            "localhost",
            _by_apprise(target.id, store),
            target.digest,
        )


def _by_apprise(name: str, store: CredentialStore) -> Callable[[Letter, Envelope, float], Receipt]:
    def deliver(letter: Letter, envelope: Envelope, seconds: float) -> Receipt:
        url: Secret = store.service(name).url
        if not url:
            raise CredentialsError(f"the service {name} has no url", 'Add its "url" to the credentials store.')
        text = letter.text
        body = text if len(text) <= APPRISE_LONGEST else f"{text[:APPRISE_LONGEST].rpartition(chr(10))[0]}\n…"
        try:
            return Receipt(apprising.tell(url, letter.subject, body, envelope.level, seconds))
        except NoticeFailed as error:
            raise type(error)(f"{name}: {error.message}", error.hint) from error

    return deliver
