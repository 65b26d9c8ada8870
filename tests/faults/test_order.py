"""Power cuts: what an event says is on the disk before it, and what goes after it, as traces of the runs show.

An event's place is that of its log line, which is written once the event is on the disk.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.test_sqlite import RESTORE, due, piled_up, prepared, without_snapshot
from tests.faults.tracing import Call, demand_strace, effects, everything
from tests.project import Project

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


def test_a_prune_is_on_the_disk_before_a_file_goes_and_the_files_are_gone_before_it_says_so(tmp_path: Path) -> None:
    """Both `pruned` events; then for each backup the dump before its sidecars, each with its folder; then `removed`."""
    calls = traced(piled_up(tmp_path), "run", "-n", "0", "prune")
    folder = r"local/shop/\d{4}-\d\d-\d\d>"
    place = _last(calls, "write", told("pruned"))
    synced = _last(calls[:place], "fdatasync", r"catalog\.db-wal>")

    assert _last(calls[:place], "pwrite64", r"catalog\.db-wal>") < synced
    assert not [call for call in calls[:place] if call.name == "unlink" and "/backups/" in call.text]
    for _ in range(2):
        for kind in (r"_full(-\d+)?\.db\.gz", r"\.gz\.sha256", r"\.metadata\.json"):
            gone = _first(calls, "unlink", r"local/shop/.*" + kind + '"', after=place)
            place = _first(calls, "fsync", folder, after=gone)
            assert not _between(calls, gone, place, "unlink")
        said = _first(calls, "write", told("removed"), after=place)
        assert not _between(calls, place, said, "unlink")
        place = said


def test_a_restored_file_is_staged_synced_named_and_its_folder_synced_before_the_event(tmp_path: Path) -> None:
    """Beside the original: the name appears when everything below it is on the disk."""
    calls = traced(prepared(tmp_path), *RESTORE, "--to", "copy", "--force")
    staged = r"data/\.copy\.db\.\w+\.restoring>"
    begun = _first(calls, "write", told("restore_started"))
    named = _first(calls, "link", r"\.restoring\", \".*/data/copy\.db\"")
    written, synced = (_last(calls[:named], name, staged) for name in ("write", "fsync"))
    durable = _first(calls, "fsync", r"/data>", after=named)

    assert begun < _first(calls, "openat", r"\.restoring") < written < synced < named < durable
    assert durable < _first(calls, "write", told("restored"))
    assert not [call for call in calls if call.name in {"write", "pwrite64"} and "/data/copy.db>" in call.text]


def test_an_old_database_is_saved_and_synced_before_it_is_written_over(
    tmp_path: Path,
) -> None:
    """Over the original: staged and the old one saved, both synced; then SQLite's own log before its pages."""
    calls = traced(prepared(tmp_path), *RESTORE, "--force")
    first = _first(calls, "p?write(64)?", r"data/shop\.db(-wal)?>")
    over = _last(calls, "pwrite64", r"data/shop\.db>")
    settled = _first(calls, "f(data)?sync", r"data/shop\.db>", after=over)

    for kind in ("restoring", "retired"):
        held = _last(calls[:first], "fsync|fdatasync", rf"data/\.shop\.db\.\w+\.{kind}>")
        assert _last(calls[:first], "p?write(64)?", rf"data/\.shop\.db\.\w+\.{kind}>") < held
    assert settled < _first(calls, "unlink", r"\.retired\"") < _first(calls, "write", told("restored"))


def test_a_copy_of_the_catalog_is_synced_before_it_is_named_and_follows_its_last_event(tmp_path: Path) -> None:
    """The segment; then the snapshot, whose checksum stands before it; each with its folder."""
    calls = traced(without_snapshot(tmp_path), "hold", "--backup", "0", "--reason", "why")
    place = _first(calls, "write", told("run_finished"))

    for name in (r"\d+-\d+\.jsonl", r"snapshot-\d+\.sqlite\.gz\.sha256", r"snapshot-\d+\.sqlite\.gz"):
        named = _first(calls, "link", rf"/{name}\"", after=place)
        written, synced = (_last(calls[:named], kind, rf"/\.{name}\.\w+\.partial>") for kind in ("write", "fsync"))
        durable = _first(calls, "fsync", r"/\d+_\w+>", after=named)
        assert written < synced < named < durable
        place = durable
    assert place < _first(calls, "unlink", r"catalog-snapshot\.db\"")


def traced(project: Project, *words: str) -> list[Call]:
    """Return what a command and its tools change, in order."""
    demand_strace()
    return everything(project, words)


def told(event: str) -> str:
    """Return what a log line of an event looks like."""
    return rf'vya_backup\.log>.*\\"event\\": \\"{event}\\"'


def _between(calls: list[Call], first: int, last: int, name: str) -> list[Call]:
    return [call for call in calls[first + 1 : last] if call.name == name and "/backups/" in call.text]


def _first(calls: list[Call], name: str, text: str, after: int = -1) -> int:
    return next(place for place, call in enumerate(calls) if place > after and _is(call, name, text))


def _last(calls: list[Call], name: str, text: str) -> int:
    return max(place for place, call in enumerate(calls) if _is(call, name, text))


def _is(call: Call, name: str, text: str) -> bool:
    return bool(re.fullmatch(name, call.name) and re.search(text, call.text))
