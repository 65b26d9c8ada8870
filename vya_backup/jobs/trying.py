"""Tries every channel with one message each; nothing is recorded, because nothing happened that history is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from vya_backup.decisions.tidings import Concern, Letter, Line, Tidings
from vya_backup.errors import BackupError
from vya_backup.jobs.channels import Envelope, digest_channels_of, message_id, of_settings, ping_address
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.model import Configuration
from vya_backup.transport.pinging import ping, place


@dataclass(frozen=True)
class Try:
    """What became of one message: the other side's words, or why it did not take it."""

    channel: str
    to: str
    ok: bool
    words: str
    hint: str = ""


def sample(configuration: Configuration, now: datetime) -> Tidings:
    """Return tidings that say they are a test."""
    application = configuration.application
    return Tidings(
        level="WARNING",
        headline="a test: nothing happened, and this mail arrived",
        host=application.host(),
        environment=application.environment,
        at=now.astimezone(configuration.scheduling.zone),
        what="a test",
        lines=(
            Line("example/shop", "failed", "an example: disk full", "Free some space, then run: doit backup"),
            Line("example/crm", "good", "", "", 1_234_567, 1_200_000, 2.5, 2.4),
        ),
        concerns=(Concern("WARNING", "this is what `doit notify test` sends to every channel"),),
        look=("doit notify preview",),
    )


def try_all(configuration: Configuration, store: CredentialStore, letter: Letter, tidings: Tidings) -> list[Try]:
    """Return what became of one message to each list, target and ping."""
    return [*_messages(configuration, store, letter, tidings), *_pings(configuration, store)]


def _messages(configuration: Configuration, store: CredentialStore, letter: Letter, tidings: Tidings) -> Iterator[Try]:
    host, now = configuration.application.host(), tidings.at
    known: dict[str, None] = {}
    for channel in (*of_settings(configuration, store), *digest_channels_of(configuration, store)):
        if channel.name in known:
            continue
        known[channel.name] = None
        to = ", ".join(channel.to)
        envelope = Envelope(tidings.level, now, message_id(channel, ("test", now.isoformat()), host))
        try:
            receipt = channel.deliver(letter, envelope, channel.seconds)
        except BackupError as error:
            yield Try(channel.name, to, False, error.message, error.hint)
        else:
            refused = "; ".join(receipt.refused)
            words = f"{receipt.answer}; refused: {refused}" if refused else receipt.answer
            yield Try(channel.name, to, not refused, words)


def _pings(configuration: Configuration, store: CredentialStore) -> Iterator[Try]:
    settings = configuration.notifications.pings
    if not settings.is_wanted:
        return
    for what in ("start", "fail", "success"):  # the last one leaves it content
        try:
            url = ping_address(configuration, store, what)
            if url:
                yield Try(f"ping {what}", place(url), True, ping(url, "a test", settings.timeout_seconds))
        except BackupError as error:
            yield Try(f"ping {what}", "", False, error.message, error.hint)
