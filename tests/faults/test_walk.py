"""A seeded random walk over everything that happens to backups: whatever comes after what, no promise breaks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults import judge
from tests.faults.nursery import Nursery
from tests.faults.steps import CALLED, MADE, STRUCK
from tests.faults.walk import Walk
from tests.faults.world import World

NIGHTS = (24 * 40, 24 * 9, 24, 24, -24 * 60, 24 * 61)
"""Hours from each night to the next: the newest backup is of a clock that was set back, and fills no slot."""
SHORT, SHORT_STEPS = 5, 10
LONG, LONG_STEPS = 150, 40


@pytest.fixture
def origin() -> Iterator[World]:
    """A world with some nights behind it, where every walk begins; the path of a drill's socket has to be short."""
    nursery = Nursery()
    with tempfile.TemporaryDirectory(prefix="vya-walk-") as folder:
        world = World.make(Path(folder), nursery)
        for number, hours in enumerate(NIGHTS):
            world.change("shop", f"INSERT INTO t VALUES ({-number}, 'night')")
            assert world.run("backup").status == 0
            assert not [*judge.always(world), *judge.after_a_run(world)]
            world.before = world.seen
            world.now += timedelta(hours=hours)
        assert world.run("hold", "--backup", next(iter(world.seen.backups)), "--reason", "walk").status == 0
        world.before = world.seen
        yield world
    nursery.close()


def test_no_walk_breaks_a_promise(
    origin: World, tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short form always takes the same walks."""
    shutil.copytree(origin.project.folder, tmp_path / "template")
    Walk.origin, Walk.template = origin, tmp_path / "template"
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=LONG if long else SHORT,
            stateful_step_count=LONG_STEPS if long else SHORT_STEPS,
            derandomize=not long,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    with capsys.disabled():
        for title, counts in (("steps", MADE), ("faults", STRUCK), ("seen", CALLED)):
            print(
                f"\n{counts.total()} {title}: "
                + ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items()))
            )
