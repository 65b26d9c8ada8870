"""Hooks with real programs around real runs: when they are called, what they are told, and what their failure does."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project import CONFIGURATION, Project, new_project
from tests.transport.fakes import wait_until, wait_until_gone, written_pid

Hook = dict[str, Any]


def program(folder: Path, name: str, script: str) -> str:
    """Write a program of the operator's."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def noting(folder: Path, more: str = "") -> str:
    """Return a program that notes its moment and what it was told in `told`."""
    line = 'echo "$VYA_HOOK|$VYA_MOMENT|$VYA_DATABASE|$VYA_STATUS|$VYA_ERROR_CODE|${VYA_PATH##*/}|$VYA_EXIT_STATUS"'
    return program(folder, f"note{len(more)}", f"{line} >> {folder}/told\n{more}")


def told(project: Project) -> list[str]:
    path = project.folder / "told"
    return path.read_text().splitlines() if path.exists() else []


def hooked(folder: Path, *hooks: Hook, more: str = "") -> Project:
    """Make a project with two databases and these hooks."""
    project = new_project(folder, CONFIGURATION + more + yaml.safe_dump({"hooks": list(hooks)}))
    for name in ("crew", "shop"):
        project.execute(name, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    return project


def hook(name: str, when: str, *command: str, **more: Any) -> Hook:
    return {"name": name, "when": when, "command": list(command), **more}


def ran(project: Project) -> list[dict[str, Any]]:
    return project.events("type = 'hook_ran'")


def test_each_moment_is_called_in_its_turn_with_what_it_is_told(tmp_path: Path) -> None:
    """Globs choose databases; the artifact stands when it is told of, and a restore is told of its target."""
    note = noting(tmp_path, 'test -z "$VYA_PATH" || test -e "$VYA_PATH"')
    moments = ("before_run", "after_run", "before_backup", "after_backup", "after_check")
    restores = ("before_restore", "after_restore", "on_failure")
    hooks = [hook(f"h{i}", when, note, databases=["*"]) for i, when in enumerate((*moments, *restores))]
    for one in hooks[2:5]:
        one["databases"] = ["local/sh*"]
    project = hooked(tmp_path, *hooks)
    done = project.run("backup")
    assert done.status == 0, done.said
    artifact = next(path.name for path in project.files("shop*.gz"))
    assert told(project) == [
        "h0|before_run|||||",
        "h2|before_backup|shop||||",
        f"h3|after_backup|shop|ok||{artifact}|",
        f"h4|after_check|shop|ok||{artifact}|",
        "h1|after_run||ok|||0",
    ]
    (tmp_path / "told").unlink()
    assert project.run("restore:local/shop", "--to", "again").status == 0
    assert told(project) == [
        "h0|before_run|||||",
        f"h5|before_restore|again|||{artifact}|",
        f"h6|after_restore|again|ok||{artifact}|",
        "h1|after_run||ok|||0",
    ]
    events = ran(project)
    assert {event["data"]["problem"] for event in events} == {""}
    backups = {e["backup_id"] for e in events if e["data"]["moment"] in {"after_backup", "after_check"}}
    assert backups == {e["backup_id"] for e in project.events("type = 'dumped' AND database = 'shop'")}


def test_previews_verifications_drills_and_prunes_call_no_hook(tmp_path: Path) -> None:
    """Only what backs up or restores does."""
    note = noting(tmp_path)
    moments = ("before_run", "after_run", "before_backup", "before_restore", "after_restore", "on_failure")
    project = hooked(tmp_path, *(hook(when, when, note) for when in moments))
    assert project.run("backup", "--dry-run").status == 0
    assert told(project) == []
    assert project.run("backup").status == 0
    (tmp_path / "told").unlink()
    assert project.run("verify", "prune").status == 0
    project.run("drill:local/shop")  # behind walls where there are any; whatever comes of it
    assert project.run("restore:local/shop", "--to", "x", "--dry-run").status == 0
    assert told(project) == []


def test_the_environment_is_clean_and_no_descriptor_is_inherited(tmp_path: Path) -> None:
    """Whatever the run was told in its own."""
    show = program(
        tmp_path, "show", f"env | cut -d= -f1 | sort > {tmp_path}/env; exec ls /proc/self/fd > {tmp_path}/fds"
    )
    project = hooked(tmp_path, hook("show", "before_backup", show, databases=["local/shop"]))
    assert project.run("backup", PGPASSWORD="from outside", VYA_SECRET="x").status == 0
    names = set((tmp_path / "env").read_text().split()) - {"PWD", "_", "SHLVL", "OLDPWD"}
    assert names == {"PATH", "HOME", "LC_ALL", "VYA_HOOK", "VYA_MOMENT", "VYA_RUN_ID", "VYA_INSTANCE", "VYA_DATABASE"}
    assert set((tmp_path / "fds").read_text().split()) <= {"0", "1", "2", "3"}  # the last is the folder that `ls` reads


def test_a_failing_hook_in_front_stops_its_database_alone(tmp_path: Path) -> None:
    """What stands behind it runs all the same, so that what was half paused goes on; the other database is dumped."""
    note = noting(tmp_path)
    refuse = program(tmp_path, "refuse", "echo it is busy; echo really >&2; exit 7")
    project = hooked(
        tmp_path,
        hook("pause", "before_backup", refuse, databases=["local/shop"]),
        hook("thaw", "after_backup", note, databases=["local/shop"]),
        hook("tell", "on_failure", note),
    )
    done = project.run("backup")
    assert done.status == 1
    assert "hook pause (before_backup): it ended with status 7: really" in done.said
    assert [event["database"] for event in project.events("type = 'checksummed'")] == ["crew"]
    (failed,) = project.events("type = 'failed'")
    assert (failed["database"], failed["data"]["step"], failed["data"]["code"]) == ("shop", "hook", "hook")
    assert told(project) == ["thaw|after_backup|shop|failed|hook||", "tell|on_failure|shop|failed|hook||"]
    (event, _, _) = ran(project)
    assert (event["data"]["status"], event["data"]["output"]) == (7, "it is busy\nreally")


def test_a_failing_hook_behind_leaves_the_backup_good_and_fails_the_run(tmp_path: Path) -> None:
    """Somebody has to look; the backup is none the worse."""
    project = hooked(tmp_path, hook("copy", "after_check", program(tmp_path, "no", "exit 1"), databases=["local/shop"]))
    done = project.run("backup")
    assert done.status == 1
    assert "warning: hook copy (after_check) for local/shop: it ended with status 1" in done.said
    assert len(project.events("type = 'checksummed'")) == 2
    assert project.events("type = 'failed'") == []
    assert project.events("type = 'run_finished'")[-1]["data"]["exit_status"] == 1


def test_what_follows_runs_also_when_the_dump_failed(tmp_path: Path) -> None:
    """So that what was paused goes on."""
    note = noting(tmp_path)
    project = hooked(tmp_path, hook("thaw", "after_backup", note), hook("tell", "on_failure", note))
    project.database("shop").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert project.run("backup").status == 1
    assert [line.rsplit("|", 2)[0] for line in told(project) if "|shop|" in line] == [
        "thaw|after_backup|shop|failed|dump",
        "tell|on_failure|shop|failed|dump",
    ]


def test_a_hook_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    """At its limit; a daemon that holds its output open would hold nobody up either."""
    hang = program(tmp_path, "hang", f"echo waiting; sleep 1000 & echo $! > {tmp_path}/pid; wait")
    project = hooked(tmp_path, hook("hang", "before_backup", hang, timeout_seconds=0.5, databases=["local/shop"]))
    done = project.run("backup")
    assert done.status == 1
    assert "it did not end within 0.5 s and was killed" in done.said
    wait_until_gone(written_pid(tmp_path / "pid"))
    (event,) = ran(project)
    assert (event["data"]["status"], event["data"]["output"]) == (None, "waiting")


def test_a_hook_is_done_when_its_program_is(tmp_path: Path) -> None:
    """Also where a daemon that it started keeps its output open: that one is in a session of its own."""
    start = program(tmp_path, "start", f"setsid sleep 60 & echo $! > {tmp_path}/pid; echo started")
    project = hooked(tmp_path, hook("start", "before_backup", start, timeout_seconds=40, databases=["local/shop"]))
    done = project.run("backup", patience_seconds=35)
    assert done.status == 0, done.said
    assert ran(project)[0]["data"]["output"] == "started"
    # what went its own way is the operator's; this one is the test's
    import os

    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_failing_hook_stops_a_restore_before_its_first_byte(tmp_path: Path) -> None:
    """Nothing was begun, and nothing is in the catalog as if it were."""
    note = noting(tmp_path)
    refuse = program(tmp_path, "refuse", "exit 3")
    project = hooked(
        tmp_path,
        hook("stop", "before_restore", refuse),
        hook("go", "after_restore", note),
        hook("t", "on_failure", note),
    )
    assert project.run("backup").status == 0
    before = project.database("shop").read_bytes()
    done = project.run("restore:local/shop", "--force", "--yes")
    assert done.status == 1
    assert "hook stop (before_restore): it ended with status 3" in done.said
    assert project.database("shop").read_bytes() == before
    assert project.events("type LIKE 'restore%'") == []
    assert [line.split("|")[:5] for line in told(project)] == [
        ["go", "after_restore", "shop", "failed", "hook"],
        ["t", "on_failure", "shop", "failed", "hook"],
    ]


def test_a_failing_hook_in_front_of_the_run_begins_nothing(tmp_path: Path) -> None:
    """And the hooks behind it are told."""
    note = noting(tmp_path)
    project = hooked(
        tmp_path, hook("vpn", "before_run", program(tmp_path, "no", "exit 1")), hook("x", "after_run", note)
    )
    done = project.run("backup")
    assert done.status == 1
    assert "the run was not begun: hook vpn (before_run): it ended with status 1" in done.said
    assert project.events("type IN ('started', 'discovered')") == []
    assert told(project) == ["x|after_run||failed|failed||1"]


def test_a_stopped_run_still_undoes_what_it_paused(tmp_path: Path) -> None:
    """TERM while a hook in front is at work: it is ended, and the one behind runs to its end."""
    pause = program(tmp_path, "pause", f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    project = hooked(
        tmp_path,
        hook("pause", "before_backup", pause, databases=["local/crew"]),
        hook("thaw", "after_backup", noting(tmp_path), databases=["local/crew"]),
        more="backup: {parallel: 1}\n",
    )
    run = project.start("backup")
    pid = written_pid(tmp_path / "pid")
    run.send_signal(signal.SIGTERM)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 143, said
    wait_until_gone(pid)
    assert told(project) == ["thaw|after_backup|crew|failed|interrupted||"]


def test_no_hook_outlives_a_run_that_was_killed(tmp_path: Path) -> None:
    """The kernel ends it."""
    pause = program(tmp_path, "pause", f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    project = hooked(tmp_path, hook("pause", "before_backup", pause, databases=["local/crew"]))
    run = project.start("backup")
    pid = written_pid(tmp_path / "pid")
    run.kill()
    run.communicate()
    wait_until_gone(pid)
    wait_until(lambda: project.run("backup", "--dry-run").status == 0, "the next run looks")


@pytest.mark.parametrize(
    ("mode", "folder_mode", "complaint"),
    [
        (None, 0o755, "cannot be run: No such file or directory"),
        (0o644, 0o755, "is no program that this account may run"),
        (0o757, 0o755, "may be changed by everybody"),
        (0o755, 0o777, "may be replaced by everybody"),
    ],
)
def test_a_program_that_is_not_to_be_trusted_is_refused(
    tmp_path: Path, mode: int | None, folder_mode: int, complaint: str
) -> None:
    """By `config validate`, by `health`, and by the run itself."""
    place = tmp_path / "place"
    place.mkdir()
    path = program(place, "p", f"touch {tmp_path}/was-run")
    if mode is None:
        Path(path).unlink()
    else:
        Path(path).chmod(mode)
    place.chmod(folder_mode)
    project = hooked(tmp_path, hook("p", "before_backup", path, databases=["local/shop"]))
    validated = project.run("config", "validate")
    assert validated.status == 3
    assert complaint in " ".join(validated.said.split())
    if mode != 0o644:
        return
    done = project.run("backup")
    assert done.status == 1
    assert complaint in " ".join(done.said.split())
    assert not (tmp_path / "was-run").exists()
    checks = {one["name"]: one for one in json.loads(project.run("health", "--json").out)["checks"]}
    assert checks["hooks"]["status"] == "failure"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{name: a, when: before_backup, command: [touch, x]}", "must be a list that begins with the full path"),
        ("{name: a, when: before_backup, command: /bin/true}", "must be a list"),
        ("{name: a, when: at_night, command: [/bin/true]}", "must be 'before_run', "),
        ("{name: a, when: on_failure, command: [/bin/true], databases: [shop]}", "must be INSTANCE/DATABASE"),
        ("{name: a b, when: on_failure, command: [/bin/true]}", "must begin with a letter"),
    ],
)
def test_a_hook_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    """With its place, before the night."""
    from vya_backup.errors import ConfigurationError
    from vya_backup.settings.loading import load

    path = tmp_path / "config.yaml"
    path.write_text(f"hooks:\n  - {text}\n")
    with pytest.raises(ConfigurationError, match=complaint):
        load(path, {})


def test_what_a_hook_says_is_bounded_and_scrubbed(tmp_path: Path) -> None:
    """Its beginning and its end are kept."""
    talk = program(
        tmp_path, "talk", "echo begin; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo end"
    )
    project = hooked(tmp_path, hook("talk", "before_backup", talk, databases=["local/shop"]))
    assert project.run("backup").status == 0
    output = ran(project)[0]["data"]["output"]
    assert len(output) < 4100
    assert output.startswith("begin\n")
    assert output.endswith("\nend")
    assert "characters left out" in output
