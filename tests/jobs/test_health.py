"""Each check finds what it is there for, names the remedy, and breaks alone."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project, new_project
from vya_backup import clock
from vya_backup.decisions.schedule import timetables
from vya_backup.errors import StorageFailed
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.events import Drilled, Failed, Verified
from vya_backup.history.run_events import Configured
from vya_backup.history.schedule_events import Missed, Scheduled
from vya_backup.history.watching import demands
from vya_backup.jobs.circumstances import told_to
from vya_backup.jobs.health import backups, machine, servers, settings
from vya_backup.jobs.health.examination import CHECKS, examine
from vya_backup.jobs.health.finding import Check, Finding, ok
from vya_backup.jobs.health.subject import Subject
from vya_backup.outlook.site.surroundings import Surroundings
from vya_backup.settings.loading import load
from vya_backup.settings.scheduling_model import DAYS
from vya_backup.transport.disk import Space
from vya_backup.transport.storage import Store

WITH_METRICS = f"{CONFIGURATION}monitoring: {{prometheus: {{textfile: textfiles/v.prom}}}}\n"
SHOP = {"instance": "local", "database": "shop"}


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one database with a good backup and metrics, to be copied."""
    made = new_project(tmp_path_factory.mktemp("backed-up"), WITH_METRICS)
    (made.folder / "textfiles").mkdir()
    made.execute("shop", "CREATE TABLE item (name TEXT)")
    assert made.run("backup").status == 0
    return made.folder


