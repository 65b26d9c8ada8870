"""`doit health` as it is typed: a table that fits, JSON for machines, and an exit status."""

from __future__ import annotations

import json

import pytest

from tests.project import CONFIGURATION, Project


def test_a_sound_installation_is_healthy_and_nothing_is_written(project: Project) -> None:
    """Warnings do not make it fail."""
    assert project.run("backup").status == 0
    before = (project.events(), sorted(project.folder.rglob("*")))
    done = project.run("health")
    assert done.status == 0, done.said
    assert "healthy: " in done.out.splitlines()[-1]
    assert (project.events(), sorted(project.folder.rglob("*"))) == before


def test_a_failure_is_exit_status_one_and_names_the_remedy(project: Project) -> None:
    """Before the first backup."""
    done = project.run("health")
    assert done.status == 1
    assert "NOT HEALTHY" in done.out
    assert "-> Run: doit backup" in done.out
    assert "Traceback" not in done.said


def test_machines_get_every_check(project: Project) -> None:
    """With the same exit status."""
    done = project.run("health", "--json")
    told = json.loads(done.out)
    assert (done.status, told["healthy"]) == (1, False)
    assert all(set(check) == {"name", "status", "what", "remedy"} for check in told["checks"])
    assert {check["status"] for check in told["checks"]} <= {"ok", "warning", "failure"}
    project.run("backup")
    assert project.json("health")["healthy"]


@pytest.mark.parametrize("is_backed_up", [True, False])
def test_the_table_fits_eighty_columns(project: Project, is_backed_up: bool) -> None:
    """Also where paths are long."""
    if is_backed_up:
        project.run("backup")
    project.configure(CONFIGURATION + "monitoring: {prometheus: {textfile: a/b/c/d/e/f/g/h/vya_backup.prom}}\n")
    lines = project.run("health").out.splitlines()
    assert lines
    assert max(map(len, lines)) <= 80


def test_a_configuration_that_cannot_be_loaded_is_one_failure(project: Project) -> None:
    """Everything else would fail for it."""
    project.configure("instances: [{id: x, type: oracle, host: h}]")
    done = project.run("health", "--json")
    (check,) = json.loads(done.out)["checks"]
    assert done.status == 1
    assert (check["name"], check["status"]) == ("configuration", "failure")
    assert "oracle" in check["what"]


def test_a_store_of_credentials_that_others_may_read_is_a_failure(project: Project) -> None:
    """With the mode that mends it."""
    secrets = project.folder / ".secrets"
    secrets.mkdir(0o700)
    (secrets / "credentials.json").write_text("{}")
    (secrets / "credentials.json").chmod(0o644)
    done = project.run("health", "--json")
    assert done.status == 1
    assert "chmod 0600" in str(json.loads(done.out)["checks"])


def test_it_takes_no_argument(project: Project) -> None:
    """A typo is no healthy answer."""
    assert project.run("health", "prod").status == 3
