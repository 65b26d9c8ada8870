"""Dumps that break: lying tools, killed tools, killed servers. Nothing is published, and the next run mends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import (
    build,
    dump_tools,
    ended,
    failures,
    honest_tool,
    in_mid_dump,
    life,
    lying_tool,
    rows_of,
)
from tests.servers import PostgresqlServer, Servers, TestServer

LIES = {
    "cut off, exit 0": '"$REAL" "$@" | head -c 700; exit 0',
    "no end-of-dump line, exit 0": """ "$REAL" "$@" | grep -av -e 'dump complete' -e 'Dump completed'; exit 0""",
    "words behind the end, exit 0": '"$REAL" "$@"; echo "SELECT 1;"; exit 0',
    "an error on standard error, exit 0": """ "$REAL" "$@"; echo "error: Got packet bigger than allowed" >&2; exit 0""",
    "whole, exit 1": '"$REAL" "$@"; exit 1',
    "whole, ended by a signal": '"$REAL" "$@"; kill -9 $$',
    "nothing, exit 0": "exit 0",
}


@pytest.fixture(params=["postgresql_15", "mariadb"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[TestServer]:
    """One server of each family with a small database."""
    found = servers.shared(request.param)
    build(found)
    yield found
    found.drop_database("shop")


@pytest.mark.parametrize("lie", LIES)
def test_a_tool_that_lies_is_not_believed(server: TestServer, project_with: Setup, lie: str) -> None:
    """One `failed`, no file of any name, exit status 1."""
    project = project_with(source=server, settings={"retries": 0})
    lying_tool(project, server, LIES[lie])

    done = project.run("backup", "--database", "shop")

    assert done.status == 1, done.said
    assert life(project) == ["started", "failed"]
    assert project.files() == []
    assert project.json("backups")[0]["state"] == "failed"


def test_an_honest_tool_mends_what_a_lying_one_left(server: TestServer, project_with: Setup) -> None:
    """The script itself is no hindrance, and the next run is as if nothing had been."""
    project = project_with(source=server, settings={"retries": 0})
    lying_tool(project, server, '"$REAL" "$@" | head -c 700')
    assert project.run("backup", "--database", "shop").status == 1
    lying_tool(project, server, '"$REAL" "$@"')
    assert project.run("backup", "--database", "shop").status == 0
    honest_tool(project, server)

    again = project.run("backup", "--database", "shop")

    assert again.status == 0
    assert life(project) == ["started", "failed", "started", "dumped", "checksummed"]


def test_a_dump_tool_killed_by_its_pid_fails_the_dump(server: TestServer, project_with: Setup) -> None:
    """The signal is told; nothing stays; the next run dumps."""
    project = project_with(source=server, settings={"retries": 0})
    with in_mid_dump(project, server) as process:
        for pid in dump_tools(process.pid):
            os.kill(pid, signal.SIGKILL)
        done = ended(process)

    assert done.status == 1
    assert "signal 9" in done.said
    assert failures(project) == ["dump"]
    assert project.files() == []
    assert project.run("backup").status == 0


@pytest.mark.parametrize("kind", ["postgresql_15", "mariadb"])
def test_a_server_killed_in_mid_dump_fails_the_dump_and_the_next_run_mends_it(
    kind: str, fresh_server: Callable[..., Any], project_with: Setup
) -> None:
    """Killed by pid, started again: one `failed`, then a good backup that restores."""
    server = fresh_server(kind)
    build(server)
    project = project_with(source=server, settings={"retries": 0})
    with in_mid_dump(project, server) as process:
        _kill(server)
        done = ended(process)
    server.start()

    assert done.status == 1
    assert failures(project) == ["disturbed"], done.said
    assert project.files() == []
    assert project.run("backup").status == 0
    server.drop_database("shop")
    assert project.run("restore:shop").status == 0
    assert len(rows_of(server)) == 3


def _kill(server: TestServer) -> None:
    backends = []
    if isinstance(server, PostgresqlServer):
        backends = server.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
    server.kill()
    for (pid,) in backends:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
