"""What nobody would notice is said: an account that sees nothing; help fits the terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project


def test_an_instance_without_any_database_is_said(project: Project) -> None:
    """An account without privileges sees an empty server: that is no reason to be silent."""
    project.configure(CONFIGURATION.replace("data/*.db", "elsewhere/*.db"))
    (project.folder / "elsewhere").mkdir()

    assert "warning: local shows this account no database" in project.run("backup").out
    named = project.run("backup:local")
    assert named.status == 0, named.said
    assert "warning: local shows this account no database" in named.out


@pytest.mark.parametrize(
    "words", [("list",), ("help",), ("help", "backup"), ("help", "restore"), ("help", "restore:shop")]
)
def test_help_fits_eighty_columns(project: Project, words: tuple[str, ...]) -> None:
    """A tired reader sees one option a line."""
    project.run("backup")
    done = project.run(*words)

    assert done.status == 0
    assert len(done.out.splitlines()) > 1
    assert not [line for line in done.out.splitlines() if len(line) > 80]


def test_help_begins_with_what_there_is_to_do(project: Project) -> None:
    """Every task that `doit list` shows, and no word of dodo files."""
    page = project.run("help").out

    tasks = [line.split()[0] for line in project.run("list").out.splitlines()]
    assert set(tasks) <= {line.split()[0] for line in page.split("\n\n")[1].splitlines()}
    assert "dodo" not in page


def test_without_any_configuration_the_first_step_is_told(tmp_path: Path) -> None:
    """In an empty folder nothing is made, and nothing is called valid."""
    empty = Project(tmp_path)
    for words in (["backup"], ["restore:shop"], ["config", "validate"]):
        done = empty.run(*words)
        assert done.status == 3, words
        assert "there is no configuration" in done.err
        assert "config.example.yaml" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_without_instances_says_what_to_add(project: Project) -> None:
    """Not that an instance `*` is missing."""
    project.configure("storage: {base_path: backups}\n")

    done = project.run("backup")

    assert done.status == 3
    assert "no instance is enabled" in done.err


def test_other_peoples_dodo_files_run_as_ever(tmp_path: Path) -> None:
    """The same environment may have doit for something else; a file elsewhere is found too."""
    (tmp_path / "else").mkdir()
    (tmp_path / "else/dodo.py").write_text("def task_x():\n    return {'actions': ['echo hi'], 'verbosity': 2}\n")
    for folder, words in ((tmp_path / "else", []), (tmp_path, ["-f", "else/dodo.py"])):
        doit = [str(Path(sys.executable).with_name("doit")), *words]
        done = subprocess.run(doit, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout) == (0, ".  x\nhi\n"), done.stderr


def test_that_nobody_gets_a_digest_is_said_and_fails_no_timer(project: Project) -> None:
    """The timer asks each week, wherever nobody was named: its unit would fail, and be told of."""
    project.run("backup")

    done = project.run("notify", "digest")

    assert done.status == 0, done.said
    assert "nobody gets a digest: set notifications.digest.recipients" in done.out


def test_a_working_folder_that_is_gone_ends_in_no_traceback(project: Project, tmp_path: Path) -> None:
    """Somebody removed it from under a shell, or under cron; what is named in full is found."""
    project.run("backup")
    configuration = str(project.folder / "config/config.yaml")
    for words, status in ((("config", "validate"), 3), (("--config", configuration, "status"), 0)):
        (tmp_path / "gone").mkdir()
        script = 'cd gone && rmdir ../gone && exec "$@"'
        argv = ["sh", "-c", script, "sh", *project.command(*words)]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == status, done.stderr
        assert done.stderr.startswith("note: the working folder is gone")
        assert "Traceback" not in done.stderr


def test_a_mail_that_cannot_be_written_is_one_line(project: Project) -> None:
    """The folder is not there, or the name is that of one."""
    project.run("backup")
    for path, why in (("none/mail.html", "No such file"), (".", "Is a directory")):
        done = project.run("notify", "preview", "--html", path)
        assert done.status == 1, done.said
        assert done.err.startswith(f"error: cannot write {path}: {why}")
