"""A run that backs up steps back on its own machine, and a rate holds its dumps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest

from tests.hooks.test_hooks import hook, hooked, program, ran
from tests.transport.fakes import dump, shell
from vya_backup import clock
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Instance
from vya_backup.transport.limits import Limits
from vya_backup.transport.pacing import BYTES_PER_MB, Pace
from vya_backup.transport.storage import Store


def test_a_run_and_all_its_children_are_gentle(tmp_path: Path) -> None:
    """A child tells: what it has, it inherited."""
    show = program(tmp_path, "show", "nice; ionice -p $$")
    told = [hook("show", when, show) for when in ("after_run",)]
    gentle = "backup: {nice: 7, io_class: idle}\n"
    project = hooked(tmp_path, *told, hook("h", "before_backup", show, databases=["local/shop"]), more=gentle)
    done = project.run("backup")
    assert done.status == 0, done.said
    assert {event["data"]["output"] for event in ran(project)} == {
        f"{max(7, os.nice(0))}\nidle"
    }  # nobody gets back what was given up


def test_a_dump_is_held_to_its_rate_and_not_taken_for_a_hung_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in what the clock slept; a minute of naps, which every limit sees, is no minute without data."""
    naps: list[float] = []
    frozen = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: frozen + sum(naps))
    store = Store(tmp_path)
    pace = Pace(0.1, clock.monotonic, naps.append)
    size = 6 * BYTES_PER_MB
    script = shell(f"head -c {size} /dev/zero; echo; echo END")
    _, streamed = dump(store, "d/x.sql.gz", script, limits=Limits(idle_seconds=2), pace=pace)
    assert streamed.plain_bytes == size + len("\nEND\n")
    assert sum(naps) == pytest.approx(streamed.plain_bytes / (0.1 * BYTES_PER_MB), abs=0.3)


def test_the_dumps_of_an_instance_share_one_pace_and_others_have_none() -> None:
    """It costs nothing where nobody asked."""
    workspace = Workspace(*cast(Any, (None,) * 4))
    slow = Instance(id="slow", type="sqlite", path="x", rate_limit_mb_per_s=5)
    assert workspace.pace(slow) is workspace.pace(slow)
    assert workspace.pace(Instance(id="fast", type="sqlite", path="x")) is None
