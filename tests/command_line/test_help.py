"""Help is where people look for it, fits the terminal, and a mistyped option is one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import Project
from vya_backup.command_line.beginning import Init
from vya_backup.command_line.main import LOOKING, Main, main
from vya_backup.command_line.options import OF_GROUP
from vya_backup.command_line.tasks import TASKS
from vya_backup.command_line.two_words import TwoWord
from vya_backup.command_line.users import AS_TASK, LOOKS

CHECKOUT = Path(__file__).parents[2]
COMMANDS = {command.get_name(): command for command in (*Main.DOIT_CMDS, *LOOKING)}


@pytest.mark.parametrize("name", sorted({*COMMANDS, *TASKS}))
def test_every_page_is_there_by_both_words(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any configuration too, in 80 columns, with every option."""
    monkeypatch.chdir(tmp_path)
    pages = []
    for words in (("help", name), (name, "--help"), (name, "-h")):
        assert main(words) == 0
        pages.append(capsys.readouterr())
    assert pages[0] == pages[1] == pages[2]
    page, complaint = pages[0]
    assert not complaint
    assert [line for line in page.splitlines() if len(line) > 80] == []
    assert {f"--{option['long']}" for option in OF_GROUP.get(name, ())} <= set(page.replace("=", " ").split())


def test_the_page_of_init_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """The README sends people there."""
    main(["help", "init"])
    page = capsys.readouterr().out
    assert page.startswith("vya-backupdb init\n  Set everything up")
    assert [option["long"] for option in Init.cmd_options if f"--{option['long']}" not in page] == []
    assert re.search(r"\n    --admin-password-file=ARG\n {28}a file", page), "a long one has a line of its own"


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if issubclass(command, TwoWord)])
def test_a_command_of_two_words_explains_each(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its own options."""
    main([name, "--help"])
    page = capsys.readouterr().out
    for word, what in COMMANDS[name].words.items():
        assert f"vya-backupdb {name} {word}" in page
        assert what.about.split()[0] in page
        assert all(f"--{option['long']}" in page for option in what.options)


def test_the_accounts_are_explained_word_by_word(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that look, and those that are tasks."""
    main(["users", "restore", "--help"])
    page = capsys.readouterr().out
    assert all(f"vya-backupdb users {word}" in page for word in (*LOOKS, *AS_TASK))
    assert "--exclude-user" in page


@pytest.mark.parametrize("words", [(), ("help", "nonsense"), ("nonsense", "--help"), ("--help",), ("-h",)])
def test_whoever_knows_no_name_gets_the_front_page(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Not doit's."""
    assert main(words or ["help"]) == 0
    assert capsys.readouterr().out.startswith("vya-backupdb backs up PostgreSQL")


@pytest.mark.parametrize("words", [("init", "--hots=x"), ("status", "--jsno"), ("backups", "x", "--jsno"), ("--hots",)])
def test_a_mistyped_option_is_one_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """And the word that shows the right ones."""
    assert main(words) == 3
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert f"option {words[-1].partition('=')[0]} not recognized" in first
    assert second.startswith("  See: vya-backupdb help ")


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (("init", "--help"), "doit init\n"),
        (("restore:shop", "--force", "--help"), "doit restore"),
        (("-h",), "doit backs up PostgreSQL"),
    ],
)
def test_doit_itself_shows_the_same_pages(project: Project, words: tuple[str, ...], begins: str) -> None:
    """In a checkout that is what people type; nothing is done."""
    doit = [str(Path(sys.executable).with_name("doit")), *words]
    environment = os.environ | {"VYA_CONFIG": str(project.folder / "config/config.yaml")}
    done = subprocess.run(doit, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(begins)
    assert not project.catalog.exists()


def test_a_reader_of_help_may_leave(project: Project) -> None:
    """`head` does."""
    for words in (["help"], ["help", "init"], ["init", "--help"]):
        with subprocess.Popen(project.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            assert program.stdout is not None
            assert program.stderr is not None
            program.stdout.close()
            assert program.stderr.read() == b""
        assert program.returncode == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("restore:shop", "--to", "", "--force", "--yes"), "an argument is empty, behind '--to'"),
        (("restore:shop", "--to=", "--force", "--yes"), "--to has an empty value"),
        (("backup", ""), "an argument is empty, behind 'backup'"),
        (("hold", "--backup=", "--reason", "x"), "--backup has an empty value"),
        (("--config=", "status"), "--config has an empty value"),
    ],
)
def test_a_variable_that_is_empty_is_no_other_command(project: Project, words: tuple[str, ...], named: str) -> None:
    """A script says `--to "$NAME"`: the next option is no name, and the original is not replaced instead."""
    project.run("backup")
    before = sorted(project.folder.rglob("*.db"))

    done = project.run(*words)

    assert done.status == 3, done.said
    assert named in done.err
    assert sorted(project.folder.rglob("*.db")) == before
