"""Sends the mail of the week, once in each however often it is asked for; to whom it did not come, when asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from vya_backup.decisions.owing import DIGEST
from vya_backup.decisions.tidings import Letter, Tidings
from vya_backup.errors import BackupError
from vya_backup.history.notices import exchanged, newest
from vya_backup.jobs.channels import Channel, digest_channels
from vya_backup.jobs.notifying import append, attempt
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.notifications_model import WEEKDAYS, Weekday

TRIES_A_DAY: Final = 2


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


def this_week(workspace: Workspace) -> str:
    """Return the name of the week that is told of now, on the clock of the schedule."""
    today = workspace.clock().astimezone(workspace.configuration.scheduling.zone).date()
    return week_key(today, workspace.configuration.notifications.digest.weekday)


def is_owed(workspace: Workspace) -> bool:
    """Say whether a channel did not take the mail of this week when it was sent, and a run is to send it again.

    After `TRIES_A_DAY` it waits: a run every quarter of an hour is no reason to be refused every quarter of an
    hour.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    if not workspace.configuration.notifications.digest.enabled:
        return False
    key, zone = this_week(workspace), workspace.configuration.scheduling.zone
    today = workspace.clock().astimezone(zone).date()
    for channel in digest_channels(workspace):
        tried = [one for one in exchanged(workspace.catalog, channel.name) if not one.is_told and key in one.about]
        of_today = [one for one in tried if one.at.astimezone(zone).date() == today]
        if tried and len(of_today) < TRIES_A_DAY and not _has_it(workspace, channel, key):
            return True
    return False


def send_digest(workspace: Workspace, make: Callable[[], tuple[Tidings, Letter]], *, again: bool = False) -> list[Sent]:
    """Send the mail of this week to every channel that has not had it; with `again` to all of them.

    Raises:
        CatalogError: the catalog cannot be read or written.
    """
    key = this_week(workspace)
    made: tuple[Tidings, Letter] | None = None
    sent = []
    for channel in digest_channels(workspace):
        if not again and _has_it(workspace, channel, key):
            sent.append(Sent(channel.name, channel.to))
            continue
        made = made or make()
        event, failure = attempt(workspace, channel, made, (key,), channel.seconds, is_another=again)
        append(workspace, event, is_of_a_run=False)
        sent.append(Sent(channel.name, channel.to, getattr(event, "answer", ""), failure))
    return sent


def _has_it(workspace: Workspace, channel: Channel, key: str) -> bool:
    last = newest(workspace.catalog, channel.name, "notified", f"{DIGEST}%")
    return last is not None and key in last.about
