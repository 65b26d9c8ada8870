"""`init`: from nothing to a first backup, by options and in a conversation; said again, it changes nothing."""

from __future__ import annotations

import getpass
import json
import os
import re
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from tests import zygote
from tests.command_line.dying import EFFECTS
from tests.project import Outcome, Project
from tests.servers import MySqlServer, PostgresqlServer, TestServer
from tests.zygote import Prelude
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.loading import load

DATABASE = "vya_first"
ACCOUNT = "vya_backup"
ATTRIBUTES = "rolcanlogin, rolbypassrls, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolinherit"


class Land:
    """A folder without any configuration, and a server beside it whose clients are watched."""

    def __init__(self, folder: Path, server: TestServer) -> None:
        self.project = Project(folder)
        self.server = server
        (folder / "home").mkdir()
        (folder / "admin").write_text(f"{server.password}\n")
        self.environment = {"HOME": str(folder / "home"), "VYA_BACKUP__CLIENT_FOLDERS": f'["{self._watched(folder)}"]'}
        self.where = ["--engine", server.engine, "--host", server.host, "--port", str(server.port)]
        self.admin = ["--admin-user", server.superuser, "--admin-password-file", "admin"]

    def _watched(self, folder: Path) -> Path:
        """Make clients that write down their arguments and environment before they are the real ones."""
        clients = folder / "clients"
        clients.mkdir()
        for name in ("mariadb-dump", "mysqldump", "pg_dump", "pg_dumpall"):
            real = self.server.client_folder / name
            if real.exists():
                script = f'#!/bin/sh\n(echo "$0 $*"; env) >>{folder}/seen\nexec {real} "$@"\n'
                (clients / name).write_text(script)
                (clients / name).chmod(0o755)
        return clients

    def init(self, *words: str) -> Outcome:
        """Say `init` about the server."""
        return self.project.run("--config", "config/config.yaml", "init", *words, **self.environment)

    def everything(self) -> dict[str, bytes]:
        """Return every file of the folder."""
        found = (path for path in sorted(self.project.folder.rglob("*")) if path.is_file())
        return {str(path): path.read_bytes() for path in found}

    def password(self) -> str:
        """Return the password that was made up."""
        configuration = load(self.project.folder / "config/config.yaml", {}).configuration
        login = CredentialStore.load(configuration).access(configuration.instances[0])
        assert login.username == ACCOUNT
        return login.password.reveal()

    def rights(self) -> list[tuple[Any, ...]]:
        """Return everything that the server lets the account do."""
        if isinstance(self.server, MySqlServer):
            return self.server.sql(f"SHOW GRANTS FOR '{ACCOUNT}'@'localhost'")
        whole = f"SELECT {ATTRIBUTES} FROM pg_roles WHERE rolname = '{ACCOUNT}'"
        roles = f"SELECT roleid::regrole::text FROM pg_auth_members WHERE member = '{ACCOUNT}'::regrole"
        owned = f"SELECT deptype, dbid FROM pg_shdepend WHERE refobjid = '{ACCOUNT}'::regrole AND deptype <> 'a'"
        return [*self.server.sql(whole), *self.server.sql(roles), *self.server.sql(owned)]

    def demand_good_backups(self) -> None:
        """The database and the accounts have a good backup each."""
        backups = self.project.json("backups")
        assert {"good"} == {row["state"] for row in backups}
        assert {DATABASE, "@users"} <= {row["database"] for row in backups}


@pytest.fixture(params=["mariadb", "postgresql_15"])
def land(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Land]:
    """A folder and a server with one database; the account is dropped in the end."""
    server: TestServer = request.getfixturevalue(request.param)
    server.create_database(DATABASE)
    server.sql("CREATE TABLE item (id INTEGER PRIMARY KEY)", DATABASE)
    yield Land(tmp_path, server)
    server.drop_database(DATABASE)
    for host in ("localhost", "%"):
        name = f"'{ACCOUNT}'@'{host}'" if isinstance(server, MySqlServer) else ACCOUNT
        server.sql(f"DROP {'USER' if isinstance(server, MySqlServer) else 'ROLE'} IF EXISTS {name}")


