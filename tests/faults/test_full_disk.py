"""Writes that are short and then refused: a limit on the size of files, and a disk that is full, for each command."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.trouble import in_namespace
from tests.faults import promises
from tests.faults.sweep import Part, Report, Scenario, copied, suffered, template_of
from tests.faults.test_sqlite import SCENARIOS, prepared
from tests.faults.tracing import environment
from tests.project import Outcome, Project

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
SHORT, LONG = 1, 60
SMALLEST = 512


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every scenario with `--long`."""
    if "scenario" in metafunc.fixturenames:
        wanted = SCENARIOS if metafunc.config.getoption("--long") else [BY_NAME["backup"]]
        metafunc.parametrize("scenario", wanted, ids=lambda scenario: scenario.name)


def limits(project: Project, number: int, chance: random.Random) -> Iterator[int]:
    """Yield sizes in bytes, each below that of a file which a run writes: a database, the catalog, or a sidecar."""
    sizes = [path.stat().st_size for path in project.folder.rglob("*") if path.is_file()]
    written = sorted({size for size in sizes if size > SMALLEST})
    for _ in range(number):
        yield chance.randrange(SMALLEST, chance.choice(written))


def limited(size: int, project: Project, words: tuple[str, ...]) -> Outcome:
    """Run a command of which no file may grow beyond a size in bytes."""
    unmeasured = (
        "env",
        "-u",
        "COVERAGE_PROCESS_START",
        "-u",
        "COVERAGE_PROCESS_CONFIG",
    )  # its file is limited too
    argv = [*unmeasured, "prlimit", f"--fsize={size}", *project.command(*words)]
    return project.outcome(argv, **environment(project))


def test_no_limit_on_the_size_of_files_breaks_a_promise(
    scenario: Scenario, tmp_path: Path, long: bool, seed: int, shard: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    """The write that crosses it is short, and the next one fails with EFBIG; `prlimit` sets it for every file."""
    template, report = template_of(scenario, tmp_path), Report(f"{scenario.name}, short writes")
    sizes = list(limits(template, LONG if long else SHORT, random.Random(seed)))

    for size in sizes[shard.number - 1 :: shard.of]:
        report.injections += 1
        project = copied(template, tmp_path / "swept")
        found = suffered(scenario, project, partial(limited, size))
        report.broken += [f"at most {size:,} bytes: {broken}" for broken in found]

    with capsys.disabled():
        print(f"\n{report}")
    assert not report.broken


def test_a_full_disk_under_the_copies_of_the_catalog_is_told_and_made_good(tmp_path: Path) -> None:
    """The backup is good, the run fails, and says so in history too; the next run copies what is missing."""
    project = prepared(tmp_path)
    place = project.folder / "backups/testhost/@catalog"

    full = in_namespace(project, f'mount -t tmpfs -o size=4k none "{place}" && "$VYA" backup --force')
    (failed,), ends = project.events("type = 'failed'"), project.events("type = 'run_finished'")
    made_good = project.run("backup")

    assert full.status == 1, full.said
    assert "the catalog was not copied into the tree of backups" in full.err
    assert "No space left on device" in full.err
    assert (failed["data"]["step"], failed["data"]["code"]) == ("copy of the catalog", "space")
    assert [end["data"]["exit_status"] for end in ends if end["run_id"] == failed["run_id"]] == [0, 1]
    assert project.types().count("checksummed") == 2
    assert made_good.status == 0, made_good.said
    assert project.run("audit").status == 0
    assert list(promises.of_leftovers(project)) == []
