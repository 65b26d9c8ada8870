"""PURE: the events of telling people: what a channel took, and what it did not take.

Addresses of people are kept masked (`o***@example.org`), because the catalog is kept for years and shown to others.
"""

from __future__ import annotations

from vya_backup.history.event import Event
from vya_backup.history.fact import Exact, ExactList


class Notified(Event):
    """A channel took a message. `about` are the runs it told of, or the digest; `what` are counts, without names.

    `answer` is what the other side said, `refused` the recipients that it did not take; `message_id` and `thread` are
    what the next mail of the same trouble refers to, and `note` what went wrong with a template.
    """

    type = "notified"
    channel: Exact
    level: Exact
    about: ExactList = ()
    what: str = ""
    to: tuple[str, ...] = ()
    answer: str = ""
    refused: tuple[str, ...] = ()
    message_id: Exact = ""
    thread: Exact = ""
    sha256: Exact = ""
    note: str = ""


class NotificationFailed(Event):
    """A channel took nothing; `about` is told by the next message that it takes."""

    type = "notification_failed"
    channel: Exact
    level: Exact
    about: ExactList = ()
    what: str = ""
    code: Exact
    message: str
    hint: str = ""
