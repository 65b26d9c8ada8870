"""A system that gives no more threads: less speed where that is enough, one clear line where it is not."""

from __future__ import annotations

import threading
from itertools import count

import pytest

from vya_backup.errors import ServerUnreachable
from vya_backup.transport.threads import side_by_side, start


@pytest.fixture(params=[0, 1, 2])
def given(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the system give so many threads and no more."""
    begin, begun = threading.Thread.start, count()

    def refuse(thread: threading.Thread) -> None:
        if next(begun) >= request.param:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return int(request.param)


def test_work_is_done_once_and_in_full_with_as_many_threads_as_there_are(given: int) -> None:
    """Also by nobody but the caller."""
    done: list[int] = []

    def work(item: int) -> int:
        done.append(item)
        return 10 * item

    assert side_by_side(work, range(20), 4) == [10 * item for item in range(20)]
    assert sorted(done) == list(range(20))


def test_so_many_at_once_and_not_more() -> None:
    """Each waits for two others, and a fourth would be seen."""
    meeting, working, most = threading.Barrier(3), [0], [0]
    counting = threading.Lock()

    def work(item: int) -> int:
        with counting:
            working[0] += 1
            most[0] = max(most[0], working[0])
        meeting.wait(timeout=30)
        with counting:
            working[0] -= 1
        return item

    assert side_by_side(work, range(9), 3) == list(range(9))
    assert most == [3]


def test_what_one_raises_stops_no_other() -> None:
    """It is raised when all are done."""
    done: list[int] = []

    def work(item: int) -> None:
        if item == 1:
            raise ValueError("the second")
        done.append(item)

    with pytest.raises(ValueError, match="the second"):
        side_by_side(work, range(5), 2)
    assert sorted(done) == [0, 2, 3, 4]


def test_a_thread_that_is_needed_and_refused_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the kind of failure that fits where it was needed."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ServerUnreachable, match="no thread could be started to look after it") as raised:
        start(threading.Thread(), "to look after it", ServerUnreachable)
    assert "ulimit -a" in raised.value.hint
