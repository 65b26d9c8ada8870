"""What a person finds in the log of a run: who it was about, why, and at DEBUG the commands; on every line the run."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.project import CONFIGURATION, Project, new_project
from vya_backup import log
from vya_backup.errors import AlreadyRunning
from vya_backup.log import Destination
from vya_backup.redaction import remember_user
from vya_backup.transport.locks import hold


@pytest.fixture(autouse=True)
def _silent_again() -> Iterator[None]:
    yield
    log.configure(None)


def logged(project: Project) -> list[dict[str, Any]]:
    text = (project.folder / "catalog/state/vya_backup.log").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_names_its_run_and_each_dump_its_own_backup(tmp_path: Path) -> None:
    """Two dumps at once, in threads, with the commands that they ran."""
    project = new_project(tmp_path, CONFIGURATION + "logging: {level: DEBUG}\nbackup: {parallel: 2}\n")
    for name in ("shop", "crew"):
        project.execute(name, "CREATE TABLE t (a)")
    assert project.run("backup").status == 0

    lines = logged(project)
    assert lines[0]["event"] == "run_began"
    assert lines[0]["command"] == "doit backup"
    (run_id,) = {event["run_id"] for event in project.events("run_id IS NOT NULL")}
    assert [line for line in lines if line.get("run_id") != run_id] == []
    for event in project.events("type = 'dumped'"):
        about = [line for line in lines if line.get("backup_id") == event["backup_id"]]
        commands = [line for line in about if line["event"] == "command"]
        assert commands
        assert {line["database"] for line in about} == {event["database"]}
        assert all(line["argv"] for line in commands)


def test_a_failed_tool_is_told_with_its_database(tmp_path: Path) -> None:
    """Enough for a person at night: what failed, in which database, and the failure of the run."""
    project = new_project(tmp_path, CONFIGURATION)
    project.database("shop").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert project.run("backup").status == 1
    lines = logged(project)
    loud = [line for line in lines if line["level"] == "error"]
    assert {"failed"} <= {line["event"] for line in loud}
    assert [line for line in loud if line.get("database") == "shop" and line.get("message")]


def test_what_waits_for_a_lock_says_who_holds_it(tmp_path: Path) -> None:
    """Once, and not at every tick."""
    log.configure(Destination(file_path=tmp_path / "app.log"))
    has_it, over = threading.Event(), threading.Event()

    def holds() -> None:
        with hold(tmp_path / "locks", "prod/shop", "backup of prod/shop"):
            has_it.set()
            over.wait()

    holder = threading.Thread(target=holds)
    holder.start()
    has_it.wait()
    try:
        with pytest.raises(AlreadyRunning), hold(tmp_path / "locks", "prod/shop", "prune", patience_seconds=0.2):
            pass
    finally:
        over.set()
        holder.join()
    (line,) = [json.loads(line) for line in (tmp_path / "app.log").read_text().splitlines()]
    assert line["event"] == "waits_for_lock"
    assert "backup of prod/shop" in line["holder"]


def test_what_a_line_is_about_is_that_of_its_thread(tmp_path: Path) -> None:
    """An inner block adds to the outer one and ends with it; a field of the event wins."""
    log.configure(Destination(file_path=tmp_path / "app.log"), lambda: {"run_id": "r"})
    with log.about(instance="prod", database="shop"):
        with log.about(backup_id="b"):
            log.event("one", database="other")
        thread = threading.Thread(target=lambda: log.event("two"))
        thread.start()
        thread.join()
        log.event("three")
    found = [json.loads(line) for line in (tmp_path / "app.log").read_text().splitlines()]
    own = [{name: value for name, value in line.items() if name not in {"at", "level", "event"}} for line in found]
    assert own == [
        {"run_id": "r", "instance": "prod", "database": "other", "backup_id": "b"},
        {"run_id": "r"},
        {"run_id": "r", "instance": "prod", "database": "shop"},
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('role "backup" may not', 'role "bac***" may not'),
        ("'backup'@'%' lacks it", "'bac***'@'%' lacks it"),
        ("login of user backup failed", "login of user bac*** failed"),
        ("mysqldump --user=backup shop", "mysqldump --user=bac*** shop"),
        ("postgresql://backup:******@h/d", "postgresql://bac***:******@h/d"),
        ("the backup in /srv/backup/x of user backups", "the backup in /srv/backup/x of user backups"),
    ],
)
def test_an_account_is_masked_where_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, shown: str
) -> None:
    """And never torn out of a path or a sentence."""
    monkeypatch.setattr("vya_backup.redaction._users", set())
    remember_user("backup")
    log.configure(Destination(file_path=tmp_path / "app.log"))
    log.event("told", message=text)
    assert json.loads((tmp_path / "app.log").read_text())["message"] == shown


@pytest.mark.parametrize("is_open", [True, False], ids=["a closed pipe", "no stderr at all"])
def test_a_run_whose_errors_nobody_reads_makes_its_backup(tmp_path: Path, is_open: bool) -> None:
    """A log on a screen that is gone is no reason to do nothing, and to call that success."""
    project = new_project(tmp_path, f"{CONFIGURATION}logging: {{output: both}}\n")
    project.execute("shop", "CREATE TABLE t (a)")
    reads, writes = os.pipe()
    os.close(reads)
    words = project.command("backup") if is_open else ["sh", "-c", 'exec "$@" 2>&-', "sh", *project.command("backup")]
    done = subprocess.run(
        words, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writes, check=False, timeout=60
    )
    os.close(writes)
    assert done.returncode == 0
    assert "checksummed" in project.types()
    assert project.types()[-1] == "run_finished"
