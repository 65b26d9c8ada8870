"""Hands metrics to a Prometheus Pushgateway; whatever that does, it takes no more than its time."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from http.client import HTTPException
from threading import Thread
from typing import TYPE_CHECKING

from vya_backup import clock
from vya_backup.errors import PushFailed
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


def push(registry: CollectorRegistry, url: str, job: str, patience: Patience = PATIENCE) -> None:
    """Replace the metrics of a job; tried again, with growing pauses, while the gateway does not take them.

    Raises:
        PushFailed: it did not take them in time.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            _try(registry, url, job, patience)
            done.set_result(None)
        except BaseException as error:  # noqa: BLE001  # raised again where the answer is awaited
            done.set_exception(error)

    try:
        # A server may answer byte by byte, which no timeout of a socket ends; a daemon is not waited for at the end.
        Thread(target=run, name="push of metrics", daemon=True).start()
        done.result(timeout=patience.whole_seconds)
    except TimeoutError as error:
        raise _failure(url, f"no answer within {_waited(done, patience):g} s") from error
    except (OSError, HTTPException, ValueError, RuntimeError) as error:  # the last one: no thread could be started
        raise _failure(url, str(error)) from error


def _waited(done: Future[None], patience: Patience) -> float:
    return patience.answer_seconds if done.done() else patience.whole_seconds


def _try(registry: CollectorRegistry, url: str, job: str, patience: Patience) -> None:
    from prometheus_client import push_to_gateway
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

    retrying = Retrying(
        retry=retry_if_exception_type((OSError, HTTPException)),
        stop=stop_after_attempt(patience.attempts),
        wait=wait_exponential(multiplier=patience.pause_seconds),
        sleep=_pause,
        reraise=True,
    )
    retrying(push_to_gateway, url, job=job, registry=registry, timeout=patience.answer_seconds)


def _pause(seconds: float) -> None:
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        stop.check()
        clock.nap(min(left, TICK_SECONDS))


def _failure(url: str, reason: str) -> PushFailed:
    hint = "See whether it runs, and whether monitoring.prometheus.pushgateway_url is its address."
    return PushFailed(f"metrics could not be pushed to {url}: {reason}", hint)
