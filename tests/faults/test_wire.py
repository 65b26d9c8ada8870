"""A restore or a backup whose line to the server breaks at any word that changes something there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.sweep import Scenario, suffered
from tests.faults.test_server_backups import backing_up
from tests.faults.test_servers import ALSO_WITH_LONG, KINDS, restoring
from tests.faults.tracing import environment
from tests.faults.wire import WHATS, What, Wire
from tests.project import Outcome, Project
from tests.servers import Kind, Servers

PATIENCE_SECONDS = 60
"""Far more than `backup.timeout_minutes` of these projects; a run that takes longer does not end by itself."""
EVERY_SILENCE = 6
"""A line that falls silent costs the run its whole patience: one word in so many."""
EVERY_QUESTION = 5
"""A backup only asks, several hundred times: one question in so many."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every kind of server with `--long`."""
    metafunc.parametrize("kind", KINDS + (ALSO_WITH_LONG if metafunc.config.getoption("--long") else []))


@pytest.fixture
def wire(kind: Kind, servers: Servers) -> Iterator[Wire]:
    """A line to the server that all tests share, which gets back nothing of what is made and broken here."""
    server = servers.shared(kind)
    with Wire(server) as line:
        yield line
    for name in server.databases():
        if name in {"other", "shop"} or name.startswith("vya_"):
            server.drop_database(name)


def test_no_word_that_is_lost_or_unanswered_breaks_a_restore(
    kind: Kind, wire: Wire, tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Above all a word that the server has carried out, and whose answer never comes."""
    cut = Cut(wire, restoring(kind, wire.server, wire.port), tmp_path, asking=False)
    assert cut.all(capsys, everything=long) == []


@pytest.mark.long_for("mariadb")
def test_no_word_that_is_lost_or_unanswered_breaks_a_backup(
    kind: Kind, wire: Wire, tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is called good restores."""
    cut = Cut(wire, backing_up(kind, wire.server, wire.port), tmp_path, asking=True)
    assert cut.all(capsys, everything=long) == []


class Cut:
    """One command, cut off at each word in turn; each time on a fresh copy of one prepared project."""

    def __init__(self, wire: Wire, scenario: Scenario, folder: Path, *, asking: bool) -> None:
        self.wire = wire
        self.scenario = scenario
        self.asking = asking
        self.template, self.swept = folder / "template", folder / "swept"
        self.swept.mkdir()
        shutil.copytree(scenario.prepare(self.swept).folder, self.template, symlinks=True)

    def all(self, capsys: pytest.CaptureFixture[str], *, everything: bool) -> list[str]:
        """Cut at every word, or at the worst one; print the count, and return the broken promises."""
        words = self._words()
        fates: list[tuple[int, What]] = [
            (number, what) for what in WHATS for number in range(1, len(words) + 1) if self._is_wanted(number, what)
        ]
        chosen = fates if everything else self._worst(words)
        missed, broken = 0, list[str]()
        for number, what in chosen:
            place = f"{what} at word {number}, {words[number - 1]}"
            found = [f"{place}: {one}" for one in self._cut(number, what)]
            broken += found
            with capsys.disabled():
                print(*found or ["."], sep="\n", end="" if not found else "\n", flush=True)  # the long form takes hours
            missed += not self.wire.happened.is_set()
        with capsys.disabled():
            print(
                f"\n{self.scenario.name}, cut off: {len(words)} words; {len(chosen)} faults, {missed} of them not"
                f" reached; {len(broken)} broken promises" + "".join(f"\n  {line}" for line in broken)
            )
        return broken

    def _worst(self, words: list[str]) -> list[tuple[int, What]]:
        """Return where a backup's server falls silent in its middle, or where a restore's does so at once, and where
        nobody hears of its swap.
        """
        if self.asking:
            return [(len(words) // 2, "silent")]
        swap = next(number for number, word in enumerate(words, 1) if "RENAME" in word)
        return [(1, "silent"), (swap, "unanswered")]

    def _is_wanted(self, number: int, what: What) -> bool:
        return number % (EVERY_SILENCE if what == "silent" else EVERY_QUESTION if self.asking else 1) == 0

    def _words(self) -> list[str]:
        project = self._fresh()
        self.wire.expect(0, "lost", asking=self.asking)
        done = project.run(*self.scenario.words, **environment(project))
        assert done.status == 0, done.said
        return self.wire.words

    def _fresh(self) -> Project:
        self.scenario.reset()
        shutil.rmtree(self.swept)
        shutil.copytree(self.template, self.swept, symlinks=True)
        return Project(self.swept)

    def _cut(self, number: int, what: What) -> Iterator[str]:
        self.is_endless = False
        yield from suffered(self.scenario, self._fresh(), partial(self._run, number, what))
        if self.is_endless:
            yield "the run does not end by itself"

    def _run(self, number: int, what: What, project: Project, words: tuple[str, ...]) -> Outcome:
        self.wire.expect(number, what, asking=self.asking)
        process = project.start(*words, **environment(project))
        self.wire.victim = process.pid
        try:
            said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.is_endless = True
            process.kill()
            said, _ = process.communicate()
        return Outcome(process.returncode, said, "")
