"""A seeded random walk over everything that happens to backups: whatever comes after what, no promise breaks.

Driven by plain chance and not by hypothesis: its switching of rules left most crashes out of most walks, and shrinking
would replay each walk hundreds of times at seconds each. Steps are dealt like cards, so that in every walk each kind
comes in its turn; a broken promise names its walk, which the same seed walks again, and all steps that led to it.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.steps import CALLED, LEFT, MADE, STRUCK
from tests.faults.sweep import Part
from tests.faults.walk import Walk
from tests.faults.world import World

NIGHTS = (24 * 40, 24 * 9, 24, 24, -24 * 60, 24 * 61)
"""Hours from each night to the next: the newest backup is of a clock that was set back, and fills no slot."""
SHORT, SHORT_STEPS = 5, 28
"""The one walk of the short form, in which faults leave something of each kind, and how far it goes."""
LONG, LONG_STEPS = 100, 40


@pytest.fixture
def origin() -> Iterator[World]:
    """A world with some nights behind it, where every walk begins; the path of a drill's socket has to be short."""
    with tempfile.TemporaryDirectory(prefix="vya-walk-") as folder:
        (Path(folder) / "world").mkdir()
        world = World.make(Path(folder) / "world")
        for number, hours in enumerate(NIGHTS):
            world.change("shop", f"UPDATE t SET w = 'night {number}' WHERE v = 1")
            assert world.run("backup").status == 0
            assert not [*judge.always(world), *judge.after_a_run(world)]
            world.before = world.seen
            world.now += timedelta(hours=hours)
        assert world.run("hold", "--backup", next(iter(world.seen.backups)), "--reason", "walk").status == 0
        world.before = world.seen
        yield world


def test_no_walk_breaks_a_promise(
    origin: World, tmp_path: Path, long: bool, seed: int, shard: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short form always takes the same walk."""
    template = tmp_path / "template"
    shutil.copytree(origin.project.folder, template)
    numbers = range(shard.number, LONG + 1, shard.of) if long else (SHORT,)

    broken = [
        found
        for number in numbers
        if (found := _walked(origin.copied_from(template), f"{seed}-{number}", LONG_STEPS if long else SHORT_STEPS))
    ]

    with capsys.disabled():
        for title, counts in (("steps", MADE), ("faults", STRUCK), ("leftovers of faults", LEFT), ("seen", CALLED)):
            told = ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items()))
            print(f"\n{counts.total()} {title}: {told}")
        print(f"\n{len(numbers)} walks of seed {seed}, {len(broken)} of them broke a promise")
    assert not broken, "\n\n".join(broken)


def _walked(world: World, name: str, steps: int) -> str:
    """Walk, and return what broke with the steps that led to it, or an empty text."""
    walk = Walk(world, random.Random(name))
    try:
        for _ in range(steps):
            walk.go()
        walk.last_night()
    except AssertionError as broken:
        return "\n".join([f"walk {name}:", *walk.trail, str(broken)])
    return ""
