"""doit's memory is the catalog: successes are events, a run that did nothing appends nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from doit.plugin import PluginDict

from vya_backup.command_line import backend
from vya_backup.history.catalog import Catalog
from vya_backup.history.views import task_states


class PlainDoit(DoitMain):
    """doit with its own commands, without the ones that the program puts in their place."""

    def get_cmds(self) -> PluginDict:
        return PluginDict({command.get_name(): command for command in self.DOIT_CMDS})


class Project:
    """Tasks as the program has them: one with a file dependency, one with only an `uptodate`, a group of both."""

    def __init__(self, folder: Path) -> None:
        self.dump = folder / "shop.sql.gz"
        self.dump.write_text("dump")
        self.ran: list[str] = []
        self.fails = False

    def checksum(self) -> bool:
        self.ran.append("checksum")
        return not self.fails

    def run(self, *arguments: str) -> int:
        tasks = {
            "task_checksum": lambda: {"actions": [self.checksum], "file_dep": [str(self.dump)], "verbosity": 0},
            "task_fresh": lambda: {"actions": [self.checksum], "uptodate": [True]},
            "task_all": lambda: {"actions": None, "task_dep": ["checksum", "fresh"]},
        }
        settings = {"backend": "catalog", "check_file_uptodate": "timestamp", "verbosity": 0, "reporter": "zero"}
        place = {"catalog": "vya_backup.command_line.backend:CatalogBackend"}
        extra: dict[str, Any] = {"GLOBAL": settings, "BACKEND": place}
        main = PlainDoit(ModuleTaskLoader(tasks), config_filenames=(), extra_config=extra)
        return int(main.run(list(arguments)) or 0)


@pytest.fixture
def project(tmp_path: Path, catalog: Catalog) -> Iterator[Project]:
    """A doit project whose memory is the catalog."""
    backend.use(catalog)
    yield Project(tmp_path)
    backend.use(None)


def test_a_success_is_remembered_by_the_next_invocation(project: Project, catalog: Catalog) -> None:
    """The second run is up to date, until the file changes."""
    assert project.run("all") == 0
    assert list(task_states(catalog)) == ["checksum"]
    assert project.run("all") == 0
    assert project.ran == ["checksum"]
    project.dump.write_text("another dump")
    project.run("all")
    assert project.ran == ["checksum", "checksum"]


def test_a_run_that_did_nothing_appends_nothing(project: Project, catalog: Catalog) -> None:
    """Nor do groups, tasks without file dependencies, and lists."""
    project.run("all")
    head = catalog.head()
    project.run("all")
    project.run("fresh")
    project.run("list", "--status")
    assert catalog.head() == head
    assert [row["type"] for row in catalog.rows("SELECT type FROM events ORDER BY id")] == [
        "catalog_created",
        "task_recorded",
    ]


def test_a_failure_voids_what_was_remembered(project: Project, catalog: Catalog) -> None:
    """A task that failed runs again, although its file is the old one."""
    project.run("checksum")
    project.fails = True
    assert project.run("--always-execute", "checksum") == 1
    assert task_states(catalog) == {}
    project.fails = False
    project.run("checksum")
    assert project.ran == ["checksum"] * 3


def test_forgetting_is_an_event(project: Project, catalog: Catalog) -> None:
    """`doit forget` appends, and removes nothing."""
    project.run("checksum")
    project.run("forget", "checksum")
    assert [row["type"] for row in catalog.rows("SELECT type FROM events ORDER BY id")][-1] == "task_forgotten"
    project.run("checksum")
    project.run("forget", "--all")
    assert task_states(catalog) == {}
    assert project.run("checksum") == 0
    assert project.ran == ["checksum"] * 3


def test_a_success_that_changes_nothing_is_not_recorded_again(project: Project, catalog: Catalog) -> None:
    """The task ran once more on the same file: there is nothing new to remember."""
    project.run("checksum")
    head = catalog.head()
    project.run("--always-execute", "checksum")
    assert project.ran == ["checksum"] * 2
    assert catalog.head() == head


def test_without_a_catalog_nothing_is_remembered(project: Project) -> None:
    """A list before the first backup has no catalog, and needs none."""
    backend.use(None)
    assert project.run("checksum") == 0
    assert project.run("checksum") == 0
    assert project.ran == ["checksum"] * 2


def test_doit_finds_the_backend_by_its_entry_point() -> None:
    """An installed copy works from any folder."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module, name = project["entry-points"]["doit.BACKEND"]["catalog"].split(":")
    assert getattr(import_module(module), name) is backend.CatalogBackend
