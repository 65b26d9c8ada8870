"""`init` sets up a machine; its real systemd then backs up, drills, and tells what was killed and which key is gone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.private_systemd import PrivateSystemd, private_systemd
from tests.acceptance.trouble import build, held, wait_for, waiting
from tests.post import Post, post_office
from tests.servers import MySqlServer, Servers
from vya_backup.settings.places import SYSTEM

PROGRAM = Path(sys.executable).with_name("vya-backupdb")
BACKUP, DRILL, FAILED = (f"vya-backupdb-{job}.service" for job in ("backup", "drill", "failed@*"))
ONCALL = "oncall@example.org"


class Machine:
    """A systemd, and an installation of the system below it."""

    def __init__(self, systemd: PrivateSystemd) -> None:
        self.systemd = systemd
        self.folder = systemd.path(SYSTEM.configuration.parent)
        self.config, self.key = self.folder / "config.yaml", self.folder / ".secrets/credentials.key"

    def say(self, *words: str, **environment: str) -> str:
        """Run `vya-backupdb`, which has to be well, and return what it printed."""
        done = self.systemd.run(str(PROGRAM), *words, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configure(self, **sections: object) -> None:
        """Set sections of the configuration."""
        said = yaml.safe_load(self.config.read_text())
        self.config.write_text(yaml.safe_dump(said | sections))

    def events(self, type_: str) -> list[dict[str, Any]]:
        """Return every event of a type."""
        every = map(json.loads, self.say("catalog", "export").splitlines())
        return [event for event in every if event["type"] == type_]


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Boot it."""
    assert not PROGRAM.is_relative_to("/tmp"), "units see nothing below /tmp: run this in a checkout elsewhere"
    with private_systemd() as systemd:
        yield Machine(systemd)


@pytest.fixture
def post() -> Iterator[Post]:
    """Give a mail server."""
    with post_office() as office:
        yield office


def subjects(post: Post) -> list[str]:
    """Return what the mails are about."""
    return [" ".join(one.message["Subject"].split()) for one in post.letters]


@pytest.mark.parametrize("under", ["a real systemd"])
@pytest.mark.long_for("a real systemd")
def test_a_machine_is_set_up_once_and_looks_after_itself(
    machine: Machine, servers: Servers, post: Post, under: str
) -> None:
    """One command; then timers, every unit, a drill by root, a kill in mid-dump, a key that is gone, all told."""
    server, systemd = servers.shared("mariadb"), machine.systemd
    assert isinstance(server, MySqlServer)
    build(server)
    where = ["--engine", "mariadb", "--host", server.host, "--port", str(server.port), "--id", "source"]
    admin = ["--admin-user", server.superuser, "--admin-password-env", "ADMINS_PASSWORD"]
    said = ["--place", "system", *where, *admin, "--mail", ONCALL, "--yes"]
    try:
        assert "the timers run" in machine.say("init", *said, ADMINS_PASSWORD=server.password)
        timers = systemd.run("systemctl", "list-timers", "--all", "--no-pager").stdout
        assert all(f"vya-backupdb-{job}.timer" in timers for job in ("backup", "verify", "drill", "digest"))
        mail = {"enabled": True, "smtp_host": "127.0.0.1", "smtp_port": post.port, "security": "none"}
        machine.configure(
            notifications={"email": {**mail, "from_address": "vya@example.org", "error_recipients": [ONCALL]}},
            backup={"client_folders": [str(server.client_folder)]},
        )
        for job in ("backup", "verify", "drill", "prune"):
            assert systemd.start(f"vya-backupdb-{job}.service"), systemd.journal(f"vya-backupdb-{job}.service")
        assert "proved restorable" in systemd.journal(DRILL)
        assert post.letters == []
        _is_killed_in_mid_dump(machine, server, post)
        _loses_its_key(machine, post)
        assert "history is intact" in machine.say("audit")
    finally:
        for name in ("shop", "slow"):
            server.drop_database(name)
        server.sql("DROP USER IF EXISTS vya_backup@`127.0.0.1`, vya_backup@localhost")


def _is_killed_in_mid_dump(machine: Machine, server: MySqlServer, post: Post) -> None:
    """The failure unit tells at once; the next run closes what was cut off, and says what was missed."""
    build(server, "slow")
    with held(server, "slow"):
        machine.systemd.run("systemctl", "start", "--no-block", BACKUP)
        wait_for(lambda: waiting(server))
        machine.systemd.run("systemctl", "kill", "--signal=KILL", BACKUP)
        wait_for(lambda: post.letters)
    (subject,) = subjects(post)
    assert subject.startswith("[VYA] CRITICAL ")
    assert "run killed while dumping source/slow" in subject
    machine.systemd.run("systemctl", "reset-failed")
    assert machine.systemd.start(BACKUP), machine.systemd.journal(BACKUP)
    assert [event["database"] for event in machine.events("abandoned")] == ["slow"]
    assert [event["data"]["cause"] for event in machine.events("missed")] == ["killed"]


def _loses_its_key(machine: Machine, post: Post) -> None:
    """systemd starts no unit without it, but the one that tells."""
    post.letters.clear()
    machine.key.rename(machine.folder / "key")
    assert not machine.systemd.start(BACKUP)
    wait_for(lambda: post.letters)
    assert "The key of the credentials is not where the unit takes it from" in " ".join(
        post.letters[0].part("plain").split()
    )
    (machine.folder / "key").rename(machine.key)
    assert machine.systemd.start(BACKUP), machine.systemd.journal(BACKUP)
