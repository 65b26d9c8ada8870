"""What the tests of failures share: small databases, a dump held in its middle, tools that lie, and traces of a run."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import yaml

from tests.project import Outcome, Project
from tests.servers import MySqlServer, PostgresqlServer, TestServer

PATIENCE_SECONDS = 60
TOOLS = {"postgresql": "pg_dump", "mariadb": "mariadb-dump", "mysql": "mysqldump"}
STARVED = '{ head -c 900; touch "$0.reached"; sleep 90; } | "$REAL" "$@"'
"""What a tool of that name does that gets the beginning of its input and no more."""
LOADERS = {"postgresql": "psql", "mariadb": "mariadb", "mysql": "mysql"}
HELD = "z_held"
"""What a dump comes to last: a sequence in PostgreSQL, a table in MySQL and MariaDB."""


def build(server: TestServer, name: str = "shop") -> None:
    """Make a small database anew: two tables with rows, and what `held` locks."""
    server.drop_database(name)
    server.create_database(name)
    held = f"CREATE SEQUENCE {HELD}" if isinstance(server, PostgresqlServer) else f"CREATE TABLE {HELD} (id int)"
    server.load(
        f"""CREATE TABLE customers (id int PRIMARY KEY, name varchar(50));
        INSERT INTO customers VALUES (1, 'Ana'), (2, 'Bjørn'), (3, '陳');
        CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL);
        INSERT INTO orders VALUES (10, 1), (11, 1), (12, 3);
        {held};""",
        name,
    )


def rows_of(server: TestServer, name: str = "shop") -> list[tuple[Any, ...]]:
    """Return what the customers are."""
    return server.sql("SELECT id, name FROM customers ORDER BY id", name)


@contextlib.contextmanager
def held(server: TestServer, name: str = "shop") -> Iterator[None]:
    """Let another session hold what a dump reads after its tables, so that it stays in its middle."""
    with contextlib.suppress(psycopg.OperationalError, pymysql.Error):  # the test may have killed the server
        if isinstance(server, PostgresqlServer):
            with server.connect(name) as holder:
                holder.execute("BEGIN")
                holder.execute(f"DROP SEQUENCE {HELD}")
                try:
                    yield
                finally:
                    holder.execute("ROLLBACK")
        else:
            assert isinstance(server, MySqlServer)
            with server.connect(name) as session, session.cursor() as cursor:
                cursor.execute(f"LOCK TABLES {HELD} WRITE")
                try:
                    yield
                finally:
                    cursor.execute("UNLOCK TABLES")


def waiting(server: TestServer) -> int:
    """Return how many sessions of a server wait for a lock."""
    question = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        if isinstance(server, PostgresqlServer)
        else "SELECT count(*) FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for table metadata lock'"
    )
    return int(server.sql(question)[0][0])


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> Any:
    """Wait until the condition holds and return its value; fails when the process ends before."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the run ended with {process.returncode}: {process.communicate()[0]}")
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def in_mid_dump(
    project: Project, server: TestServer, name: str = "shop", words: Sequence[str] = ("backup",)
) -> Iterator[subprocess.Popen[str]]:
    """Give a run whose dump has begun and cannot end; the block lasts as long as the lock."""
    with held(server, name):
        process = project.start(*words)
        try:
            wait_for(lambda: waiting(server) and dump_tools(process.pid), process)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


@contextlib.contextmanager
def in_mid_restore(
    project: Project, server: TestServer, words: Sequence[str] = ("restore:shop", "--force"), loader: str = STARVED
) -> Iterator[subprocess.Popen[str]]:
    """Give a restore whose loader got a part of the dump and gets no more; what is left of it ends with the block."""
    folder = lying_tool(project, server, loader, LOADERS)
    for mark in folder.glob("*.*"):
        mark.unlink()
    process = project.start(*words)
    children: list[int] = []
    try:
        wait_for(lambda: list(folder.glob("*.reached")), process)
        children = family(process.pid)[1:]
        yield process
    finally:
        process.kill()
        for pid in alive(children):
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a run to end."""
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return Outcome(process.returncode, said, "")


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    tree = [pid]
    for folder in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            tree += [one for child in folder.read_text().split() for one in family(int(child))]
    return tree


def program(pid: int) -> str:
    """Return the name of a process's program; empty when it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return ""
    return " ".join(Path(word).name for word in words if word.startswith("/"))


def dump_tools(pid: int) -> list[int]:
    """Return the dump tools among the descendants of a run."""
    return [one for one in family(pid)[1:] if any(tool in program(one) for tool in TOOLS.values())]


def alive(pids: list[int]) -> list[int]:
    """Return those that still run; what ended and waits for its parent does not."""
    return [pid for pid in pids if _state(pid) not in {"", "Z"}]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""


def change(project: Project, **sections: dict[str, Any]) -> None:
    """Change some keys of a project's configuration."""
    configuration = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    for name, keys in sections.items():
        configuration.setdefault(name, {}).update(keys)
    project.configure(yaml.safe_dump(configuration))


def lying_tool(project: Project, server: TestServer, body: str, tools: dict[str, str] = TOOLS) -> Path:
    """Put a script in the dump tool's place; `$REAL` is the tool itself, and it alone tells its version."""
    name = tools[server.engine]
    folder = project.folder / "liar"
    folder.mkdir(exist_ok=True)
    script = folder / name
    real = shlex.quote(str(server.client_folder / name))
    script.write_text(f'#!/bin/bash\nREAL={real}\n[ "$1" = --version ] && exec "$REAL" --version\n{body}\n')
    script.chmod(0o755)
    change(project, backup={"client_folders": [str(folder), str(server.client_folder)]})
    return folder


def honest_tool(project: Project, server: TestServer) -> None:
    """Take the script away again."""
    change(project, backup={"client_folders": [str(server.client_folder)]})


def in_namespace(project: Project, script: str, *arguments: str) -> Outcome:
    """Run a shell script in a mount namespace of its own (without root, in a user namespace too), `$VYA` being us."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    return project.outcome([*unshare, "bash", "-c", script, "bash", *arguments], VYA=project.command()[0])


def failures(project: Project) -> list[str]:
    """Return the codes of all `failed` events, in order."""
    return [event["data"]["code"] for event in project.events("type = 'failed'")]


def life(project: Project) -> list[str]:
    """Return the types of the events that belong to databases, in order."""
    return [event["type"] for event in project.events("database IS NOT NULL")]
