"""What timers call: each run is recorded with its expected time, and every one that did not happen is told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.project import CONFIGURATION, Project
from vya_backup import clock
from vya_backup.decisions.schedule import timetables
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event, Process
from vya_backup.history.run_events import RunStarted
from vya_backup.history.schedule_events import Scheduled
from vya_backup.settings.loading import load
from vya_backup.transport.liveness import this_process
from vya_backup.transport.locks import hold


def append(project: Project, *events: Event, at: datetime) -> None:
    """Append to the catalog as a run of that moment would."""
    catalog = Catalog.open(project.catalog, host="testhost", now=lambda: at)
    catalog.append(*events)
    catalog.close()


def came(project: Project, at: datetime, job: str = "backup", **more: Any) -> None:
    """Let a timer have started a job at that moment, by a process that is no more."""
    table = timetables(load(project.folder / "config/config.yaml").configuration.scheduling)[job]
    gone = Process(**(vars(this_process("testhost")) | {"started_ticks": 1}))
    event = Scheduled(job=job, outcome="started", through=at, timetable=str(table), process=gone, **more)
    append(project, event, at=at)


def in_a_blackout() -> str:
    """Return a configuration with a blackout around this moment."""
    now = clock.now()
    window = f'{{from: "{now - timedelta(hours=1):%H:%M}", to: "{now + timedelta(hours=1):%H:%M}"}}'
    said = f'calendar: "{now + timedelta(hours=6):%H:%M}", blackout: [{window}], verify: {{enabled: false}}'
    return CONFIGURATION.replace("{timezone: UTC}", f"{{timezone: UTC, {said}, drill: {{enabled: false}}}}")


def test_a_run_of_the_timer_backs_up_prunes_and_is_recorded(project: Project) -> None:
    """In one run, with the event that says for what it was started."""
    done = project.run("schedule", "run", "backup")
    assert done.status == 0, done.said
    assert [event["type"] for event in project.events("type LIKE 'run_%' OR type = 'scheduled'")] == [
        "run_started",
        "scheduled",
        "run_finished",
    ]
    (began,) = project.events("type = 'scheduled'")
    assert (began["data"]["job"], began["data"]["outcome"]) == ("backup", "started")
    assert began["run_id"] == project.events("type = 'checksummed'")[0]["run_id"]
    assert project.events("type = 'run_started'")[0]["data"]["command"] == "doit backup prune"
    assert project.events("type = 'missed'") == []


@pytest.mark.parametrize(
    ("job", "command"), [("verify", "doit verify"), ("prune", "doit prune"), ("drill", "doit drill")]
)
def test_every_job_starts_its_task(project: Project, job: str, command: str) -> None:
    """The same that a person would type."""
    assert project.run("backup").status == 0
    done = project.run("schedule", "run", job)
    assert done.status == 0, done.said
    assert project.events("type = 'run_started'")[-1]["data"]["command"] == command


def test_a_first_run_ever_misses_nothing(project: Project) -> None:
    """Whatever the calendar says: nobody had promised anything before."""
    assert project.run("schedule", "run", "backup").status == 0
    assert project.events("type = 'missed'") == []


@pytest.mark.parametrize("words", [("backup",), ("schedule", "run", "backup"), ("verify",)])
def test_expected_runs_that_did_not_happen_are_told_once_by_whatever_runs_next(
    project: Project, words: tuple[str, ...]
) -> None:
    """Three nights without a timer are one event with a count, and the second look adds none."""
    came(project, clock.now() - timedelta(days=3, hours=1))
    done = project.run(*words)
    assert "did not happen" in done.said
    (event,) = project.events("type = 'missed'")
    assert (event["data"]["job"], event["data"]["count"]) == ("backup", 3)
    assert project.run(*words).status == 0
    assert len(project.events("type = 'missed'")) == 1


def test_in_a_blackout_nothing_is_started_and_that_is_recorded(project: Project) -> None:
    """Exit status 0: it was meant so. A person's own backup does what it is told."""
    project.configure(in_a_blackout())
    done = project.run("schedule", "run", "backup")
    assert (done.status, "not started: it is the time of scheduling.blackout" in done.out) == (0, True), done.said
    (event,) = project.events("type = 'scheduled'")
    assert event["data"]["outcome"] == "blackout"
    assert project.files("*.gz") == []
    assert project.run("backup").status == 0
    assert len(project.files("*.gz")) == 2


