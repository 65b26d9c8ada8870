"""What nobody would notice is said: mail that is not sent, an account that sees nothing; help fits the terminal."""

from __future__ import annotations

import pytest

from tests.project import CONFIGURATION, Project


def test_who_switched_mail_on_is_told_that_none_was_sent(project: Project) -> None:
    """On standard error, once, after a backup and after nothing else."""
    project.configure(CONFIGURATION + "notifications: {email: {enabled: true}}\n")

    assert project.run("backup").err == "warning: no mail was sent: email.enabled has no effect in this version yet\n"
    assert project.run("backups").err == ""


def test_an_instance_without_any_database_is_said(project: Project) -> None:
    """An account without privileges sees an empty server: that is no reason to be silent."""
    project.configure(CONFIGURATION.replace("data/*.db", "elsewhere/*.db"))
    (project.folder / "elsewhere").mkdir()

    assert "warning: local shows this account no database" in project.run("backup").out


@pytest.mark.parametrize("words", [("list",), ("help", "backup"), ("help", "restore"), ("help", "restore:shop")])
def test_help_fits_eighty_columns(project: Project, words: tuple[str, ...]) -> None:
    """A tired reader sees one option a line."""
    project.run("backup")
    done = project.run(*words)

    assert done.status == 0
    assert len(done.out.splitlines()) > 1
    assert not [line for line in done.out.splitlines() if len(line) > 80]
