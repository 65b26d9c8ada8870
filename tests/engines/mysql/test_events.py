"""Events of a dump are put to sleep, by their canonical header alone."""

from __future__ import annotations

from vya_backup.engines.mysql.events import Disabled

HEAD = b"/*!50106 CREATE*/ /*!50117 DEFINER=`a ENABLE`@`%`*/ /*!50106 EVENT "


def event(name: bytes, schedule: bytes, rest: bytes) -> bytes:
    """Return an event as the tools write it."""
    return HEAD + name + b" ON SCHEDULE " + schedule + b" ON COMPLETION " + rest + b" */ ;;\n"


def test_running_events_sleep_and_are_remembered() -> None:
    """The body, which says ENABLE too, stays as it is."""
    body = b" DO SELECT 'ON COMPLETION NOT PRESERVE ENABLE'"
    edit = Disabled("2026-01-01 00:00:00")
    fed = edit(event(b"`e``1`", b"EVERY 1 DAY STARTS '2020-01-01 00:00:00'", b"NOT PRESERVE ENABLE" + body))
    assert fed == event(b"`e``1`", b"EVERY 1 DAY STARTS '2020-01-01 00:00:00'", b"NOT PRESERVE DISABLE" + body)
    assert edit.enabled == ["e`1"]


def test_disabled_events_are_not_woken() -> None:
    """They come back as they were."""
    edit = Disabled("2026-01-01 00:00:00")
    part = event(b"`e`", b"EVERY '1:2' HOUR_MINUTE", b"PRESERVE DISABLE DO SELECT 1")
    assert edit(part) == part
    assert edit.enabled == []


def test_an_event_whose_time_is_over_is_kept_asleep() -> None:
    """The server would drop it as soon as it is created."""
    edit = Disabled("2026-01-01 00:00:00")
    fed = edit(event(b"`e`", b"AT '2025-12-31 23:59:59'", b"NOT PRESERVE ENABLE DO SELECT 1"))
    assert fed == event(b"`e`", b"AT '2025-12-31 23:59:59'", b"PRESERVE DISABLE DO SELECT 1")
    assert edit.enabled == []
