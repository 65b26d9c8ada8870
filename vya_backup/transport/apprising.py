"""Hands a message to Apprise, which knows Slack, Teams, Telegram, ntfy and more; the only module that imports it."""

from __future__ import annotations

import logging
from typing import Final

from vya_backup.errors import NoticeDeferred, NoticeFailed
from vya_backup.redaction import Secret, remember_url, scrub
from vya_backup.settings.notifications_model import Level
from vya_backup.transport.bounded import OutOfTime, within

INSTALL: Final = "Install it: pip install 'vya-backupdb[apprise]', or take notifications.apprise away."
_KINDS: Final = {"SUCCESS": "success", "WARNING": "warning", "ERROR": "failure", "CRITICAL": "failure"}


def tell(url: Secret, title: str, body: str, level: Level, seconds: float) -> str:
    """Send a message to one target; return that it took it, since Apprise says no more than that.

    Raises:
        NoticeFailed: Apprise is not installed, does not know the address, or the target did not take it.
    """
    try:
        import apprise
    except ImportError as error:
        raise NoticeFailed("Apprise is not installed", INSTALL) from error
    remember_url(url.reveal())
    target = apprise.Apprise()
    heard = _Heard()
    logger = logging.getLogger("apprise")
    logger.addHandler(heard)
    try:
        if not target.add(url.reveal()):
            raise NoticeFailed(
                "Apprise does not know such an address", "See which there are: https://github.com/caronc/apprise/wiki"
            )
        kind = apprise.NotifyType(_KINDS[level])
        taken = within(seconds, lambda: target.notify(body=body, title=title, notify_type=kind), "apprise")
    except OutOfTime as error:
        raise NoticeDeferred(f"it took nothing: no answer within {seconds:g} s", _HINT) from error
    except RuntimeError as error:
        raise NoticeDeferred(f"it took nothing: {error}", _HINT) from error
    finally:
        logger.removeHandler(heard)
    if not taken:
        raise NoticeDeferred(f"it took nothing: {heard.last or 'Apprise says no more'}", _HINT)
    return "taken"


_HINT = "See whether its address is right and it can be reached: doit notify test."


class _Heard(logging.Handler):
    """Keeps the last warning that Apprise logged, which is all that it says of a failure."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.last = scrub(" ".join(record.getMessage().split()))[:300]
