"""The commands that are killed at random, each with what has to be so that it does something every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults import promises
from tests.faults.tracing import environment
from tests.project import Project, new_project

ROWS = 20_000
KEPT = 2
CONFIGURATION = f"""\
application: {{hostname: testhost}}
instances:
  - {{id: local, type: sqlite, path: data/*.db}}
storage:
  base_path: backups
  retention: {{daily_keep: 0, weekly_keep: 0, monthly_keep: 0, keep_last: {KEPT}, safety_days: 0}}
scheduling: {{timezone: UTC}}
"""


def prepared(folder: Path) -> Project:
    """Return a project with two databases and one good backup of each."""
    project = new_project(folder, CONFIGURATION)
    for name in ("shop", "other"):
        project.execute(name, "CREATE TABLE t (v int, filler text)", _insert(ROWS))
    clean(project, "backup")
    return project


def clean(project: Project, *words: str) -> None:
    """Run a command that nothing disturbs, and demand that it succeeds."""
    done = project.run(*words, **environment(project))
    assert done.status == 0, done.said


def pile_up(project: Project) -> None:
    """Leave more good backups of each database than the policy keeps, the newest attempt at each being good."""
    clean(project, "backup", "--force")
    while len(promises.good_backups(project)) <= KEPT * len(list((project.folder / "data").glob("*.db"))):
        clean(project, "backup", "--force")


def release_all(project: Project) -> None:
    """Leave nothing held, so that a hold says something new."""
    for backup in promises.held_backups(project):
        clean(project, "release", "--backup", backup, "--reason", "to be held again")


def hold_one(project: Project) -> None:
    """Leave one backup held."""
    if not promises.held_backups(project):
        clean(project, "hold", "--backup", min(promises.good_backups(project)), "--reason", "to be released")


@dataclass(frozen=True)
class Deed:
    """One command, and what makes the project ready for it."""

    words: tuple[str, ...]
    prepare: Callable[[Project], None] = lambda project: None
    of_backup: Callable[[Project], str] | None = None
    """Picks the backup that the command names."""
    is_without_catalog: bool = False
    """Whether the catalog's file is lost before, once nothing else has to be looked up."""

    def __str__(self) -> str:
        return " ".join(self.words)

    def said(self, project: Project) -> tuple[str, ...]:
        """Return the words of the command line."""
        return (*self.words, "--backup", self.of_backup(project), "--reason", "why") if self.of_backup else self.words


DEEDS = (
    Deed(("prune",), pile_up),
    Deed(("catalog", "rebuild"), is_without_catalog=True),
    Deed(("backup", "--force")),
    Deed(("restore:local/shop", "--force")),
    Deed(("verify",)),
    Deed(("verify:local/shop", "--drill")),
    Deed(("backup", "--database", "shop", "--force")),
    Deed(("restore:local/shop", "--to", "copy", "--force")),
    Deed(("hold",), release_all, lambda project: max(promises.good_backups(project))),
    Deed(("release",), hold_one, lambda project: promises.held_backups(project)[0]),
)


def _insert(rows: int) -> str:
    return (
        "INSERT INTO t WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < "
        f"{rows}) SELECT x, hex(randomblob(20)) FROM c"
    )
