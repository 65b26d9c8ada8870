"""Code of a dump runs behind walls: no secret, no writing outside, no network. Without walls each of these works."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drills.bench import asked, drill_bench
from tests.drills.ground import short_folder
from tests.engines.places import ServerPlace
from tests.servers import PostgresqlServer
from vya_backup.engines.commands import Command
from vya_backup.transport.private_server import scratch
from vya_backup.transport.processes import capture
from vya_backup.transport.sandbox import Caps, Sandbox, Walls, account_for, sandbox

ALL_FAILED = "secret=no outside=no network=no"
REPORTS = ("report", "../client")
ALL_WORKED = "secret=yes outside=yes network=yes"


@dataclass(frozen=True)
class Bait:
    """A secret that anybody may read, a folder that anybody may write to, and a port that answers."""

    folder: Path
    listener: socket.socket

    @property
    def attempt(self) -> str:
        """Return a line of shell that tries all three and tells what worked."""
        port = self.listener.getsockname()[1]
        tries = {
            "secret": f"grep -q treasure {self.folder}/secret",
            "outside": f"touch {self.folder}/written",
            "network": f'bash -c "exec 3<>/dev/tcp/127.0.0.1/{port}"',
        }
        told = [
            f"echo -n {name}=; {{ {words}; }} 2>/dev/null && echo -n yes || echo -n no" for name, words in tries.items()
        ]
        return "; echo -n ' '; ".join(told)

    def was_called(self) -> bool:
        """Say whether somebody has connected."""
        self.listener.setblocking(False)
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def was_written_to(self) -> bool:
        """Say whether somebody has left a file."""
        return (self.folder / "written").exists()


@pytest.fixture
def bait() -> Iterator[Bait]:
    """Set everything out."""
    with short_folder() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        (folder / "secret").write_text("treasure")
        (folder / "secret").chmod(0o644)
        folder.chmod(0o777)
        yield Bait(folder, listener)


@pytest.mark.parametrize(("walls", "told"), [("bubblewrap", ALL_FAILED), ("none", ALL_WORKED)])
def test_what_a_dump_makes_server_and_client_run_gets_nowhere(
    postgresql_15: PostgresqlServer, tmp_path: Path, ground: Path, bait: Bait, walls: str, told: str
) -> None:
    """A CHECK constraint runs a program with the superuser's rights while its table is loaded, and so does the client.

    Each leaves its report where the server can read it.
    """
    sow(postgresql_15, "trojan", bait.attempt)
    reports = [asked(f"SELECT pg_read_file('{name}')", told, "place/trojan") for name in REPORTS]
    corrupted = corrupt_client(postgresql_15, bait.folder / "corrupted", bait.attempt)
    bench = drill_bench(ServerPlace(postgresql_15), tmp_path, ground, corrupted)
    with closing(bench.workspace.catalog):
        row = bench.backup("trojan")
        postgresql_15.drop_database("trojan")

        done = bench.drill(row, sandbox=walls, assertions=reports)

    assert (done.verdict, done.assertions) == ("pass", len(REPORTS)), done.reason
    assert bait.was_called() == bait.was_written_to() == (walls == "none")


def corrupt_client(server: PostgresqlServer, prefix: Path, attempt: str) -> Path:
    """Make a psql that tries its luck before it does its work, as one would that a dump has taken over."""
    (prefix / "bin").mkdir(parents=True)
    real, ours = server.client_folder / "psql", prefix / "bin/psql"
    ours.write_text(f'#!/bin/sh\n[ "$1" = --version ] || ({attempt}) > "$PGHOST/client"\nexec {real} "$@"\n')
    ours.chmod(0o755)
    return ours.parent


@pytest.mark.parametrize("who", ["root drops its rights", "anybody else"])
def test_a_tool_behind_the_walls_sees_its_own_folder_only(bait: Bait, tmp_path: Path, ground: Path, who: str) -> None:
    """Whatever reads the dump (a client, SQLite's program): no secret, no other file, no process, no right."""
    hidden = tmp_path / "shown/backups"
    hidden.mkdir(parents=True)
    (hidden / "dump.sql.gz").write_text("other people's rows")
    account = account_for("bubblewrap") if who == "root drops its rights" else None
    look = f"ls {hidden.parent}; ls -A {hidden}; ls /; ls /proc | grep -c [0-9]"
    with scratch(ground, account) as folders:
        walls = Walls(folders.work, folders.system, shows=(tmp_path / "shown",), hides=(hidden,))
        box = sandbox("bubblewrap", account, walls)
        seen, attempt = said(box, look), said(box, bait.attempt)
        rights = said(box, "grep -E 'CapEff|NoNewPrivs' /proc/self/status")
        written = said(box, f"echo mine > {folders.work}/file && cat {folders.work}/file")

    assert attempt == ALL_FAILED
    assert not bait.was_called()
    assert not bait.was_written_to()
    assert seen.split()[0] == "backups"
    assert "dump.sql.gz" not in seen
    assert not {"root", "home", "work", "srv", "run"} & set(seen.split())
    assert int(seen.split()[-1]) < 10  # the host's own processes are out of sight
    assert rights.split() == ["CapEff:", "0000000000000000", "NoNewPrivs:", "1"]
    assert written == "mine"


def test_a_tool_without_walls_gets_everywhere(bait: Bait, ground: Path) -> None:
    """The attempts are real ones: without walls each of them works, under another account all the same."""
    account = account_for("none")
    with scratch(ground, account) as folders:
        box = sandbox("none", account, Walls(folders.work, folders.system))
        attempt, uid = said(box, bait.attempt), said(box, "id -u")

    assert attempt == ALL_WORKED
    assert uid == str(account.uid if account else os.geteuid())


@pytest.mark.parametrize("walls", ["bubblewrap", "none"])
def test_a_tool_takes_no_more_of_the_machine_than_it_may(ground: Path, walls: str) -> None:
    """A file, an address space and a processor time; each is more than the limit, and less than what would hurt."""
    account = account_for(walls)
    with scratch(ground, account) as folders:
        caps = Caps(memory_bytes=256 << 20, file_bytes=1 << 20, processes=512, cpu_seconds=1)
        box = sandbox(walls, account, Walls(folders.work, folders.system), caps)
        file = said(box, f"head -c 2M /dev/zero > {folders.work}/long 2>/dev/null; stat -c %s {folders.work}/long")
        memory = said(box, "head -c 512M /dev/zero | tail -c 512M 2>/dev/null | wc -c")
        processor = said(box, "sh -c 'while :; do :; done' 2>/dev/null; echo $?")
        processes, core = said(box, "bash -c 'ulimit -u'"), said(box, "bash -c 'ulimit -Hc'")

    assert (file, memory, processes, core) == (str(1 << 20), "0", "512", "0")
    assert processor == str(128 + signal.SIGKILL)


def sow(server: PostgresqlServer, name: str, attempt: str) -> None:
    """Make a database that attacks whoever restores it, and not the server that it comes from (which has a network)."""
    server.drop_database(name)
    server.create_database(name)
    program = f"({attempt}) > report".replace("'", "''")
    server.load(
        f"""CREATE FUNCTION public.attack(a int) RETURNS boolean LANGUAGE plpgsql AS $attack$ BEGIN
            IF current_setting('listen_addresses') = '' THEN
                EXECUTE $run$ COPY (SELECT 1) TO PROGRAM '{program}' $run$;
            END IF;
            RETURN true;
        END $attack$;
        CREATE TABLE public.item (a int CHECK (public.attack(a)));
        INSERT INTO public.item VALUES (1);""",
        name,
    )


def said(box: Sandbox, script: str) -> str:
    """Run a script behind the walls and return what it prints."""
    finished = capture(box.confine(Command(("sh", "-c", script))), timeout_seconds=20)
    return finished.stdout.decode().strip()
