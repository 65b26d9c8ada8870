"""Which part of a long sweep is tried, and what every sweep has to come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.sweep import Part, Scenario, sweep
from tests.faults.tracing import demand_strace

Demand = Callable[[Scenario, int], None]


@pytest.fixture
def shard(request: pytest.FixtureRequest) -> Part:
    """The part of every sweep that `--shard 1/4` asks for."""
    number, of = str(request.config.getoption("--shard")).split("/")
    return Part(number=int(number), of=int(of))


@pytest.fixture
def no_promise_breaks(tmp_path: Path, long: bool, shard: Part, capsys: pytest.CaptureFixture[str]) -> Demand:
    """Sweeps a scenario, in the short form with a sample of so many faults, and prints what came of it."""

    def demand(scenario: Scenario, sample: int) -> None:
        demand_strace()
        report = sweep(scenario, tmp_path, shard if long else Part(sample=sample))
        with capsys.disabled():
            print(f"\n{report}")
        assert not report.broken

    return demand
