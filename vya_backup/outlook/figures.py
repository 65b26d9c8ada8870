"""Sizes, ages and speeds for people; machines get the exact values."""

from __future__ import annotations

from datetime import datetime

from vya_backup.decisions.metadata import human_size

__all__ = ["human_age", "human_duration", "human_size", "human_speed", "local_time", "progress", "shortened"]

MINUTE, HOUR, DAY = 60, 3600, 86400


def human_duration(seconds: float) -> str:
    """Return `41 ms`, `2.4 s`, `1 m 05 s`, `2 h 10 m`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    if seconds < HOUR:
        return f"{int(seconds) // MINUTE} m {int(seconds) % MINUTE:02d} s"
    return f"{int(seconds) // HOUR} h {int(seconds) % HOUR // MINUTE:02d} m"


def human_age(seconds: float | None) -> str:
    """Return `3 min`, `5 h`, `12 d`; a time in the future is told as such, None is a dash."""
    if seconds is None:
        return "-"
    if seconds < 0:
        return "in the future"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds)} s"


def human_speed(size: float, seconds: float) -> str:
    """Return bytes in seconds as `181 MiB/s`."""
    return f"{human_size(size / max(seconds, 0.001))}/s"


def progress(done: int, estimate: int, seconds: float) -> str:
    """Return `80.8 MiB, 74.1 MiB/s, 2 s left` after `seconds`; without an estimate, or beyond it, nothing is left."""
    told = f"{human_size(done)}, {human_speed(done, seconds)}"
    if not 0 < done < estimate:
        return told
    left = round((estimate - done) * seconds / done)
    return f"{told}, {human_duration(left) if left >= MINUTE else f'{max(left, 1)} s'} left"


def shortened(text: str, width: int) -> str:
    """Return a text of at most `width` characters, the middle of a longer one replaced by `…`."""
    if len(text) <= width:
        return text
    end = width // 2
    return f"{text[: width - end - 1]}…{text[-end:]}"


def local_time(instant: datetime | None) -> str:
    """Return a time in the zone that the instant carries, to the minute; None is a dash."""
    return instant.strftime("%Y-%m-%d %H:%M") if instant else "-"
