"""No password is seen: not in any process while real dumps and restores run, not in anything that a run leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.acceptance.conftest import Setup, encrypt
from tests.acceptance.trouble import TOOLS, build, change, ended, family, in_mid_dump, in_mid_restore, program, wait_for
from tests.leaks import forms
from tests.project import CONFIGURATION, Project, new_project
from tests.servers import Servers, TestServer
from tests.servers.base import PASSWORD

WRONG = "wr0ng: \\'so'\" 100% #pässword=="


@pytest.fixture(params=["postgresql_15", "postgresql_18", "mariadb", "mysql"])
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[TestServer]:
    """One server of each kind with a small database."""
    found = servers.shared(request.param)
    build(found)
    yield found
    found.drop_database("shop")


def shown(pid: int, name: str) -> bytes:
    """Return what the kernel shows of a process to its user; of one that has just ended, nothing."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def shown_by(pids: list[int], password: str) -> list[str]:
    """Return the processes whose arguments or environment hold the password."""
    return [
        f"{pid} {program(pid)} {name}"
        for pid in pids
        for name in ("cmdline", "environ")
        if _holds(shown(pid, name), password)
    ]


def password_options(pids: list[int]) -> list[str]:
    """Return the processes that were given a password as an option: MySQL's tools blot it out, a moment too late."""
    return [program(pid) for pid in pids if b"\0--password" in shown(pid, "cmdline")]


def left_in(project: Project, password: str) -> list[str]:
    """Return the files of a project that hold the password; the encrypted store is looked at, too."""
    files = (path for path in project.folder.rglob("*") if path.is_file())
    return [str(path) for path in files if _holds(path.read_bytes(), password)]


def _holds(content: bytes, password: str) -> bool:
    return any(form in content for form in forms(password))


def test_no_process_of_a_dump_or_restore_shows_the_password(server: TestServer, project_with: Setup) -> None:
    """Read from /proc for the whole process tree, the real tool among it; no file holds it afterwards."""
    project = project_with(source=server)
    change(project, logging={"level": "DEBUG"})
    with in_mid_dump(project, server) as process:
        tree = family(process.pid)
        seen = shown_by(tree, server.password) + password_options(tree)
        programs = " ".join(map(program, tree))
    assert TOOLS[server.engine] in programs
    assert seen == []
    assert project.run("backup").status == 0

    with in_mid_restore(project, server) as process:
        tree = family(process.pid)
        seen = shown_by(tree, server.password) + password_options(tree)
    assert len(tree) > 2
    assert seen == []
    assert left_in(project, server.password) == []


def test_a_failing_run_repeats_no_password(server: TestServer, project_with: Setup) -> None:
    """Refused with a wrong one: neither that nor the right one is in output, log, tool logs, catalog or sidecars."""
    project = project_with(source=server)
    assert project.run("backup", "--database", "shop").status == 0
    change(project, logging={"level": "DEBUG", "output": "both"})
    encrypt(project, {"source": (server.superuser, WRONG)})

    said = [
        project.run("--verbose", "backup", "--force"),
        project.run("restore:shop", "--force"),
        project.run("config", "test-connections"),
        project.run("config", "show"),
    ]

    assert [one.status for one in said[:3]] == [1, 1, 1]
    for password in (WRONG, server.password):
        assert not any(_holds(one.said.encode(), password) for one in said)
        assert left_in(project, password) == []


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    """A process and a file that do hold the password are found, in its percent-encoded form, too."""
    project = new_project(tmp_path, CONFIGURATION)
    (tmp_path / "leak.log").write_text(f"postgresql://u:{quote(PASSWORD, safe='')}@h/d")
    process = project.start("backup", f"--database={PASSWORD}")

    assert wait_for(lambda: shown_by([process.pid], PASSWORD), process)
    ended(process)
    assert left_in(project, PASSWORD) == [str(tmp_path / "leak.log")]
