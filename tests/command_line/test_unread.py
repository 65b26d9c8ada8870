"""What a command prints and nobody gets: a reader who has left, and a disk that is full."""

from __future__ import annotations

import os

import pytest

from tests.project import CONFIGURATION, Project
from vya_backup.command_line.guarding import guarded

NO_ROOM = """\
error: what was printed could not be written: No space left on device
  Say it again where there is room for it.
"""
PRINTING = ("backups", "catalog export", "catalog publish", "config show", "help", "health", "init --help")


def test_a_reader_who_leaves_ends_well_only_what_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`status | head` is fine; whatever else stops on its way has not been done."""

    def act() -> int:
        print("something")
        return 0

    ends = []
    for only_looks in (True, False):
        reads, writes = os.pipe()
        os.close(reads)
        with os.fdopen(writes, "w") as out:
            monkeypatch.setattr("sys.stdout", out)
            ends.append(guarded(act, only_looks=only_looks))
    assert ends == [0, 1]


def test_a_pipe_of_another_kind_that_breaks_is_a_bug() -> None:
    """It was not the reader who left."""

    def act() -> int:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        guarded(act, only_looks=True)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_finds_no_room_is_told_in_one_line(project: Project, unbuffered: str) -> None:
    """`doit backups > file` on a full disk; what was not printed is no success."""
    project.configure(CONFIGURATION + "catalog: {published_path: shown/catalog.db}\n")
    assert project.run("backup").status == 0
    for command in PRINTING:
        words = ["sh", "-c", 'exec "$@" >/dev/full', "sh", *project.command(*command.split())]
        done = project.outcome(words, PYTHONUNBUFFERED=unbuffered)
        assert (command, done.status, done.err) == (command, 1, NO_ROOM)


def test_a_backup_that_finds_no_room_to_tell_is_made(project: Project) -> None:
    """Its report is read elsewhere too."""
    done = project.outcome(["sh", "-c", 'exec "$@" >/dev/full', "sh", *project.command("backup")])
    assert (done.status, done.err) == (0, "")
    assert "checksummed" in project.types()