def test_a_second_run_beside_the_first_ends_at_once_and_tells_what_was_left_out(project: Project) -> None:
    """Exit status 0: the first one is at work. What is expected at this moment may be what that one began for."""
    now = clock.now()
    times = ", ".join(f'"{at:%H:%M}"' for at in (now - timedelta(hours=6), now))
    project.configure(CONFIGURATION.replace("{timezone: UTC}", f"{{timezone: UTC, calendar: [{times}]}}"))
    came(project, now - timedelta(hours=9))
    state = project.catalog.parent / "state"
    with hold(state / "locks", "@schedule/backup", "doit schedule run backup"):
        done = project.run("schedule", "run", "backup")
    assert (done.status, "not started a second time" in done.err) == (0, True), done.said
    assert project.files("*.gz") == []
    assert sum(event["data"]["count"] for event in project.events("type = 'missed'")) == 1


def test_a_run_that_was_killed_is_missed(project: Project) -> None:
    """Its process is gone and it has no end."""
    assert project.run("schedule", "run", "backup").status == 0  # for a run_id of its own
    began = clock.now() - timedelta(hours=2)
    catalog = Catalog.open(project.catalog, host="testhost", now=lambda: began)
    table = timetables(load(project.folder / "config/config.yaml").configuration.scheduling)["backup"]
    gone = Process(**(vars(this_process("testhost")) | {"started_ticks": 1}))
    with catalog.run(RunStarted(command="doit backup prune", version="2", environment="test")):
        catalog.append(Scheduled(job="backup", outcome="started", through=began, timetable=str(table), process=gone))
    catalog.close()
    assert "was killed" in project.run("backup").said
    killed = [event["data"] for event in project.events("type = 'missed'") if event["data"]["cause"] == "killed"]
    assert [one["count"] for one in killed] == [1]
    assert project.run("backup").status == 0
    assert len([e for e in project.events("type = 'missed'") if e["data"]["cause"] == "killed"]) == 1


def test_a_clock_that_was_ahead_invents_nothing(project: Project) -> None:
    """The last run is of next year; the next ones are counted from the newest event, not from the latest time."""
    came(project, clock.now() + timedelta(days=365))
    assert project.run("schedule", "run", "backup").status == 0
    assert project.run("backup").status == 0
    assert project.events("type = 'missed'") == []


def test_switched_off_nothing_is_expected(project: Project) -> None:
    """`scheduling.enabled: false`: something else starts the runs."""
    came(project, clock.now() - timedelta(days=3, hours=1))
    project.configure(CONFIGURATION.replace("{timezone: UTC}", "{timezone: UTC, enabled: false}"))
    assert "did not happen" not in project.run("backup").said


def test_the_next_runs_are_shown_in_the_zone_with_what_came_last(project: Project) -> None:
    """For people and for machines."""
    assert project.run("schedule", "run", "backup").status == 0
    said = "{timezone: America/Sao_Paulo, blackout: [{from: '08:00', to: '18:00'}]}"
    project.configure(CONFIGURATION.replace("{timezone: UTC}", said))
    shown = project.run("schedule", "show")
    assert shown.status == 0, shown.said
    assert "01:30" in shown.out
    assert "done" in shown.out
    assert "no timer ever started it" in shown.out
    assert "blackout 08:00 to 18:00" in shown.out
    assert "times in America/Sao_Paulo" in shown.out
    values = project.json("schedule", "show", "--count", "2")
    assert [len(job["next"]) for job in values["jobs"].values()] == [2, 2, 2, 2]
    first = datetime.fromisoformat(values["jobs"]["backup"]["next"][0])
    assert (first.astimezone(UTC).hour, first.minute) == (4, 30)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("run",), "needs the name of a job"),
        (("run", "everything"), "knows no job 'everything'"),
        (("show", "--count", "x"), "is no number of runs"),
        ((), "needs to be told what to do"),
    ],
)
def test_what_makes_no_sense_is_refused(project: Project, words: tuple[str, ...], complaint: str) -> None:
    """With what there is."""
    done = project.run("schedule", *words)
    assert (done.status, complaint in done.err) == (3, True), done.said