@pytest.fixture
def project(backed_up: Path, tmp_path: Path) -> Project:
    """A copy of it."""
    shutil.copytree(backed_up, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture
def subject(project: Project) -> Iterator[Callable[..., Subject]]:
    """Open what is checked, with these fields changed; the configuration is read now."""
    opened: list[Subject] = []

    def make(**changes: object) -> Subject:
        opened.append(replace(Subject(load(project.folder / "config/config.yaml"), cron_tables=()), **changes))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for one in opened:
        one.close()


Opens = Callable[..., Subject]


def append(project: Project, *events: Event) -> None:
    """Append to the catalog as a run would."""
    catalog = Catalog.open(project.catalog, host="testhost")
    catalog.append(*events)
    catalog.close()


def backup_id(project: Project) -> str:
    """Return the id of the only backup."""
    return str(project.events("type = 'checksummed'")[-1]["backup_id"])


def later(**span: float) -> clock.Clock:
    """Return a clock that is ahead."""
    return lambda: clock.now() + timedelta(**span)


def test_all_is_well_where_it_is(subject: Opens) -> None:
    """But for what this machine has not: a timer, somebody who is told, and perhaps somebody who keeps its clock."""
    found = {one.name: one.status for one in examine(subject())}
    assert list(found) == [name for name, _ in CHECKS]
    assert {name for name, status in found.items() if status != "ok"} <= {"timer", "clock", "notifications"}
    assert "failure" not in found.values()


def test_every_finding_that_is_not_ok_has_a_remedy(subject: Opens, project: Project) -> None:
    """With everything gone that can go."""
    for folder in ("backups", "catalog", "textfiles", "data"):
        shutil.rmtree(project.folder / folder)
    found = examine(subject())
    assert [one.name for one in found if bool(one.remedy) == (one.status == "ok")] == []
    assert "failure" in {one.status for one in found}


# --------------------------------------------------------------------------- a check that breaks


def boom(subject: Subject) -> Finding:
    """Break as no check should."""
    raise ZeroDivisionError("of all things")


def refused(subject: Subject) -> Finding:
    """Fail as expected failures do."""
    raise StorageFailed("cannot look", "Look elsewhere.")


def test_a_check_that_breaks_is_a_failure_of_that_check_alone(subject: Opens) -> None:
    """The others answer."""
    checks: list[tuple[str, Check]] = [("a", boom), ("b", refused), ("c", lambda one: ok("well"))]
    broken, unable, well = examine(subject(), checks)
    assert (broken.name, broken.status) == ("a", "failure")
    assert "ZeroDivisionError: of all things" in broken.what
    assert "report" in broken.remedy
    assert (unable.status, unable.what, unable.remedy) == ("failure", "cannot look", "Look elsewhere.")
    assert well.status == "ok"


# --------------------------------------------------------------------------- settings


def test_nothing_to_back_up_is_a_failure(subject: Opens, project: Project) -> None:
    """A configuration that was emptied by mistake looks fine everywhere else."""
    project.configure("instances: [{id: local, type: sqlite, path: data/*.db, enabled: false}]")
    assert settings.configuration(subject()).status == "failure"


STORE = '{"version": "1.0", "encryption": {"method": "fernet", "key_derivation": "KIND"}, "databases": []}'
SERVER = CONFIGURATION.replace("instances:", "instances:\n  - {id: pg, type: postgresql, host: 127.0.0.1, port: 1}")


def store(project: Project, kind: str, mode: int = 0o600) -> None:
    """Write a store of credentials without an account."""
    folder = project.folder / ".secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "credentials.json").write_text(STORE.replace("KIND", kind))
    (folder / "credentials.json").chmod(mode)


def test_a_key_that_follows_from_the_host_name_is_warned_of(subject: Opens, project: Project) -> None:
    """And is no trouble of the accounts themselves."""
    store(project, "hostname-based")
    found = settings.key(subject())
    assert (found.status, "doit credentials rotate" in found.remedy) == ("warning", True)
    assert settings.credentials(subject()).status == "ok"
    store(project, "key-file")
    assert settings.key(subject()).status == "ok"


def test_a_missing_account_is_a_failure(subject: Opens, project: Project) -> None:
    """With what makes it."""
    project.configure(SERVER)
    store(project, "hostname-based")
    found = settings.credentials(subject())
    assert found.status == "failure"
    assert "no account for pg" in found.what
    assert "doit credentials encrypt" in found.remedy


def test_a_key_that_others_may_read_is_a_failure(subject: Opens, project: Project) -> None:
    """Through what refuses to open it."""
    project.configure(SERVER)
    plain = project.folder / "plain.json"
    plain.touch(0o600)
    plain.write_text('{"version": "1.0", "databases": [{"id": "pg", "username": "u", "password": "p"}]}')
    assert project.run("credentials", "encrypt", "--input", str(plain)).status == 0
    assert settings.credentials(subject()).status == "ok"
    (project.folder / ".secrets/credentials.key").chmod(0o644)
    found = settings.credentials(subject())
    assert (found.status, "chmod 0600" in found.remedy) == ("failure", True)


@pytest.mark.parametrize(
    ("path", "mode", "remedy"),
    [
        ("catalog/catalog.db", 0o640, "chmod 0600"),
        ("config/config.yaml", 0o666, "chmod 0644"),
        ("backups", 0o777, "chmod 0755"),
        ("backups/testhost", 0o755, "chmod 0700"),
    ],
)
def test_what_others_may_reach_is_named_with_the_mode_that_mends_it(
    subject: Opens, project: Project, path: str, mode: int, remedy: str
) -> None:
    """The tree's top may be entered while what lies in it keeps others out."""
    (project.folder / "backups").chmod(0o755)
    assert settings.modes(subject()).status == "ok"
    (project.folder / path).chmod(mode)
    found = settings.modes(subject())
    assert found.status == "failure"
    assert remedy in found.remedy
    assert str(project.folder / path) in found.what


# --------------------------------------------------------------------------- servers


def test_a_server_that_does_not_answer_is_a_failure_of_its_connection(subject: Opens, project: Project) -> None:
    """And what it would lack is not known, which is not the same as well."""
    project.configure(CONFIGURATION.replace("data/*.db", "nowhere/*.db"))
    opened = subject()
    assert servers.connections(opened).status == "failure"
    for check in (servers.privileges, servers.tools):
        found = check(opened)
        assert found.status == "warning"
        assert "not known of local, which did not answer" in found.what


def test_what_the_connection_test_says_goes_to_the_check_that_it_is_about(subject: Opens) -> None:
    """A missing tool, a missing privilege, and everything else."""
    opened = subject()
    (report,) = opened.reports
    told = replace(report, problems=("old tool", "GRANT it", "wrong type"), tool_problems=("old tool",))
    opened.__dict__["reports"] = [replace(told, privilege_problems=("GRANT it",))]
    checks = {"tools": servers.tools, "privileges": servers.privileges, "connections": servers.connections}
    found = {name: check(opened) for name, check in checks.items()}
    assert {name: one.status for name, one in found.items()} == dict.fromkeys(checks, "failure")
    assert {name: one.what for name, one in found.items()} == {
        "tools": "old tool",
        "privileges": "local: GRANT it",
        "connections": "local: wrong type",
    }


# --------------------------------------------------------------------------- backups


def test_what_is_overdue_is_a_failure(subject: Opens, project: Project) -> None:
    """A day and a half after a daily backup, and an instance of which nothing is known."""
    assert backups.overdue(subject(clock=later(hours=35))).status == "ok"
    found = backups.overdue(subject(clock=later(hours=37)))
    assert (found.status, found.what) == ("failure", "overdue: local/shop")
    project.configure(SERVER)
    store(project, "key-file")
    assert backups.overdue(subject()).what == "overdue: all of pg"


def test_on_days_without_an_expected_backup_nothing_is_overdue(subject: Opens, project: Project) -> None:
    """Once a week, on the day of the newest one."""
    newest = subject().watched[0].newest_good_at
    assert newest is not None
    weekday = DAYS[newest.weekday()]
    project.configure(WITH_METRICS.replace("{timezone: UTC}", f"{{timezone: UTC, weekdays: [{weekday}]}}"))
    assert backups.overdue(subject(clock=later(hours=37))).status == "ok"
    assert backups.overdue(subject(clock=later(days=8))).what == "overdue: local/shop"


def test_the_catalog_is_told_how_far_apart_backups_may_be(project: Project) -> None:
    """So that metrics, probes and the site, which know no configuration, have the same patience."""
    project.configure(WITH_METRICS.replace("{timezone: UTC}", "{timezone: UTC, weekdays: [mon, tue, wed, thu, fri]}"))
    told = told_to(load(project.folder / "config/config.yaml").configuration)
    append(project, told)
    catalog = Catalog.open(project.catalog, host="testhost")
    try:
        found = demands(catalog)
    finally:
        catalog.close()
    assert (found.expected_minutes, found.overdue_after) == (3 * 1440, timedelta(days=3, hours=12))
    assert surroundings_of(told).overdue_after("testhost") == found.overdue_after


def surroundings_of(told: Configured) -> Surroundings:
    """Return what a page of the site knows."""
    return Surroundings(clock.now(), {"testhost": told})


def test_a_failed_attempt_is_a_failure_although_an_older_backup_covers_it(subject: Opens, project: Project) -> None:
    """Tomorrow it will be overdue."""
    append(project, Failed(**SHOP, step="dump", code="login", message="no"))
    found = backups.overdue(subject())
    assert (found.status, found.what) == ("failure", "the newest attempt failed: local/shop")


def test_before_the_first_backup_that_is_the_one_failure_of_the_catalog(subject: Opens, project: Project) -> None:
    """What has nothing to look at says only that."""
    project.lose_catalog()
    shutil.rmtree(project.folder / "backups/testhost/@catalog")
    found = {one.name: one.status for one in examine(subject())}
    assert found["backups"] == "failure"
    assert {found[name] for name in ("verification", "drills", "chain")} == {"warning"}


def test_the_newest_backup_damaged_is_a_failure_and_an_older_one_a_warning(subject: Opens, project: Project) -> None:
    """An intact one behind it makes the difference."""
    (dump,) = project.files("*.db.gz")
    dump.write_bytes(b"x")
    assert project.run("verify").status == 1
    found = backups.verification(subject())
    assert (found.status, "damaged" in found.what) == ("failure", True)
    project.run("backup")
    found = backups.verification(subject())
    assert (found.status, "older backups are lost" in found.what) == ("warning", True)


def test_the_newest_backup_lost_is_a_failure_although_an_older_one_is_whole(subject: Opens, project: Project) -> None:
    """What a restore would take then is of the day before."""
    project.run("backup", "--force")
    newest = project.events("type = 'dumped'")[-1]["data"]["path"]
    (project.folder / "backups" / newest).unlink()
    project.run("verify")
    found = backups.verification(subject())
    assert (found.status, "(missing)" in found.what) == ("failure", True)


def test_a_sidecar_that_differs_is_warned_of(subject: Opens, project: Project) -> None:
    """The dump itself is what restores."""
    append(project, Verified(**SHOP, backup_id=backup_id(project), path="x", verdict="fail", reason="sidecar"))
    assert backups.verification(subject()).status == "warning"


def test_what_was_not_read_again_in_time_is_warned_of(subject: Opens) -> None:
    """After `verification.every_days`."""
    assert backups.verification(subject(clock=later(days=29))).status == "ok"
    found = backups.verification(subject(clock=later(days=31)))
    assert (found.status, "--rolling" in found.remedy) == ("warning", True)


@pytest.mark.parametrize(("verdict", "status"), [("pass", "ok"), ("fail", "failure"), ("cannot judge", "warning")])
def test_a_drill_is_told_by_its_verdict(subject: Opens, project: Project, verdict: str, status: str) -> None:
    """Of each database the newest one."""
    append(project, Drilled(**SHOP, backup_id=backup_id(project), verdict="pass", duration_seconds=1))
    append(project, Drilled(**SHOP, backup_id=backup_id(project), verdict=verdict, duration_seconds=1))  # type: ignore[arg-type]
    assert backups.drills(subject()).status == status


def test_a_proof_older_than_it_may_be_is_a_failure_of_that_database(subject: Opens, project: Project) -> None:
    """And a database that was never proved has none; without the setting nobody asks."""
    assert backups.drills(subject()).status == "ok"
    project.configure(CONFIGURATION + "drill: {max_age_days: 7}\n")
    found = backups.drills(subject())
    assert (found.status, "local/shop" in found.what) == ("failure", True)
    append(project, Drilled(**SHOP, backup_id=backup_id(project), verdict="pass", duration_seconds=1))
    assert backups.drills(subject(clock=later(days=6))).status == "ok"
    assert backups.drills(subject(clock=later(days=8))).status == "failure"


def test_a_changed_event_is_a_failure_of_the_chain(subject: Opens, project: Project) -> None:
    """Named, with the command that says all of it."""
    with closing(sqlite3.connect(project.catalog)) as connection, connection:
        connection.execute("DROP TRIGGER events_refuse_update")
        connection.execute("UPDATE events SET actor = 'nobody' WHERE position = 2")
    found = backups.chain(subject())
    assert found.status == "failure"
    assert "position 2" in found.what
    assert "doit audit" in found.remedy


def test_an_older_catalog_in_its_place_is_a_failure_of_the_chain(subject: Opens, project: Project) -> None:
    """It follows itself, and is not what was copied."""
    before = project.catalog.read_bytes()
    project.run("backup", "--force")
    project.lose_catalog()
    project.catalog.write_bytes(before)
    project.catalog.chmod(0o600)
    (found,) = examine(subject(), [("chain", backups.chain)])
    assert found.status == "failure"
    assert "is gone" in found.what


def test_a_tree_without_copies_is_warned_of(subject: Opens, project: Project) -> None:
    """The next run makes them."""
    shutil.rmtree(project.folder / "backups/testhost/@catalog")
    assert backups.chain(subject()).status == "warning"


# --------------------------------------------------------------------------- machine


@pytest.mark.parametrize(("free", "status"), [(10**6, "ok"), (51_000, "warning"), (50_001, "failure")])
def test_room_is_compared_with_what_the_next_run_needs(
    subject: Opens, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    """Beyond what `min_free_percent` keeps: here 50,000 of a million."""
    monkeypatch.setattr(Store, "room", lambda self: Space(free=free, total=10**6))
    assert machine.space(subject()).status == status


@pytest.mark.parametrize("has_its_folder", [True, False])
def test_a_disk_that_is_not_mounted_is_a_failure(subject: Opens, project: Project, has_its_folder: bool) -> None:
    """The room of another disk is none for backups; a mount point that is empty is as bad as none."""
    (project.folder / "backups").rename(project.folder / "elsewhere")
    if has_its_folder:
        (project.folder / "backups").mkdir()
    checks = examine(subject(), (("free space", machine.space),))
    assert [one.status for one in checks] == ["failure"]
    assert "does not hold the tree of testhost/" in checks[0].what
    assert "Is the disk of storage.base_path mounted?" in checks[0].remedy


def test_an_event_from_the_future_is_a_failure_of_the_clock(subject: Opens) -> None:
    """It went back by more than a minute."""
    found = machine.time(subject(clock=later(hours=-2)))
    assert (found.status, "ahead of this clock" in found.what) == ("failure", True)


@pytest.mark.parametrize(("is_in_step", "status"), [(True, "ok"), (False, "warning")])
def test_a_clock_that_nobody_keeps_is_warned_of(
    subject: Opens, monkeypatch: pytest.MonkeyPatch, is_in_step: bool, status: str
) -> None:
    """The kernel knows."""
    assert clock.is_in_step() in {True, False}
    monkeypatch.setattr(clock, "is_in_step", lambda: is_in_step)
    assert machine.time(subject()).status == status


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("30 1 * * * backup cd /opt/vya-backupdb && .venv/bin/doit backup", "ok"),
        ("30 1 * * * backup /opt/vya/bin/vya-backupdb backup", "ok"),
        ("# 30 1 * * * backup vya-backupdb backup", "warning"),
        ("30 1 * * * backup pg_dump mydb", "warning"),
    ],
)
def test_a_line_of_cron_starts_the_runs(
    subject: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, status: str
) -> None:
    """In the table of the system, or in a file of its folder."""
    monkeypatch.setenv("PATH", "")
    (tmp_path / "cron.d").mkdir()
    (tmp_path / "cron.d/backup").write_text(f"{line}\n")
    missing = tmp_path / "crontab"
    assert machine.timer(subject(cron_tables=(missing, tmp_path / "cron.d"))).status == status


