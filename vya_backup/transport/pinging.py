"""Pings a dead man's switch over HTTP; whatever that does, it takes no more than its time."""

from __future__ import annotations

from contextlib import suppress
from http.client import HTTPException
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from vya_backup.errors import BackupError, NoticeDeferred, NoticeFailed
from vya_backup.redaction import MASK, remember_url
from vya_backup.transport.bounded import OutOfTime, within
from vya_backup.transport.pushing import shown

ANSWER_BYTES = 200


def ping(url: str, body: str, seconds: float) -> str:
    """Send a ping with a few words about the run; return what was answered.

    Raises:
        NoticeFailed: nobody took it in time.
    """
    remember_url(url)
    try:
        return within(seconds, lambda: _sent(url, body, seconds), "ping")
    except HTTPError as error:
        kind = NoticeFailed if 400 <= error.code < 500 else NoticeDeferred
        raise kind(f"{place(url)} refused the ping: {error.code} {error.reason}", _HINT) from error
    except OutOfTime as error:
        raise NoticeDeferred(f"{place(url)} took no ping: no answer within {seconds:g} s", _HINT) from error
    except (OSError, HTTPException, ValueError, RuntimeError) as error:
        reason = getattr(error, "reason", None) or error
        raise NoticeDeferred(f"{place(url)} took no ping: {reason}", _HINT) from error


def ping_aside(url: str, body: str, seconds: float) -> None:
    """Send a ping without waiting for it; what becomes of it is nobody's concern."""

    def send() -> None:
        with suppress(BackupError):  # the ping at the end tells
            ping(url, body, seconds)

    with suppress(RuntimeError):  # no thread for it: the backup is worth more
        Thread(target=send, name="ping", daemon=True).start()


def place(url: str) -> str:
    """Return the part of an address that is no secret."""
    return shown(url).split("/", 3)[2] if url.count("/") > 1 else MASK


_HINT = "See whether notifications.pings is right: doit notify test."


def _sent(url: str, body: str, seconds: float) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("the address of a ping begins with https://")
    request = Request(url, data=body.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})  # noqa: S310  # see above
    with urlopen(request, timeout=seconds) as answer:  # noqa: S310  # likewise
        words = answer.read(ANSWER_BYTES).decode("utf-8", "replace").split()
        return " ".join([str(answer.status), *words])
