"""On a terminal, replacing something asks first, and a backup may be picked from a list."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from tests.project import Project

COUNT = "SELECT count(*) FROM item"


def answer(project: Project, words: list[str], *lines: str) -> tuple[int, str]:
    """Run a command on a terminal of its own and type these lines at its questions; return status and screen."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        project.command(*words), cwd=project.folder, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    os.write(ours, "".join(f"{line}\n" for line in lines).encode())
    screen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not piece:
            break
        screen += piece
    os.close(ours)
    return child.wait(), screen.decode(errors="replace")


@pytest.fixture
def emptied(project: Project) -> Project:
    """Two backups of `shop`, the newer without its rows, and the database itself empty."""
    project.run("backup")
    project.execute("shop", "DELETE FROM item WHERE id > 400")
    project.run("backup:local/shop", "--force")
    project.execute("shop", "DELETE FROM item")
    return project


def test_force_asks_for_the_name_and_goes_on(emptied: Project) -> None:
    """Typing the database's name is the answer."""
    status, screen = answer(emptied, ["restore:shop", "--force"], "local/shop")

    assert status == 0, screen
    assert "This replaces local/shop" in screen
    assert emptied.rows("shop", COUNT) == [(400,)]


def test_another_answer_leaves_everything_alone(emptied: Project) -> None:
    """Two terminals look alike at night."""
    status, screen = answer(emptied, ["restore:shop", "--force"], "yes")

    assert status == 1
    assert "nothing was touched" in screen
    assert emptied.rows("shop", COUNT) == [(0,)]


def test_yes_answers_beforehand(emptied: Project) -> None:
    """For scripts that run on a terminal."""
    status, screen = answer(emptied, ["restore:shop", "--force", "--yes"])

    assert status == 0, screen
    assert emptied.rows("shop", COUNT) == [(400,)]


def test_a_backup_is_picked_from_the_list(emptied: Project) -> None:
    """Number 2 is the older one."""
    status, screen = answer(emptied, ["restore:shop", "--interactive", "--to", "picked"], "2")

    assert status == 0, screen
    assert emptied.rows("picked", COUNT) == [(500,)]


@pytest.mark.parametrize("choice", ["0", "9", "x", ""])
def test_a_choice_that_is_none_touches_nothing(emptied: Project, choice: str) -> None:
    """Out of range, no number, nothing at all."""
    status, screen = answer(emptied, ["restore:shop", "--interactive", "--to", "picked"], choice)

    assert status == 1
    assert "nothing was touched" in screen
    assert not emptied.database("picked").exists()


def test_a_terminal_shows_the_same_results(emptied: Project) -> None:
    """The live lines go, the results stay."""
    status, screen = answer(emptied, ["backup", "--force"])

    assert status == 0, screen
    assert "2 done" in screen
