"""A drill by root without its capabilities, as the hardened units of the system have it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.drills.conftest import Drills
from tests.project import Outcome, Project
from tests.servers import PostgresqlServer
from vya_backup.decisions.units import ROOT, Installation, unit_files
from vya_backup.errors import SandboxMissing
from vya_backup.settings.scheduling_model import Scheduling
from vya_backup.transport import sandbox as walls
from vya_backup.transport.sandbox import Walls, sandbox


def as_its_unit_has_it(project: Project, *words: str) -> Outcome:
    """Run a command with those capabilities of root that the unit of the drills leaves; others have none anyway."""
    unit = unit_files(Scheduling(), Installation("/usr/bin/vya-backupdb", Path("/etc/c.yaml"), ROOT))
    (bounding,) = [
        line.partition("=")[2].lower().removeprefix("cap_")
        for line in unit["vya-backupdb-drill.service"].splitlines()
        if line.startswith("CapabilityBoundingSet=")
    ]
    less = ["setpriv", f"--bounding-set=-all,+{bounding}", "--inh-caps=-all", "--no-new-privs", "--"]
    return project.outcome([*(less if os.geteuid() == 0 else []), *project.command(*words)])


def test_the_unit_of_roots_drills_proves_servers(postgresql_15: PostgresqlServer, drills_of: Drills) -> None:
    """PostgreSQL refuses to be root, and root may not become anybody else."""
    postgresql_15.drop_database("rehearsed")
    postgresql_15.create_database("rehearsed")
    postgresql_15.load("CREATE TABLE item (a int); INSERT INTO item VALUES (1), (2);", "rehearsed")
    project = drills_of(source=postgresql_15)
    assert project.run("backup:source/rehearsed").status == 0
    done = as_its_unit_has_it(project, "verify:source/rehearsed", "--drill")
    postgresql_15.drop_database("rehearsed")
    assert (done.status, done.err) == (0, "")
    assert "1 object and 2 rows are as dumped" in done.out
    assert "sandbox: bubblewrap" in done.out


def test_the_unit_of_roots_drills_proves_files(files: Project) -> None:
    """Behind the walls there is no account that owns the original."""
    assert files.run("backup").status == 0
    done = as_its_unit_has_it(files, "verify", "--drill")
    assert (done.status, done.err) == (0, "")
    assert "1 object and 50 rows are as dumped" in done.out


def test_without_walls_root_would_be_root(monkeypatch: pytest.MonkeyPatch, ground: Path) -> None:
    """It can become nobody: better no verdict than a dump's code with root's files before it."""
    monkeypatch.setattr(walls.os, "geteuid", lambda: 0)
    with pytest.raises(SandboxMissing, match="can become no other account"):
        sandbox("none", None, Walls(ground, ground))
