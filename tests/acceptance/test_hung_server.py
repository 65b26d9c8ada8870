"""A server that hangs, answers nothing and closes nothing: the run ends by itself, and the next one mends it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import build, change, ended, failures, family, in_mid_dump, rows_of
from tests.servers import TestServer

PATIENCE_MINUTES = 0.1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take MySQL too with `--long`."""
    kinds = ["postgresql_15", "mariadb"] + (["mysql"] if metafunc.config.getoption("--long") else [])
    metafunc.parametrize("kind", kinds)


@contextlib.contextmanager
def hung(server: TestServer) -> Iterator[None]:
    """Stop every process of a server, and let them go on after the block, whatever happens."""
    stopped = family(server.pid)
    try:
        _send(signal.SIGSTOP, stopped)
        yield
    finally:
        _send(signal.SIGCONT, stopped)


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a worker or a session that was to end has ended meanwhile
            os.kill(pid, number)


@pytest.mark.long_for("mariadb")
def test_a_server_that_hangs_in_mid_dump_ends_the_run(
    kind: str, fresh_server: Callable[..., Any], project_with: Setup
) -> None:
    """By `backup.timeout_minutes`; a run that finds it hung ends too; once it answers again, all goes on."""
    server = fresh_server(kind)
    build(server)
    project = project_with(source=server, settings={"retries": 0, "timeout_minutes": PATIENCE_MINUTES})
    with in_mid_dump(project, server) as process, hung(server):
        first = ended(process)
        second = project.run("backup", patience_seconds=60)

    assert first.status == 1, first.said
    assert failures(project)[:1] == ["timeout"], first.said
    assert second.status == 1, second.said
    assert "source" in second.said
    assert project.files() == []
    change(project, backup={"timeout_minutes": 10})
    assert project.run("backup").status == 0
    server.drop_database("shop")
    assert project.run("restore:shop").status == 0
    assert len(rows_of(server)) == 3
