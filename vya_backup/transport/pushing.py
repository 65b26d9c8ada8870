"""Hands metrics to a Prometheus Pushgateway; whatever that does, it takes no more than its time."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from vya_backup import clock
from vya_backup.errors import PushFailed
from vya_backup.transport.bounded import OutOfTime, within
from vya_backup.transport.stopping import stop

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

TICK_SECONDS = 0.2


@dataclass(frozen=True)
class Patience:
    """How often a push is tried and how long all of it may take, in seconds."""

    attempts: int = 3
    answer_seconds: float = 5.0
    pause_seconds: float = 1.0
    whole_seconds: float = 20.0


PATIENCE = Patience()


def shown(url: str) -> str:
    """Return an address without the account and the parameters in it, either of which may be a secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def push(registry: CollectorRegistry, url: str, job: str, patience: Patience = PATIENCE) -> None:
    """Replace the metrics of a job; tried again, with growing pauses, while the gateway does not take them.

    Raises:
        PushFailed: it did not take them in time.
    """
    try:
        within(patience.whole_seconds, lambda: _try(registry, url, job, patience), "push of metrics")
    except OutOfTime as error:
        raise _failure(url, f"no answer within {patience.whole_seconds:g} s") from error
    except TimeoutError as error:
        raise _failure(url, f"no answer within {patience.answer_seconds:g} s") from error
    except (OSError, HTTPException, ValueError, RuntimeError) as error:  # the last one: no thread could be started
        raise _failure(url, str(error)) from error


def _try(registry: CollectorRegistry, url: str, job: str, patience: Patience) -> None:
    from prometheus_client import push_to_gateway
    from prometheus_client.exposition import default_handler
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

    retrying = Retrying(
        retry=retry_if_exception_type((OSError, HTTPException)),
        stop=stop_after_attempt(patience.attempts),
        wait=wait_exponential(multiplier=patience.pause_seconds),
        sleep=_pause,
        reraise=True,
    )
    parts = urlsplit(url)

    def handler(
        url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        everything = [*headers, *_authorization(parts)]
        return default_handler(f"{url}?{parts.query}" if parts.query else url, method, timeout, everything, data)

    retrying(push_to_gateway, shown(url), job, registry, timeout=patience.answer_seconds, handler=handler)


def _authorization(parts: SplitResult) -> list[tuple[str, str]]:
    """Return the header that an account in the address asks for; the library sends the address as it stands."""
    if not parts.username:
        return []
    account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    token = base64.b64encode(account.encode()).decode()
    return [("Authorization", f"Basic {token}")]


def _pause(seconds: float) -> None:
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        stop.check()
        clock.nap(min(left, TICK_SECONDS))


def _failure(url: str, reason: str) -> PushFailed:
    hint = "See whether it runs, and whether monitoring.prometheus.pushgateway_url is its address."
    return PushFailed(f"metrics could not be pushed to {shown(url)}: {reason}", hint)
