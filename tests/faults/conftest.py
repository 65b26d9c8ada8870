"""Which part of a long sweep is tried."""

from __future__ import annotations

import pytest

from tests.faults.sweep import Part


@pytest.fixture
def shard(request: pytest.FixtureRequest) -> Part:
    """The part of every sweep that `--shard 1/4` asks for."""
    number, of = str(request.config.getoption("--shard")).split("/")
    return Part(number=int(number), of=int(of))
