"""`config`, `credentials`, what is closed, and what stands before the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project

CHECKOUT = Path(__file__).parents[2]
REMOTE = """\
instances:
  - {id: pg, type: postgresql, host: 127.0.0.1, port: 1, users: false}
storage: {base_path: backups}
backup: {retries: 0}
"""


def plain(project: Project, password: str = "s3cret-password") -> Path:
    """Write a plain credentials file."""
    path = project.folder / "plain.json"
    path.write_text(json.dumps({"databases": [{"id": "pg", "username": "backup", "password": password}]}))
    return path


def test_a_valid_configuration_says_so(project: Project) -> None:
    """With the file it comes from."""
    done = project.run("config", "validate")

    assert done.status == 0, done.said
    assert "config.yaml: valid" in done.out


def test_mail_that_cannot_leave_is_noted(project: Project) -> None:
    """Before the night in which somebody should have been told."""
    project.configure(
        f"{CONFIGURATION}notifications: {{email: {{enabled: true, error_recipients: [me@example.org]}}}}\n"
    )

    done = project.run("config", "validate")

    assert done.status == 0, done.said
    assert "warning: notifications.email.smtp_host is missing, so no mail can leave" in done.said
    assert "warning: notifications.email.from_address is missing" in done.said


def test_a_command_without_options_says_that_it_takes_none(project: Project) -> None:
    """Not a list of nothing."""
    assert "  It takes no options.\n" in project.run("config", "schema", "--output", "x").err


def test_all_errors_are_told_at_once_with_line_value_and_remedy(project: Project) -> None:
    """And every command ends with 3 then, not with a traceback."""
    project.configure(CONFIGURATION + "backup: {paralel: 2, compression: lzma}\n")

    for words in (["config", "validate"], ["backup"], ["list"], ["backups"]):
        done = project.run(*words)

        assert done.status == 3, words
        assert "did you mean" in done.err.lower() or "parallel" in done.err
        assert "lzma" in done.err
        assert ":6" in done.err or "line 6" in done.err
        assert "Traceback" not in done.said


@pytest.mark.parametrize("words", [["--format", "json"], ["--json"]])
def test_the_configuration_is_shown_as_json(project: Project, words: list[str]) -> None:
    """The values in force, defaults too."""
    shown = json.loads(project.run("config", "show", *words).out)

    assert shown["scheduling"]["interval_minutes"] == 1440
    assert "path: " in project.run("config", "show").out


def test_connections_are_tried(project: Project) -> None:
    """One line an instance; exit status 1 when one fails."""
    assert project.run("config", "test-connections").status == 0
    project.configure(REMOTE)
    project.run("credentials", "encrypt", "--input", str(plain(project)))

    done = project.run("config", "test-connections")

    assert done.status == 1
    assert "pg: failed" in done.out


def test_an_unknown_instance_is_refused(project: Project) -> None:
    """By name, with those there are."""
    done = project.run("config", "test-connections", "--instance", "nope")

    assert done.status == 3
    assert "nope" in done.err
    assert "local" in done.err


def test_credentials_are_encrypted_and_rotated(project: Project) -> None:
    """The plain file stays, and the command says to delete it; the password is nowhere else."""
    project.configure(REMOTE)
    source = plain(project)

    done = project.run("credentials", "encrypt", "--input", str(source))
    store = project.folder / ".secrets/credentials.json"
    before = store.read_text()
    again = project.run("credentials", "encrypt", "--input", str(source))
    rotated = project.run("credentials", "rotate")

    assert done.status == 0, done.said
    assert source.exists()
    assert "Delete the plain file" in done.out
    assert "s3cret-password" not in before + done.said + rotated.said
    assert again.status == 3
    assert "--force" in again.err
    assert rotated.status == 0, rotated.said
    assert store.read_text() != before


def test_an_unreachable_server_fails_alone_in_a_backup(project: Project) -> None:
    """The SQLite instance beside it is backed up; nothing of the password is told."""
    project.configure(
        CONFIGURATION.replace("storage:", REMOTE.splitlines()[1] + "\nstorage:") + "backup: {retries: 0}\n"
    )
    project.run("credentials", "encrypt", "--input", str(plain(project)))

    done = project.run("backup")

    assert done.status == 1
    assert "FAIL pg" in done.out
    assert "2 done, 1 failed" in done.out
    assert "discovery_failed" in project.types()
    assert "s3cret-password" not in done.said


@pytest.mark.parametrize("words", [("config",), ("credentials",), ("config", "nope"), ("config", "show", "--nope")])
def test_half_a_command_is_told_what_there_is(project: Project, words: tuple[str, ...]) -> None:
    """Exit status 3 and the choices."""
    done = project.run(*words)

    assert done.status == 3
    assert "error:" in done.err


@pytest.mark.parametrize("words", [("clean",), ("clean", "-a"), ("ignore", "backup:local/shop")])
def test_what_could_lose_data_is_closed(project: Project, words: tuple[str, ...]) -> None:
    """doit's own clean and ignore."""
    project.run("backup")
    before = project.files()

    done = project.run(*words)

    assert done.status == 3
    assert "closed" in done.err
    assert project.files() == before


def test_processes_are_closed_threads_are_not(project: Project) -> None:
    """`-P process` would lose events."""
    assert project.run("run", "-P", "process", "backup").status == 3
    assert project.run("run", "-n", "3", "backup").status == 0


def test_forgetting_is_an_event_and_costs_one_reading(project: Project) -> None:
    """No second memory: the checksum is made again, the dump is not."""
    project.run("backup")
    done = project.run("forget", "checksum:local/shop")
    assert done.status == 0, done.said

    again = project.run("backup")

    assert "task_forgotten" in project.types()
    assert "1 done, 1 up to date" in again.out
    assert len(project.json("backups", "local/shop")) == 1


def test_the_version_is_told(project: Project) -> None:
    """Before any configuration is read."""
    done = project.run("--version")

    assert done.status == 0
    assert done.out.startswith("vya-backupdb ")


def test_a_configuration_may_be_named(project: Project, tmp_path: Path) -> None:
    """`--config F` before the command; a missing one is refused."""
    other = tmp_path / "other.yaml"
    other.write_text((project.folder / "config/config.yaml").read_text().replace("data/", f"{project.folder}/data/"))

    assert project.run("--config", str(other), "backup", "--dry-run").status == 0
    assert project.run("--config", str(tmp_path / "nope.yaml"), "backup").status == 3
    assert project.run("--config").status == 3


def test_doit_itself_reads_the_dodo_file(project: Project) -> None:
    """`doit backup` in a checkout equals `vya-backupdb backup`; no state file of doit's own appears."""
    doit = str(Path(sys.executable).with_name("doit"))
    environment = os.environ | {"VYA_CONFIG": str(project.folder / "config/config.yaml")}
    before = set(CHECKOUT.glob(".doit*"))

    for words in (["list"], ["backup"], ["backup"], ["backups"]):
        done = subprocess.run(
            [doit, *words], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    assert len(project.json("backups")) == 2
    assert set(CHECKOUT.glob(".doit*")) == before


def test_help_lists_the_options_of_a_task(project: Project) -> None:
    """As doit shows them."""
    done = project.run("help", "restore")

    assert done.status == 0
    assert "--target-instance" in done.out