def demand_least_rights(land: Land) -> None:
    """The account may do what the documents say, and nothing else."""
    rights = land.rights()
    if isinstance(land.server, PostgresqlServer):
        assert rights == [(True, True, False, False, False, False, True), ("pg_read_all_data",)]
        return
    (line,) = [re.sub(r" IDENTIFIED BY PASSWORD '\*[0-9A-F]{40}'", "", row[0]) for row in rights]
    assert line == f"GRANT SELECT, PROCESS, EXECUTE, SHOW VIEW, EVENT, TRIGGER ON *.* TO `{ACCOUNT}`@`localhost`"


def test_by_options_from_nothing_to_a_good_backup_and_then_nothing_more(land: Land) -> None:
    """The account is the least one, its password is nowhere in the clear, and a second time nothing changes."""
    done = land.init(*land.where, *land.admin, "--base-path", "backups", "--timezone", "UTC", "--yes")

    assert done.status == 0, done.said
    demand_least_rights(land)
    land.demand_good_backups()
    assert "restore:NAME --dry-run says which rights" in " ".join(done.out.split())
    password = land.password()
    assert len(password) >= 32
    assert password not in done.said
    folders = [land.project.folder, *([land.server.folder] if land.server.folder else [])]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if password.encode() in path.read_bytes()] == []
    assert (
        land.server.engine in (land.project.folder / "seen").read_text()
        or "pg_dump" in (land.project.folder / "seen").read_text()
    )
    for name, mode in {"config": 0o700, "config/config.yaml": 0o600, ".secrets": 0o700}.items():
        assert stat.S_IMODE((land.project.folder / name).stat().st_mode) == mode, name
    before, rights, events = land.everything(), land.rights(), len(land.project.events())

    again = land.init(*land.where, *land.admin, "--yes")

    assert again.status == 0, again.said
    assert "Nothing was changed" in again.out
    assert land.everything() == before
    assert land.rights() == rights
    assert len(land.project.events()) == events


def test_an_administrator_whose_password_is_wrong_is_not_sent_to_a_file(land: Land) -> None:
    """That account is kept nowhere; nothing was touched."""
    (land.project.folder / "wrong").write_text("no such word")
    done = land.init(*land.where, *land.admin[:2], "--admin-password-file", "wrong", "--base-path", "backups", "--yes")
    assert done.status == 1, done.said
    assert "with its right name and password" in " ".join(done.err.split())
    assert "credentials file" not in done.err
    assert not (land.project.folder / "config/config.yaml").exists()


def test_a_preview_shows_every_statement_and_touches_nothing(land: Land) -> None:
    """With the whole configuration, and without the password."""
    before = land.everything()

    done = land.init(*land.where, *land.admin, "--mail", "me@example.org", "--dry-run")

    assert done.status == 0, done.said
    word = "CREATE USER" if isinstance(land.server, MySqlServer) else "CREATE ROLE"
    assert f"{word} " in done.out
    assert "******" in done.out
    assert 'error_recipients: ["me@example.org"]' in done.out
    assert land.everything() == before
    assert (
        not land.server.sql("SELECT 1 FROM mysql.user WHERE User = 'vya_backup'")
        if isinstance(land.server, MySqlServer)
        else not land.server.sql("SELECT 1 FROM pg_roles WHERE rolname = 'vya_backup'")
    )


def test_an_administrator_can_run_the_statements_that_are_printed(land: Land) -> None:
    """They put a password in place of the dots; `init` then takes it from a file, and needs no administrator."""
    printed = land.init(*land.where, "--print-grants")
    assert printed.status == 0, printed.said
    assert not (land.project.folder / "config").exists()
    script = printed.out.replace("…", "chosen_by_Somebody_1")
    land.server.load("\n".join(line for line in script.splitlines() if not line.startswith("--")))
    (land.project.folder / "given").write_text("chosen_by_Somebody_1")

    done = land.init(*land.where, "--existing-account", "--password-file", "given", "--base-path", "backups", "--yes")

    assert done.status == 0, done.said
    land.demand_good_backups()


