"""Power cuts: a backup is on the disk before its event is, in the order that a trace of the run shows."""

from __future__ import annotations

import re

import pytest

from tests.faults.test_sqlite import due
from tests.faults.tracing import Call, demand_strace, effects

WORDS = ("run", "-n", "0", "backup")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """The effects, in order, of a run that dumps the one database that is due."""
    demand_strace()
    return effects(due(tmp_path_factory.mktemp("project")), WORDS)


def test_what_is_good_would_survive_a_power_cut_at_any_moment(calls: list[Call]) -> None:
    """Data synced, name given, folder synced; sidecars before the dump; only then does an event say so."""
    partial = r"\.other_\S+_full\.db\.gz\.\w+\.partial"
    folder = r"backups/testhost/local/other/\d{4}-\d\d-\d\d>"
    named = _first(calls, "link", r"_full\.db\.gz\"")
    written, synced = (_last(calls[:named], name, partial) for name in ("write", "fsync"))
    durable = _first(calls, "fsync", folder, after=named)
    said = _first(calls, "pwrite64", r"catalog\.db-wal", after=named)
    begun = _first(calls, "fdatasync", r"catalog\.db-wal")

    assert begun < _first(calls, "openat", partial) < written < synced < named < durable < said


def test_each_sidecar_is_synced_named_and_its_folder_synced_before_the_dump_gets_its_name(calls: list[Call]) -> None:
    """Where the dump's name stands, what a rebuild needs stands beside it."""
    dump = _first(calls, "link", r"_full\.db\.gz\"")
    for name in (r"other_\S+\.metadata\.json", r"other_\S+\.db\.gz\.sha256"):
        named = _first(calls, "link", name + '"')
        synced = _last(calls[:named], "fsync", name)
        durable = _first(calls, "fsync", r"local/other/\d{4}-\d\d-\d\d>", after=named)
        assert synced < named < durable < dump


def _first(calls: list[Call], name: str, text: str, after: int = -1) -> int:
    return next(place for place, call in enumerate(calls) if place > after and _is(call, name, text))


def _last(calls: list[Call], name: str, text: str) -> int:
    return max(place for place, call in enumerate(calls) if _is(call, name, text))


def _is(call: Call, name: str, text: str) -> bool:
    return bool(re.fullmatch(name, call.name) and re.search(text, call.text))
