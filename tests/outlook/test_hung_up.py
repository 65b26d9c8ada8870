"""A run whose terminal is gone goes on without words."""

from __future__ import annotations

import os
from pathlib import Path

from vya_backup.outlook.screen import Result, Screen


def test_nobody_reading_ends_no_work() -> None:
    """A restore under `| head` must not be taken back in its middle."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        screen = Screen(out)

        for word in ("one", "two"):
            screen.line(word)
        screen.result(Result("local/shop", "ok"))
        screen.summary()

        assert Path(f"/proc/self/fd/{writing}").readlink() == Path(os.devnull)