@pytest.mark.parametrize(
    ("engine", "routines"),
    [
        ("mysql", ["GRANT SHOW_ROUTINE ON *.* TO 'vya_backup'@'localhost';"]),
        ("mariadb", ["-- MariaDB 11.3 and later: GRANT SHOW CREATE ROUTINE ON *.* TO 'vya_backup'@'localhost';"]),
        ("postgresql", []),
    ],
)
def test_statements_for_a_server_that_was_not_heard_leave_nothing_out(
    tmp_path: Path, engine: str, routines: list[str]
) -> None:
    """As for a server of today; nothing is asked that they do not need, and the command to go on with is complete."""
    where = ("--engine", engine, "--port", "1")  # tcpmux, where nothing listens
    terminal = Terminal(tmp_path, {}, *where, "--no-timer", "--account", "reader", "--print-grants")
    terminal.answer("Its name in the configuration", "first")
    assert terminal.end() == 0, "".join(terminal.seen)

    done = Project(tmp_path).run("--config", "c.yaml", "init", *where, "--print-grants", "--yes")

    assert done.status == 0, done.said
    assert [line for line in done.out.splitlines() if "ROUTINE" in line] == routines
    again = (
        f"vya-backupdb --config c.yaml init --engine {engine} --id local-{engine} --existing-account --host 127.0.0.1"
    )
    assert done.out.splitlines()[-1].endswith(f": {again} --port 1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("effect", EFFECTS)
def test_what_a_crash_leaves_is_finished_by_saying_it_again(land: Land, effect: str) -> None:
    """After each effect: the password in the store, the account on the server, the configuration."""
    words = [*land.where, *land.admin, "--base-path", "backups", "--yes"]
    command = ["--config", "config/config.yaml", "init", *words]
    environment = {**os.environ, **land.environment}
    prelude = Prelude("tests.command_line.dying", {"effect": effect})
    status, _, _ = zygote.run(command, land.project.folder, environment, 60, prelude)
    assert status == -signal.SIGKILL
    assert not land.project.catalog.exists()

    done = land.init(*words)

    assert done.status == 0, done.said
    demand_least_rights(land)
    land.demand_good_backups()


def test_an_account_of_that_name_which_nobody_here_made_is_left_alone(land: Land) -> None:
    """Its password is not ours to change: another name, or the password, is asked for."""
    is_mysql = isinstance(land.server, MySqlServer)
    land.server.sql(f"CREATE USER {ACCOUNT}@localhost" if is_mysql else f"CREATE ROLE {ACCOUNT}")
    rights, before = land.rights(), land.everything()

    done = land.init(*land.where, *land.admin, "--yes")

    assert done.status == 3
    assert "--existing-account" in done.err
    assert land.rights() == rights
    assert land.everything() == before


def test_a_wrong_password_of_an_existing_account_is_kept_nowhere(land: Land) -> None:
    """It is tried before the first effect, so that the same answers with the right one go through."""
    made = land.init(*land.where, "--print-grants").out.replace("…", "chosen_by_Somebody_1")
    land.server.load("\n".join(line for line in made.splitlines() if not line.startswith("--")))
    words = [*land.where, "--existing-account", "--password-file", "given", "--base-path", "backups", "--yes"]
    (land.project.folder / "given").write_text("mistyped")
    before = land.everything()

    refused = land.init(*words)

    assert refused.status == 1, refused.said
    assert land.everything() == before
    (land.project.folder / "given").write_text("chosen_by_Somebody_1")
    done = land.init(*words)
    assert done.status == 0, done.said
    land.demand_good_backups()


def test_a_password_that_is_said_wins_over_a_stored_one(land: Land) -> None:
    """An earlier attempt kept it, and never came to the configuration; what else is in the store stays."""
    made = land.init(*land.where, "--print-grants").out.replace("…", "chosen_by_Somebody_1")
    land.server.load("\n".join(line for line in made.splitlines() if not line.startswith("--")))
    store = land.project.folder / ".secrets/credentials.json"
    plain = land.project.folder / "plain.json"
    instance = f"local-{land.server.engine}"
    kept = {
        "databases": [{"id": instance, "username": ACCOUNT, "password": "stale"}],
        "services": [{"id": "mail", "username": "me", "password": "of the mail server"}],
    }
    plain.write_text(json.dumps(kept))
    assert land.project.run("credentials", "encrypt", "--input", "plain.json", "--output", str(store)).status == 0
    plain.write_text("chosen_by_Somebody_1")

    done = land.init(
        *land.where, "--existing-account", "--password-file", "plain.json", "--base-path", "backups", "--yes"
    )

    assert done.status == 0, done.said
    land.demand_good_backups()
    configuration = load(land.project.folder / "config/config.yaml", {}).configuration
    assert CredentialStore.load(configuration).service("mail").password.reveal() == "of the mail server"


def test_what_cannot_be_used_is_told_with_its_line_and_later_options_are_named_as_passed_over(tmp_path: Path) -> None:
    """The configuration is there then, and is a person's to change."""
    project = Project(tmp_path)
    (tmp_path / "notes.db").write_text("no database")
    first = project.run("--config", "config.yaml", "init", "--path", "notes.db", "--base-path", "b", "--yes")
    assert first.status == 1, first.said
    number = next(
        n for n, line in enumerate((tmp_path / "config.yaml").read_text().splitlines(), 1) if "path: " in line
    )
    said = " ".join(first.err.split())
    assert f"Correct local-sqlite in line {number} of {tmp_path}/config.yaml. Then say again: vya-backupdb" in said

    again = project.run("--config", "config.yaml", "init", "--path", "other.db", "--existing-account", "--yes")

    assert again.status == 1
    assert "not looked at, because it is there: --path, --existing-account." in " ".join(again.out.split())


class Terminal:
    """A conversation with a person at a terminal of 80 columns."""

    def __init__(self, folder: Path, environment: dict[str, str], *words: str) -> None:
        self.seen: list[str] = []
        argv = Project.command("--config", "config/config.yaml", "init", *words)
        self.child: pexpect.spawn[str] = pexpect.spawn(
            argv[0],
            argv[1:],
            cwd=folder,
            env=os.environ | environment,
            dimensions=(50, 80),
            encoding="utf-8",
            timeout=120,
        )

    def hear(self, words: str) -> str:
        """Wait for words (a pattern), and return the part in brackets, if there is one."""
        self.child.expect(words)
        self.seen += [str(self.child.before), str(self.child.after)]
        found = self.child.match  # where the end was waited for, no match but its type
        return str(found.group(1)) if isinstance(found, re.Match) and found.groups() else ""

    def answer(self, question: str, answer: str) -> None:
        """Wait for the question (a pattern), then type the answer."""
        self.hear(question)
        self.child.sendline(answer)

    def end(self) -> int:
        """Wait for the end, and return the exit status."""
        self.hear(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus or 0)


def test_a_conversation_at_a_terminal(land: Land) -> None:
    """The server is found by its socket, a wrong answer is asked again, no password is echoed, no line is too long."""
    server = land.server
    assert server.socket is not None
    if isinstance(server, PostgresqlServer):
        found, nearby = f"PostgreSQL +{server.socket}/.s", {"PGHOST": str(server.socket)}
    else:
        found, nearby = f"MariaDB [0-9.]+ +{server.socket}", {"MYSQL_UNIX_PORT": str(server.socket)}
    terminal = Terminal(land.project.folder, land.environment | nearby, "--no-timer")

    number = terminal.hear(rf"(\d+)  {found}")
    terminal.answer("Which one shall be backed up", number)
    terminal.answer("Its name in the configuration", "spaces are wrong")
    terminal.answer("use letters.*Its name in the configuration", "first")
    terminal.answer("How", "1")
    terminal.answer("Name of the account", "")
    terminal.answer("administrator's account", server.superuser)
    terminal.answer("Its password", server.password)
    terminal.answer("Folder for the backups", "")
    terminal.answer("Time zone", "Atlantis")
    terminal.answer("such as America/Sao_Paulo.*Time zone", "America/Sao_Paulo")
    terminal.answer("Who is told", "me@example.org, you@b.org")
    terminal.answer("Mail server", "")
    terminal.answer(r"Go on\? ", "y")

    assert terminal.end() == 0, "".join(terminal.seen)
    screen = "".join(terminal.seen).replace("\r", "")
    assert server.password not in screen
    assert land.password() not in screen
    assert "******" in screen
    paths = re.compile(r"/\S{30,}|'[^']{30,}")
    shown = re.split(r"\x1b\[[0-9;?]*[A-Za-z]|\n", re.sub(r"\x1b\[[0-9;]*m", "", screen))  # live lines are drawn over
    long = [line for line in shown if len(line) > 80 and not paths.search(line)]
    assert long == []
    demand_least_rights(land)
    land.demand_good_backups()
    written = yaml.safe_load((land.project.folder / "config/config.yaml").read_text())
    assert written["instances"][0]["id"] == "first"
    assert written["notifications"]["email"]["error_recipients"] == ["me@example.org", "you@b.org"]


def test_no_is_an_answer(tmp_path: Path) -> None:
    """Nothing was touched then, and the exit status says that nothing was done."""
    (tmp_path / "data").mkdir()
    terminal = Terminal(tmp_path, {}, "--engine", "sqlite", "--id", "x", "--base-path", "b", "--timezone", "UTC")
    terminal.answer("Which file", "dada")  # nothing sticks that was mistyped
    terminal.answer(r"there is no\s[\s\S]*Which file", "data")
    terminal.answer("Who is told", "")
    terminal.answer(r"Go on\? ", "")

    assert terminal.end() == 1
    assert list(tmp_path.rglob("*")) == [tmp_path / "data"]


def test_root_comes_through_the_socket_as_the_administrator(
    fresh_server: Callable[..., Any], mariadb: MySqlServer, tmp_path: Path
) -> None:
    """No password: PostgreSQL knows the account by `peer`, MariaDB by `unix_socket`."""
    me = getpass.getuser()
    server: PostgresqlServer = fresh_server("postgresql_15")
    assert server.folder is not None
    assert server.socket is not None
    server.create_database(DATABASE)
    rules = "local all postgres peer map=vya\nhost all all 127.0.0.1/32 scram-sha-256\nlocal all all scram-sha-256\n"
    (server.folder / "data/pg_hba.conf").write_text(rules)
    # for root it must be the account of the system that is called postgres; others are let in as themselves
    known = "postgres" if os.geteuid() == 0 else me
    (server.folder / "data/pg_ident.conf").write_text(f"vya {known} postgres\n")
    server.sql("SELECT pg_reload_conf()")
    land = Land(tmp_path, server)
    socket = server.socket / f".s.PGSQL.{server.port}"

    done = land.init("--engine", "postgresql", "--socket", str(socket), "--base-path", "backups", "--yes")

    assert done.status == 0, done.said
    demand_least_rights(land)
    land.demand_good_backups()


def test_without_a_terminal_nothing_is_guessed(tmp_path: Path) -> None:
    """What has no option and no default is refused, with its name; and nobody agreed."""
    project = Project(tmp_path)
    (tmp_path / "data").mkdir()
    home = {"HOME": str(tmp_path)}
    for words, missing in {
        (): "--engine",
        ("--engine", "oracle", "--yes"): "--engine",
        ("--path", "data", "--place", "moon", "--yes"): "moon",
        ("--path", "data", "--timezone", "Atlantis", "--yes"): "--timezone",
        ("--path", "data", "--mail", "nobody", "--yes"): "--mail",
        ("--path", "data"): "--yes",
        ("--path", "dada/*.db", "--yes"): f"there is no {tmp_path}/dada",
        ("--path", "data", "--add", "--yes"): "--add",
        ("--engine", "mysql", "--existing-account", "--yes"): "--password-file",
        ("--engine", "mysql", "--admin-password-env", "NONE", "--yes"): "NONE",
        ("surplus",): "surplus",
    }.items():
        place = () if "--place" in words else ("--place", "user")
        done = project.run("init", *words, *place, **home)
        assert done.status == 3, (words, done.said)
        assert missing in done.err.replace("\n", ""), (words, done.err)
    assert list(tmp_path.rglob("*")) == [tmp_path / "data"]


def test_a_user_needs_no_root_and_no_server(tmp_path: Path) -> None:
    """A file of SQLite, in the places of XDG; the configuration explains itself, and then any folder will do."""
    project = Project(tmp_path)
    (tmp_path / "data").mkdir()
    project.execute("shop", "CREATE TABLE item (id INTEGER)")
    home = {"HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "state")}

    done = project.run(
        "init", "--place", "user", "--path", "data/*.db", "--timezone", "UTC", "--no-timer", "--yes", **home
    )

    assert done.status == 0, done.said
    written = tmp_path / "home/.config/vya_backupdb/config.yaml"
    assert written.read_text().startswith("# yaml-language-server: $schema=/")
    keys = {"schema_version", "instances", "storage", "catalog", "scheduling"}
    assert yaml.safe_load(written.read_text()).keys() == keys
    assert (tmp_path / "state/vya_backupdb/catalog.db").exists()
    for other in ({"HOME": str(tmp_path / "root")}, home | {"XDG_STATE_HOME": "", "XDG_CONFIG_HOME": "/nowhere"}):
        seen = project.run("--config", str(written), "status", **other)  # as a timer, cron and sudo come
        assert seen.out.startswith("1 of 1 databases have a fresh good backup"), seen.said
    assert Project(tmp_path / "data").run("status", **home).out.startswith("1 of 1 databases have a fresh good backup")
    assert "cron" in done.out


def test_the_timer_of_a_user_is_written_where_no_unit_ever_was_and_is_one_that_systemd_takes(tmp_path: Path) -> None:
    """In the same conversation; a second time nothing is written."""
    project = Project(tmp_path)
    (tmp_path / "data").mkdir()
    project.execute("shop", "CREATE TABLE item (id INTEGER)")
    home = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "conf")}

    done = project.run("init", "--place", "user", "--path", "data/*.db", "--timezone", "UTC", "--yes", **home)

    assert done.status == 0, done.said
    units = sorted((tmp_path / "conf/systemd/user").iterdir())
    timers = [path.name for path in units if path.suffix == ".timer"]
    assert {"vya-backupdb-backup.timer", "vya-backupdb-verify.timer"} <= set(timers)
    assert all(f"written: {path}" in done.out for path in units)
    names = [str(path).replace("@.", "@vya-backupdb-backup.service.") for path in units]
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path)}
    checked = project.outcome(["systemd-analyze", "verify", "--user", "--man=no", *names], **home, **runtime)
    assert (checked.status, checked.err) == (0, "")
    assert "Nothing was changed" in project.run("init", "--place", "user", "--yes", **home).out
    assert "unchanged: " in project.run("schedule", "install", "--user", **home).out


def test_one_more_instance_is_added_and_every_comment_stays(tmp_path: Path) -> None:
    """Only the new one is backed up at once; a name that is taken is refused."""
    project = Project(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with sqlite3.connect(tmp_path / name / f"{name}.db") as connection:
            connection.execute("CREATE TABLE item (id INTEGER)")
    assert project.run("--config", "config.yaml", "init", "--path", "one", "--base-path", "b", "--yes").status == 0
    before = (tmp_path / "config.yaml").read_text()

    taken = project.run("--config", "config.yaml", "init", "--add", "--path", "two", "--yes")
    done = project.run("--config", "config.yaml", "init", "--add", "--path", "two", "--id", "second", "--yes")

    assert taken.status == 3
    assert "local-sqlite" in taken.err
    assert done.status == 0, done.said
    after = (tmp_path / "config.yaml").read_text()
    added = f"  - {{id: second, type: sqlite, path: {tmp_path}/two}}\n"
    assert after.replace(added, "") == before
    assert "1 done" in done.out
    assert len(project.run("--config", "config.yaml", "backups").out.splitlines()) == 3
