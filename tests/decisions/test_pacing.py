"""The token bucket, by an injected clock: what counts is how long it said to wait."""

from __future__ import annotations

import threading

import pytest

from vya_backup.decisions.pacing import BURST_SECONDS, Bucket
from vya_backup.errors import Interrupted, TimedOut
from vya_backup.transport.limits import UNLIMITED, Limits
from vya_backup.transport.pacing import BYTES_PER_MB, Pace
from vya_backup.transport.stopping import stop

CHUNK = 256 * 1024


class SetClock:
    """A clock that only naps move."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.naps: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.seconds

    def nap(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds
            self.naps.append(seconds)


def test_a_bucket_lets_a_burst_pass_and_then_the_rate() -> None:
    """Of 100 bytes a second a quarter at once, and from then on what is taken must be waited for."""
    bucket = Bucket.full(100, now=0)
    assert bucket.wait() == 0
    bucket = bucket.taken(25, now=0)
    assert bucket.wait() == 0
    bucket = bucket.taken(200, now=0)
    assert bucket.wait() == pytest.approx(2)
    assert bucket.taken(0, now=2).wait() == pytest.approx(0)


def test_a_pause_saves_no_more_than_the_burst() -> None:
    """An hour of standing still is not caught up."""
    bucket = Bucket.full(100, now=0).taken(25, now=0)
    assert bucket.taken(100, now=3600).wait() == pytest.approx(0.75)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """And takes nothing."""
    bucket = Bucket.full(100, now=50).taken(125, now=50)
    assert bucket.taken(0, now=40).wait() == pytest.approx(1)


@pytest.mark.parametrize("mb", [0.1, 5.0])
def test_a_stream_takes_as_long_as_its_rate_says(mb: float) -> None:
    """Counted in what the clock slept."""
    clock = SetClock()
    pace = Pace(mb, clock.now, clock.nap)
    for _ in range(40):
        pace.keep(CHUNK, UNLIMITED)
    assert sum(clock.naps) == pytest.approx(40 * CHUNK / (mb * BYTES_PER_MB) - BURST_SECONDS, rel=1e-3)


def test_all_dumps_of_an_instance_share_the_rate() -> None:
    """Two streams at once take as long as one of their size: none takes a byte that is not in the one bucket."""
    clock = SetClock()
    pace = Pace(1, clock.now, lambda seconds: None)  # time stands still: what one takes in advance the other waits for
    due = []
    for _ in range(2):
        bucket_before = pace._bucket
        with pytest.raises(TimedOut):
            pace.keep(BYTES_PER_MB, Limits(deadline=-1))
        due.append(pace._bucket.wait() - bucket_before.wait())
    assert due == [pytest.approx(0.75), pytest.approx(1)]


def test_who_waits_hears_of_a_stop_and_of_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and not when the wait of hours is over."""
    clock = SetClock()
    pace = Pace(0.1, clock.now, clock.nap)
    with pytest.raises(TimedOut, match="rate_limit_mb_per_s"):
        pace.keep(100 * BYTES_PER_MB, Limits(deadline=-1))
    monkeypatch.setattr(stop, "requested", 15)
    with pytest.raises(Interrupted):
        pace.keep(CHUNK, UNLIMITED)
    assert sum(clock.naps) == 0
