"""`doit users …`: the words that are tasks under another name, and what is refused; no server is needed."""

from __future__ import annotations

import pytest

from tests.project import Project
from vya_backup.command_line.options import Selection, read, written
from vya_backup.command_line.users import as_task
from vya_backup.errors import UsageError


@pytest.mark.parametrize(
    ("word", "args", "task"),
    [
        ("backup", ["--instance", "pg"], ["backup:pg/@users"]),
        ("backup", ["pg", "--force"], ["backup:pg/@users", "--force"]),
        ("backup", ["--all"], ["backup", "--database=@users"]),
        ("restore", ["--file", "F", "--all"], ["restore", "--file=F"]),
        ("restore", ["--file", "F", "--user", "a", "--user", "b@%"], ["restore", "--file=F", "--user=a", "--user=b@%"]),
        (
            "restore",
            ["pg", "--target-instance", "new", "--exclude-user", "a,b", "--dry-run"],
            ["restore:pg/@users", "--target-instance=new", "--dry-run", "--exclude-user=a,b"],
        ),
    ],
)
def test_a_word_becomes_a_task(word: str, args: list[str], task: list[str]) -> None:
    """In the spellings of the specification."""
    assert as_task(word, args) == task


@pytest.mark.parametrize("args", [["--output", "F"], ["--to", "x"], []])
def test_what_accounts_do_not_have_is_refused(args: list[str]) -> None:
    """With what there is."""
    with pytest.raises(UsageError):
        as_task("restore", args)


def test_names_of_accounts_are_never_shared_between_two_command_lines() -> None:
    """doit's parser appends to the default of a list; each reading gets its own."""
    (first,) = read(["restore:a/@users", "--user", "x"])
    (second,) = read(["restore:a/@users"])
    assert (first.options["user"], second.options["user"]) == (["x"], [])
    assert written([Selection(first.task, first.options)]) == ["restore:a/@users", "--user=x"]


def test_a_database_has_no_accounts_to_choose(project: Project) -> None:
    """Nobody may believe that `--user` did something."""
    assert project.run("backup").status == 0
    done = project.run("restore:shop", "--user", "alice", "--force")
    assert done.status == 1
    assert "--user and --exclude-user choose accounts" in done.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "users needs to be told what to do"),
        (("list", "a", "b"), "does not take 'b'"),
        (("diff", "--from", "live"), "compares two states"),
        (("show-grants",), "names no database"),
        (("show-grants", "--database", "shop"), "local is sqlite, which has no accounts"),
        (("list",), "there is no good backup of any accounts"),
        (("restore",), "names nothing to restore from"),
    ],
)
def test_what_cannot_be_said_is_one_clean_line(project: Project, words: tuple[str, ...], said: str) -> None:
    """With an exit status that is not 0."""
    assert project.run("backup").status == 0
    done = project.run("users", *words)
    assert done.status in {1, 3}
    assert said in done.err
    assert "Traceback" not in done.said