def test_a_table_of_cron_that_nobody_else_may_see_hides_no_other(
    subject: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hardened machines show theirs to root alone; here no file system knows such a name, not even for root."""
    monkeypatch.setenv("PATH", "")
    (tmp_path / "ours").write_text("30 1 * * * backup vya-backupdb backup\n")
    found = examine(subject(cron_tables=(tmp_path / ("x" * 300), tmp_path / "ours")), (("timer", machine.timer),))
    assert [one.status for one in found] == ["ok"], found


@pytest.mark.parametrize(
    ("unit", "status"),
    [
        ("vya-backupdb.timer", "ok"),
        ("vya-backup.timer", "ok"),
        ("vya-backupdb-backup.timer", "ok"),
        ("vya-backupdb-verify.timer", "warning"),  # that of the backups is gone
        ("logrotate.timer", "warning"),
    ],
)
def test_a_timer_of_systemd_starts_the_runs(
    subject: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, status: str
) -> None:
    """As `systemctl list-timers` names it; here a program of that name answers."""
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = list-timers ] && echo 'Sat 2026-01-10 01:30:00 UTC  -  -  {unit}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert machine.timer(subject()).status == status


def test_a_timer_of_ones_own_systemd_starts_the_runs(
    subject: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers to those only who know where its socket lies."""
    program = tmp_path / "systemctl"
    program.write_text(
        '#!/bin/sh\n[ "$1 $XDG_RUNTIME_DIR" = "--user /run/of/ann" ] && echo "Sat  -  -  vya-backupdb-backup.timer"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/of/ann")
    assert machine.timer(subject()).status == "ok"


def test_an_expected_run_that_did_not_happen_is_a_failure_until_a_run_records_it(
    subject: Opens, project: Project
) -> None:
    """Then a warning for a week: somebody should know why."""
    assert machine.missed(subject()).status == "ok"
    said = str(timetables(subject().configuration.scheduling)["backup"])
    noon = clock.now().replace(hour=12) - timedelta(days=1)  # far from 01:30, whenever this runs
    append(project, Scheduled(job="backup", outcome="started", through=noon, timetable=said))
    found = machine.missed(subject(clock=lambda: noon + timedelta(days=3)))
    assert found.status == "failure"
    assert re.search("backup was expected [23] times from", found.what), "two, where this machine was booted between"
    assert "doit schedule show" in found.remedy
    gone = {
        "count": 3,
        "expected_at": clock.now(),
        "until": clock.now(),
        "cause": "off",
        "reason": "the machine was off",
    }
    append(project, Missed(job="backup", **gone))  # type: ignore[arg-type]
    found = machine.missed(subject())
    assert (found.status, "the machine was off" in found.what) == ("warning", True)
    assert machine.missed(subject(clock=later(minutes=1))).status == "warning"


def test_a_textfile_that_is_stale_missing_or_private_is_a_failure(subject: Opens, project: Project) -> None:
    """What watches it sees nothing, or yesterday."""
    file = project.folder / "textfiles/v.prom"
    assert machine.metrics(subject()).status == "ok"
    assert machine.metrics(subject(clock=later(hours=37))).status == "failure"
    file.chmod(0o640)
    assert "chmod 0644" in machine.metrics(subject()).remedy
    file.unlink()
    found = machine.metrics(subject())
    assert (found.status, found.remedy) == ("failure", "Write it and see why not: doit metrics")


def test_a_textfile_from_before_the_newest_run_is_stale(subject: Opens, project: Project) -> None:
    """However young it is."""
    file = project.folder / "textfiles/v.prom"
    before = (clock.now() - timedelta(minutes=5)).timestamp()
    os.utime(file, (before, before))
    found = machine.metrics(subject())
    assert (found.status, found.what.endswith("stale")) == ("failure", True)


def test_no_metrics_at_all_are_warned_of(subject: Opens, project: Project) -> None:
    """Nobody hears of an absence then."""
    project.configure(CONFIGURATION)
    assert machine.metrics(subject()).status == "warning"
