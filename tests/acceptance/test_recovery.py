"""A server is gone: one command brings all of it back onto an empty one, also when it is killed on its way."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.acceptance.conftest import Setup
from tests.acceptance.instance import access_rights, build_instance
from tests.acceptance.trouble import PATIENCE_SECONDS, honest_tool, in_mid_restore
from tests.comparison import assert_same, snapshot
from tests.project import Project

KINDS = ["postgresql_15", "mariadb", "mysql"]
HANGS = """
n=$(ls "$0".load.* 2>/dev/null | wc -l); touch "$0.load.$n"
[ "$n" -lt {passes} ] && exec "$REAL" "$@"
{{ head -c 900; touch "$0.reached"; sleep 90; }} | "$REAL" "$@"
"""
"""Lets so many loads pass; the next one gets the beginning of its input and no more."""
KILL, TERM = signal.SIGKILL, signal.SIGTERM
ENDS = {"postgresql": [(1, KILL), (0, TERM)], "mariadb": [(1, KILL), (3, KILL)], "mysql": [(1, KILL), (1, KILL)]}
"""Ended in the load after so many, twice: among tables, and once all tables stand among views and routines."""


@pytest.mark.long_for("mysql")
@pytest.mark.parametrize("kind", KINDS)
def test_an_instance_comes_back_whole_although_it_is_killed_twice(
    kind: str, fresh_server: Callable[..., Any], project_with: Setup
) -> None:
    """Every database, owner, definer, grant and default privilege is as before; what stood was not restored again."""
    source, empty = fresh_server(kind), fresh_server(kind)
    names = build_instance(source)
    before = {name: snapshot(source, name) for name in names}
    rights = access_rights(source)
    project = project_with(source=source, empty=empty)
    with_accounts(project)
    assert project.run("backup", "--instance", "source").status == 0
    command = ["recover:source", "--target-instance", "empty", "--workers", "1"]

    for passes, number in ENDS[source.engine]:
        with in_mid_restore(project, source, command, HANGS.format(passes=passes)) as process:
            process.send_signal(number)
            status = process.wait(PATIENCE_SECONDS)
        honest_tool(project, source)
    stood = standing(project)
    done = project.run(*command)
    again = project.run(*command)

    assert done.status == 0, done.said
    assert status == (-9 if number is KILL else 143)
    assert project.types().count("recovery_failed") == (0 if number is KILL else 1)
    for name in names:
        assert_same(before[name], snapshot(empty, name))
    assert sorted(empty.databases()) == sorted(names)
    assert access_rights(empty) == rights
    assert stood
    assert standing(project)[: len(stood)] == stood
    assert len(standing(project)) == len(set(standing(project)))
    assert again.status == 0, again.said
    assert "up to date" in again.said
    assert project.types().count("recovered") == 1


def with_accounts(project: Project) -> None:
    """Let the accounts be backed up too."""
    configuration = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    for instance in configuration["instances"]:
        instance["users"] = True
    project.configure(yaml.safe_dump(configuration))


def standing(project: Project) -> list[tuple[str, str]]:
    """Return what was restored, in order: the database and the stage."""
    events = project.events("type = 'restored'")
    found = [(event["data"]["target_database"], event["data"].get("stage", "")) for event in events]
    return [one for one in found if one[0] != "@users"]
