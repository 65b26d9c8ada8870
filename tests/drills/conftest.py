"""Projects whose databases are drilled, each with a folder of its own for private servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.acceptance.conftest import project_with
from tests.drills.ground import nothing_is_left, short_folder
from tests.drills.installation import programs_of
from tests.project import CONFIGURATION, Project, new_project
from tests.servers import TestServer

__all__ = ["project_with"]
Drills = Callable[..., Project]


@pytest.fixture
def ground() -> Iterator[Path]:
    """Give a folder for private servers (a socket's path is short), empty again at the end, without a process in it."""
    with short_folder() as folder:
        yield folder
        nothing_is_left(folder)


@pytest.fixture
def drills_of(project_with: Callable[..., Project], tmp_path: Path, ground: Path) -> Drills:
    """Give `setup(source=server, drill={…})`: a project that finds the programs of the server's own kind."""

    def setup(drill: dict[str, object] | None = None, **servers: TestServer) -> Project:
        folders = [str(programs_of(server, tmp_path)) for server in servers.values()]
        project = project_with(settings={"client_folders": folders}, **servers)
        return configure(project, {"folder": str(ground)} | (drill or {}))

    return setup


@pytest.fixture
def files(tmp_path: Path, ground: Path) -> Project:
    """A project with the SQLite database `shop`."""
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    project.execute("shop", *(f"INSERT INTO item (name) VALUES ('thing {n}')" for n in range(50)))
    return configure(project, {"folder": str(ground)})


def configure(project: Project, drill: dict[str, object]) -> Project:
    """Set keys of the `drill` section."""
    known = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    project.configure(yaml.safe_dump(known | {"drill": known.get("drill", {}) | drill}))
    return project
