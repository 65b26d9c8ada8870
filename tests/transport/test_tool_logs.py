"""The full words of the vendor tools: private, scrubbed, and gone after a month."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from vya_backup import clock
from vya_backup.redaction import Secret
from vya_backup.transport.tool_logs import tool_log


def test_what_a_tool_said_is_kept_in_a_private_file(tmp_path: Path) -> None:
    """Also when there is more to say later."""
    tool_log(tmp_path / "state", "0192-aa", "pg_dump: first\n")

    path = tool_log(tmp_path / "state", "0192-aa", "pg_dump: second")

    assert path == tmp_path / "state" / "tool-logs" / "0192-aa.log"
    assert path.read_text() == "pg_dump: first\npg_dump: second\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_secret_that_a_tool_repeats_is_scrubbed(tmp_path: Path) -> None:
    """Tools quote the connection they could not open."""
    Secret("hunter2-and-more")

    path = tool_log(tmp_path, "x", "connection to db://u:hunter2-and-more@h failed")

    assert path is not None
    assert path.read_text() == "connection to db://u:******@h failed\n"


def test_a_silent_tool_leaves_no_file(tmp_path: Path) -> None:
    """A thousand quiet backups are a thousand files too many."""
    assert tool_log(tmp_path, "x", " \n") is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_older_than_thirty_days_is_removed(tmp_path: Path) -> None:
    """DETAIL lines hold row data: they don't stay for ever."""
    older, younger = (tool_log(tmp_path, name, "words") for name in ("older", "younger"))
    assert older is not None
    assert younger is not None
    for path, days in ((older, 31), (younger, 29)):
        then = (clock.now() - timedelta(days=days)).timestamp()
        os.utime(path, (then, then))

    tool_log(tmp_path, "now", "")

    assert not older.exists()
    assert younger.exists()


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    """It may come from a database's name."""
    path = tool_log(tmp_path, "../../x", "words")

    assert path is not None
    assert path.parent == tmp_path / "tool-logs"
