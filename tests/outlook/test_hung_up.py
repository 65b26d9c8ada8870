"""A run whose terminal is gone goes on without words."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from doit.exceptions import TaskError
from doit.task import dict_to_task

from tests.project import CONFIGURATION, Project, new_project
from vya_backup.command_line.report import ScreenReporter
from vya_backup.outlook.screen import Result, Screen


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one small database."""
    made = new_project(tmp_path, CONFIGURATION)
    made.execute("shop", "CREATE TABLE item (name TEXT)")
    return made


def test_nobody_reading_ends_no_work() -> None:
    """A restore under `| head` must not be taken back in its middle."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        screen = Screen(out)

        for word in ("one", "two"):
            screen.line(word)
        screen.result(Result("local/shop", "ok"))
        screen.summary()

        assert Path(f"/proc/self/fd/{writing}").readlink() == Path(os.devnull)


def test_a_bug_that_nobody_reads_of_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other databases are none the worse for its traceback."""
    with Path("/dev/full").open("w", buffering=1) as full, Path(os.devnull).open("w") as out:
        monkeypatch.setattr("sys.stderr", full)
        bug = TaskError("it broke", ValueError("unforeseen"))
        bug.traceback = ["Traceback\n", "ValueError: unforeseen\n"]
        ScreenReporter(out, {}).add_failure(dict_to_task({"name": "dump:local/shop", "actions": []}), bug)


@pytest.mark.parametrize("words", ["backup --force", "hold --backup 0 --reason why", "catalog rebuild"])
def test_a_terminal_that_hung_up_ends_no_command(project: Project, words: str) -> None:
    """What was said was said to nobody, and the work is done; /dev/full refuses every word, as such a terminal does."""
    assert project.run("backup").status == 0
    if words == "catalog rebuild":
        project.lose_catalog()
    command = shlex.join(project.command(*words.split()))

    done = project.outcome(["sh", "-c", f"exec {command} > /dev/full 2> /dev/full"])

    assert done.status == 0
    (end,) = project.events("type = 'run_finished'")[-1:]
    assert end["position"] > 10
    assert end["data"]["exit_status"] == 0
