"""What `init` writes of the mail server works as it stands, and it says how to see that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project
from vya_backup.settings.loading import load

LOCAL, REMOTE = ("localhost", 25, "none"), ("mail.example.org", 587, "starttls")


@pytest.mark.parametrize("line", [LOCAL, REMOTE], ids=["of this machine", "another"])
def test_a_mail_server_is_met_where_it_listens(tmp_path: Path, line: tuple[str, int, str]) -> None:
    """No certificate names `localhost`; any other server gets mail on an encrypted line only."""
    project = Project(tmp_path)
    (tmp_path / "data").mkdir()
    words = ("--path", "data", "--mail", "me@example.org", "--smtp-host", line[0], "--no-timer", "--no-backup", "--yes")
    done = project.run("--config", "config/config.yaml", "init", *words)
    assert done.status == 0, done.said
    assert "config/config.yaml notify test" in " ".join(done.out.split())
    email = load(tmp_path / "config/config.yaml").configuration.notifications.email
    assert (email.smtp_host, email.smtp_port, email.way) == line
