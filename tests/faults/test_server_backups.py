"""A backup dies, or loses its server, at any word that it says to the server and at any tool that it starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.trouble import TOOLS
from tests.faults.conftest import Demand
from tests.faults.sweep import ERRORS, Scenario
from tests.faults.test_servers import (
    ALSO_WITH_LONG,
    BACKUP,
    CONTENT,
    KINDS,
    NEW,
    configuration,
    programs,
    project_of,
    spoken,
)
from tests.faults.tracing import Call, Fault
from tests.project import Project
from tests.servers import Kind, Servers, TestServer

STARTS = {"execve", "vfork", "clone", "clone3", "connect"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every kind of server with `--long`."""
    metafunc.parametrize("kind", KINDS + (ALSO_WITH_LONG if metafunc.config.getoption("--long") else []))


def spoken_or_started(call: Call) -> Iterator[Fault]:
    """What goes over the wire, and each start of a connection, a thread or a tool."""
    yield from spoken(call)
    if call.name in STARTS:
        yield from (Fault(call, error) for error in (*ERRORS[call.name], "KILL"))


def due(folder: Path, server: TestServer, kind: Kind, port: int = 0) -> Project:
    """Return a project with a good backup of `other`, and `shop` to be backed up."""
    for name in ("other", "shop"):
        server.drop_database(name)
        server.create_database(name)
        server.load(CONTENT[kind], name)
    project = project_of(folder, server, "other", port=port)
    done = project.run("backup")
    assert done.status == 0, done.said
    project.configure(configuration(server, "other", "shop", port=port))
    return project


@pytest.fixture
def scenario(kind: Kind, servers: Servers) -> Iterator[Scenario]:
    """A backup on one server of each family."""
    yield backing_up(kind, servers.shared(kind))
    for name in ("other", "shop"):
        servers.shared(kind).drop_database(name)


def backing_up(kind: Kind, server: TestServer, port: int = 0) -> Scenario:
    """Return the first backup of a database beside one that has a good one."""

    def restores(project: Project) -> Iterator[str]:
        """Lose the database, restore it, and compare: what was called good must be so."""
        whole = programs(server)
        server.drop_database("shop")
        done = project.run("restore:source/shop")
        if done.status:
            yield f"the backup does not restore: {done.said.strip()[-300:]}"
        elif server.sql("SELECT v FROM item ORDER BY v", "shop") != NEW or programs(server) != whole:
            yield "what is restored is not what was backed up"

    return Scenario(
        f"backup on {kind}",
        BACKUP,
        lambda folder: due(folder, server, kind, port),
        lambda project: iter(()),
        tools=(str(server.client_folder / TOOLS[server.engine]),),
        converged=restores,
        faults=spoken_or_started,
    )


@pytest.mark.long_for("mariadb")
def test_no_word_to_the_server_at_which_a_backup_dies_breaks_a_promise(
    scenario: Scenario, no_promise_breaks: Demand
) -> None:
    """Nothing is called good that does not restore; the next run converges, and once more changes nothing."""
    no_promise_breaks(scenario, 1)
