"""Sends the mail of the week, once in each however often it is asked for; to whom it did not come, when asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from vya_backup.decisions.owing import DIGEST
from vya_backup.decisions.tidings import Letter, Tidings
from vya_backup.errors import BackupError
from vya_backup.history.notices import newest
from vya_backup.jobs.channels import Channel, digest_channels
from vya_backup.jobs.notifying import append, attempt
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.notifications_model import WEEKDAYS, Weekday


@dataclass(frozen=True)
class Sent:
    """What became of the digest on one channel: `answer`, or a `failure`, or neither when it has it already."""

    channel: str
    to: tuple[str, ...]
    answer: str = ""
    failure: BackupError | None = None


def week_key(today: date, weekday: Weekday) -> str:
    """Return the name of the week that began on the last such weekday."""
    began = today - timedelta(days=(today.weekday() - WEEKDAYS.index(weekday)) % 7)
    return f"{DIGEST}{began.isoformat()}"


def send_digest(workspace: Workspace, make: Callable[[], tuple[Tidings, Letter]], *, again: bool = False) -> list[Sent]:
    """Send the mail of this week to every channel that has not had it; with `again` to all of them.

    Raises:
        CatalogError: the catalog cannot be read or written.
    """
    settings = workspace.configuration.notifications.digest
    key = week_key(workspace.clock().astimezone(workspace.configuration.scheduling.zone).date(), settings.weekday)
    made: tuple[Tidings, Letter] | None = None
    sent = []
    for channel in digest_channels(workspace):
        if not again and _has_it(workspace, channel, key):
            sent.append(Sent(channel.name, channel.to))
            continue
        made = made or make()
        event, failure = attempt(workspace, channel, *made, (key,), channel.seconds)
        append(workspace, event, is_of_a_run=False)
        sent.append(Sent(channel.name, channel.to, getattr(event, "answer", ""), failure))
    return sent


def _has_it(workspace: Workspace, channel: Channel, key: str) -> bool:
    last = newest(workspace.catalog, channel.name, "notified", f"{DIGEST}%")
    return last is not None and key in last.about
