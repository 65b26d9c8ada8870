"""Figures for people: what has run, how fast, what is left."""

from __future__ import annotations

import pytest

from vya_backup.outlook.figures import progress, shortened

MIB = 2**20


@pytest.mark.parametrize(
    ("done", "estimate", "seconds", "told"),
    [
        (80 * MIB, 200 * MIB, 1.0, "80.0 MiB, 80.0 MiB/s, 2 s left"),
        (1 * MIB, 1000 * MIB, 1.0, "1.0 MiB, 1.0 MiB/s, 16 m 39 s left"),
        (80 * MIB, 0, 2.0, "80.0 MiB, 40.0 MiB/s"),
        (300 * MIB, 200 * MIB, 1.0, "300.0 MiB, 300.0 MiB/s"),
        (0, 200 * MIB, 1.0, "0 B, 0 B/s"),
    ],
)
def test_what_is_left_is_told_only_while_the_estimate_holds(
    done: int, estimate: int, seconds: float, told: str
) -> None:
    """A database that has grown is not called finished for minutes."""
    assert progress(done, estimate, seconds) == told


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    """Names that differ at one of them stay apart on the screen."""
    assert shortened("production/a_very_long_name_2026", 16) == "product…ame_2026"
    assert len(shortened("x" * 90, 30)) == 30
    assert shortened("short", 30) == "short"
