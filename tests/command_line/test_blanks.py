"""A value that is not there, as a script's unset variable leaves it, never means something else."""

from __future__ import annotations

import pytest

from tests.project import Project
from vya_backup.command_line.main import main


@pytest.mark.parametrize(
    "words",
    [
        ("restore:shop", "--to=", "--force", "--yes"),  # would replace the original
        ("restore:shop", "--to", "", "--yes"),  # would restore beside it, as `--yes`
        ("restore:shop", "--to", "--yes"),
        ("restore:shop", "--backup=", "--force", "--yes"),  # would take the newest
        ("restore:shop", "--at", "", "--force"),
        ("backup", ""),  # would be everything
        ("prune", ""),
    ],
)
def test_a_missing_value_is_refused_before_anything_is_begun(
    words: tuple[str, ...], project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says which, the exit status is 3, and there is no catalog yet."""
    monkeypatch.setenv("VYA_CONFIG", str(project.folder / "config/config.yaml"))

    assert main(words) == 3
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "no value" in told or "empty" in told
    assert not project.catalog.exists()


def test_a_value_may_look_like_an_option_where_it_is_said_with_its_sign(project: Project) -> None:
    """As the refusal says."""
    assert project.run("backup").status == 0

    done = project.run("restore:shop", "--to=--copy")

    assert done.status == 0, done.said
    assert (project.folder / "data" / "--copy.db").exists()
