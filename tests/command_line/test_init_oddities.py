"""`init` and what people type: homes, the end of a conversation, names that are no text, a server with rules."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line.test_init import Land, Terminal
from tests.project import Project
from tests.servers import MySqlServer
from vya_backup.command_line import beginning
from vya_backup.command_line.conversation import Conversation
from vya_backup.command_line.timer_offer import NO_TIMER, TIMER
from vya_backup.jobs import timers
from vya_backup.settings.loading import load


def test_a_tilde_is_a_home(tmp_path: Path) -> None:
    """As a shell has it, also where quotes or a question kept it from one."""
    (tmp_path / "data").mkdir()
    words = ("--path", "~/data/*.db", "--base-path", "~/kept", "--dry-run", "--yes")
    done = Project(tmp_path).run("--config", "c.yaml", "init", *words, HOME=str(tmp_path))
    assert done.status == 0, done.said
    assert f"base_path: {tmp_path}/kept\n" in done.out
    assert f'path: "{tmp_path}/data/*.db"\n' in done.out


def test_the_end_of_the_conversation_at_a_password_is_no_error_of_the_program(tmp_path: Path) -> None:
    """Ctrl-D: nothing was changed."""
    words = ("--engine", "mysql", "--port", "1", "--id", "x", "--account", "a", "--existing-account")
    terminal = Terminal(tmp_path, {}, *words)
    terminal.child.timeout = 20
    terminal.hear("Password of a")
    terminal.child.sendeof()
    assert terminal.end() == 3
    screen = "".join(terminal.seen)
    assert "the conversation ended before it was done; nothing was changed" in screen
    assert "Traceback" not in screen


@pytest.mark.parametrize("in_folder", [True, False])
def test_a_name_that_is_no_text_is_refused(tmp_path: Path, in_folder: bool) -> None:
    """A configuration could not hold it; said by the name, or brought in by the working folder."""
    odd = tmp_path / os.fsdecode(b"od\xffd")
    (odd / "data").mkdir(parents=True)
    project = Project(odd if in_folder else tmp_path)
    path = "data" if in_folder else f"{odd.name}/data"
    words = ("--config", "c.yaml", "init", "--path", path, "--base-path", "b", "--yes")
    done = project.outcome([*project.command(*words)])
    assert done.status == 3
    assert "no UTF-8 text" in done.err
    assert "Traceback" not in done.err
    assert not (project.folder / "c.yaml").exists()


def test_a_server_that_looks_at_passwords_is_told_with_the_way_around(
    fresh_server: Callable[..., Any], tmp_path: Path
) -> None:
    """It refuses hashes, because it cannot look into them."""
    server: MySqlServer = fresh_server("mariadb")
    server.sql("INSTALL SONAME 'simple_password_check'")
    land = Land(tmp_path, server)
    done = land.init(*land.where, *land.admin, "--base-path", "backups", "--yes")
    assert done.status == 1, done.said
    assert "init --print-grants" in " ".join(done.err.split())
    assert not (tmp_path / "config/config.yaml").exists()


@pytest.mark.parametrize(("timer", "lingers"), [(TIMER, False), (TIMER, True), (NO_TIMER, False)])
def test_whose_timer_ends_with_his_session_is_told_what_is_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], timer: str, lingers: bool
) -> None:
    """Where it was installed, and systemd does not keep his own timers running already."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(timers, "LINGERING", tmp_path)
    name = pwd.getpwuid(os.geteuid()).pw_name
    if lingers:
        (tmp_path / name).touch()
    path = tmp_path / ".config/vya_backupdb/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("instances: []\n")

    beginning._tell_what_is_there(Conversation({}, takes_defaults=True), load(path), timer)

    said = " ".join(capsys.readouterr().out.split())
    assert (f"while you are not logged in, too: loginctl enable-linger {name}" in said) == (
        timer == TIMER and not lingers
    )


MAIL = ("--path", "data", "--base-path", "b", "--timezone", "UTC", "--no-backup", "--yes", "--mail", "me@example.org")


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (("--mail", "Me <me@example.org>"), "--mail: Me <me@example.org> must be a bare address"),
        (("--mail", "me@example.org;you@example.org"), "--mail: me@example.org;you@example.org must be"),
        (("--smtp-host", "smtp://mail.example.org"), "--smtp-host: must be a name or an address alone"),
        (("--smtp-host", "mail.example.org:0"), "--smtp-host: answer a number from 1"),
    ],
)
def test_nothing_is_written_that_would_not_load(tmp_path: Path, words: tuple[str, ...], missing: str) -> None:
    """What the configuration refuses is refused before there is one."""
    (tmp_path / "data").mkdir()
    done = Project(tmp_path).run("--config", "c.yaml", "init", *MAIL, *words)
    assert done.status == 3, done.said
    assert missing in " ".join(done.err.split())
    assert not (tmp_path / "c.yaml").exists()


def test_a_port_behind_the_name_of_a_server_is_told(tmp_path: Path) -> None:
    """It has an option of its own, and no resolver knows such a name."""
    done = Project(tmp_path).run("--config", "c.yaml", "init", "--engine", "mysql", "--host", "db1:3306", "--yes")
    assert done.status == 3, done.said
    assert "--host: must be a name or an address alone; a port has a key of its own" in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("server", "host", "port", "way"),
    [
        ("localhost", "localhost", 25, "none"),
        ("127.0.0.1:2525", "127.0.0.1", 2525, "none"),
        ("mail.example.org", "mail.example.org", 587, "starttls"),
        ("mail.example.org:465", "mail.example.org", 465, "tls"),
    ],
)
def test_the_line_to_the_mail_server_is_one_that_works(
    tmp_path: Path, server: str, host: str, port: int, way: str
) -> None:
    """A port may stand behind the name; a server of this machine listens at 25, and nobody signed its certificate."""
    (tmp_path / "data").mkdir()
    done = Project(tmp_path).run("--config", "c.yaml", "init", *MAIL, "--smtp-host", server)
    assert done.status == 0, done.said
    email = load(tmp_path / "c.yaml", {}).configuration.notifications.email
    assert (email.smtp_host, email.smtp_port, email.way) == (host, port, way)


def test_the_line_for_cron_is_one_line_and_a_name_that_is_taken_is_asked_for_again(tmp_path: Path) -> None:
    """What is copied from a narrow terminal works; and nothing that was answered before is lost."""
    (tmp_path / "data").mkdir()
    terminal = Terminal(tmp_path, {}, "--path", "data", "--base-path", "b", "--timezone", "UTC", "--yes")
    assert terminal.end() == 0
    line = next(one for one in terminal.seen[0].splitlines() if one.startswith("  30 1 * * *"))
    assert line.endswith(f"--config {tmp_path}/config/config.yaml backup")
    terminal = Terminal(tmp_path, {}, "--add", "--path", "data")
    terminal.answer("Its name", "")
    terminal.answer(r"there is an instance local-sqlite already\s+Its name", "another")
    terminal.answer(r"Go on\? ", "n")
    assert terminal.end() == 1
