"""Each run leaves its metrics, what goes wrong with them is loud, and no backup fails for them."""

from __future__ import annotations

import re
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project
from tests.transport.test_pushing import gateway

NOBODY = "http://127.0.0.1:1"


def with_metrics(project: Project, *settings: str) -> Path:
    """Configure a textfile in a folder that is there, and what else is said; return the file."""
    (project.folder / "textfiles").mkdir(exist_ok=True)
    said = ", ".join(("textfile: textfiles/vya_backup.prom", *settings))
    project.configure(f"{CONFIGURATION}monitoring: {{prometheus: {{{said}}}}}\n")
    return project.folder / "textfiles/vya_backup.prom"


def number(text: str, sample: str) -> float:
    """Return the value of a sample in an exposition."""
    (found,) = re.findall(rf"^{re.escape(sample)} (\S+)$", text, re.M)
    return float(found)


def without_its_time(text: str) -> list[str]:
    """Return the lines, but for that which says when they were made."""
    return [line for line in text.splitlines() if not line.startswith("vya_backup_metrics_timestamp_seconds")]


def test_each_run_writes_the_textfile(project: Project) -> None:
    """Also one that had nothing to do, because the age of the file is watched too."""
    file = with_metrics(project)
    assert project.run("backup").status == 0
    first = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    done = 'vya_backup_executions_total{database_id="local",database_type="sqlite",status="success"}'
    assert number(first, done) == 2
    assert number(first, "vya_backup_last_run_exit_status") == 0
    assert number(first, "vya_backup_chain_head_check") == 1
    events = project.events()
    assert number(first, f'vya_backup_chain_position{{catalog_id="{events[0]["catalog_id"]}"}}') == len(events)
    assert project.run("backup").status == 0
    second = file.read_text()
    assert project.events() == events
    assert without_its_time(second) == without_its_time(first)
    assert second != first


def test_a_run_that_failed_says_so(project: Project) -> None:
    """The file is of its end, not of its beginning."""
    file = with_metrics(project)
    project.database("broken").write_bytes(b"SQLite format 3\0" + b"\0" * 5000)
    assert project.run("backup").status == 1
    text = file.read_text()
    assert number(text, 'vya_backup_last_status{database_id="local",database_type="sqlite"}') == 0
    assert number(text, "vya_backup_last_run_exit_status") == 1


def test_a_look_writes_nothing(project: Project) -> None:
    """Neither a preview nor a table is a run."""
    file = with_metrics(project)
    project.run("backup", "--dry-run")
    project.run("backup", "--list-databases")
    assert not file.exists()
    project.run("backup")
    written = file.read_bytes()
    for words in (("status",), ("backup", "--dry-run"), ("metrics", "--print")):
        project.run(*words)
        assert file.read_bytes() == written


def test_a_textfile_that_cannot_be_written_is_loud_and_fails_no_backup(project: Project) -> None:
    """On standard error, in the catalog, and nowhere in the exit status; what was up to date stays so."""
    file = with_metrics(project)
    file.parent.rmdir()
    done = project.run("backup")
    assert done.status == 0, done.said
    assert "textfiles" in done.err
    assert "--collector.textfile.directory" in done.err
    failed = project.events("type = 'failed'")
    assert [event["data"]["step"] for event in failed] == ["metrics"]
    assert failed[0]["run_id"] == project.events("type = 'run_finished'")[-1]["run_id"]
    assert [row["exit_status"] for row in (event["data"] for event in project.events("type = 'run_finished'"))] == [0]
    runs = len(project.events("type = 'run_started'"))
    assert project.run("backup").status == 0
    assert len(project.events("type = 'run_started'")) == runs
    assert len(project.events("type = 'failed'")) == 2


def test_a_pushgateway_that_is_not_there_fails_no_backup_and_keeps_no_textfile_back(project: Project) -> None:
    """Each place is tried for itself."""
    file = with_metrics(project, f"pushgateway_url: '{NOBODY}'")
    done = project.run("backup")
    assert done.status == 0, done.said
    assert f"could not be pushed to {NOBODY}" in done.err
    assert [event["data"]["code"] for event in project.events("type = 'failed'")] == ["push"]
    assert file.exists()


def test_what_is_pushed_is_what_is_written(project: Project) -> None:
    """As the job of this host."""
    with gateway(200) as server:
        file = with_metrics(project, f"pushgateway_url: '{server.url}'")
        assert project.run("backup").status == 0
        ((_, path, body),) = server.seen
    assert path == "/metrics/job/vya-backup-testhost"
    assert body == file.read_bytes()


def test_a_bug_in_the_metrics_fails_no_backup(project: Project) -> None:
    """A number that is none, put there by hand, stands in for one."""
    file = with_metrics(project)
    project.run("backup")
    before = file.read_bytes()
    with closing(sqlite3.connect(project.catalog)) as connection, connection:
        connection.execute("INSERT INTO projected_tallies VALUES ('', 'errors', 'local', 'x', 'many')")
    done = project.run("backup", "--force")
    assert done.status == 0, done.said
    assert "metrics could not be made" in done.err
    assert "report this bug" in done.err
    assert file.read_bytes() == before


def test_switched_off_nothing_is_written(project: Project) -> None:
    """Nor pushed."""
    file = with_metrics(project, "enabled: false", f"pushgateway_url: '{NOBODY}'")
    done = project.run("backup")
    assert (done.status, done.err) == (0, "")
    assert not file.exists()
    refused = project.run("metrics")
    assert refused.status == 3
    assert "metrics are to be written nowhere" in refused.err


# --------------------------------------------------------------------------- doit metrics


def test_the_command_writes_what_it_would_print(project: Project) -> None:
    """And says where."""
    file = with_metrics(project)
    project.run("backup")
    file.unlink()
    done = project.run("metrics")
    assert done.status == 0
    assert str(file) in done.out
    shown = project.run("metrics", "--print")
    assert without_its_time(shown.out) == without_its_time(file.read_text())


def test_the_command_fails_where_it_cannot_write(project: Project) -> None:
    """Unlike a run, it has nothing else to do."""
    file = with_metrics(project)
    project.run("backup")
    file.unlink()
    file.parent.rmdir()
    done = project.run("metrics")
    assert done.status == 1
    assert "there is no folder" in done.err
    assert "Traceback" not in done.said


@pytest.mark.parametrize(("words", "status"), [(("metrics",), 3), (("metrics", "now"), 3), (("metrics", "--print"), 0)])
def test_without_a_place_it_can_only_be_shown(project: Project, words: tuple[str, ...], status: int) -> None:
    """The remedy is named."""
    project.run("backup")
    done = project.run(*words)
    assert done.status == status
    assert ("vya_backup_last_status" in done.out) == (status == 0)


def test_whoever_wants_no_metrics_does_not_load_what_makes_them(project: Project) -> None:
    """The library takes a tenth of a second, and `doit list` has three."""
    program = "import sys; import vya_backup.command_line.main; print('prometheus_client' in sys.modules)"
    assert project.outcome([sys.executable, "-c", program]).out.strip() == "False"
