"""Files of timers: written once, removed again, and never over what a person wrote."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project
from vya_backup.command_line import timers as command
from vya_backup.command_line.main import main
from vya_backup.jobs import timers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files go."""
    made = tmp_path / "units"
    made.mkdir()
    return made


def install(project: Project, folder: Path, *words: str, **environment: str) -> str:
    """Install, and return what was said."""
    done = project.run("schedule", "install", "--folder", str(folder), *words, **environment)
    assert done.status == 0, done.said
    return done.said


def test_a_second_install_changes_nothing_and_a_new_schedule_what_it_is_about(project: Project, folder: Path) -> None:
    """What is no longer asked for goes."""
    said = install(project, folder, "--account", "root")
    assert "systemctl enable --now vya-backupdb-backup.timer" in said
    service = (folder / "vya-backupdb-backup.service").read_text()
    assert f"Environment=VYA_CONFIG={project.folder}/config/config.yaml" in service
    assert f"ReadWritePaths={project.folder}/backups" in service
    assert f"ReadWritePaths=-{project.folder}/data" in service
    assert "/vya-backupdb schedule run backup" in service
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    install(project, folder, "--account", "root")
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    project.configure(CONFIGURATION.replace("{timezone: UTC}", "{timezone: UTC, drill: {enabled: false}}"))
    assert "removed: " in install(project, folder, "--account", "root")
    assert set(before) - set(folder.iterdir()) == {
        folder / f"vya-backupdb-drill.{kind}" for kind in ("service", "timer")
    }


def test_who_owns_the_catalog_goes_on_with_it(project: Project, folder: Path) -> None:
    """The runs of no other account could write it, so that saying it again keeps the backups of every night.

    Before the first backup it is who alone can read the configuration, as `init` makes it.
    """
    service, configuration = folder / "vya-backupdb-backup.service", project.folder / "config/config.yaml"
    mine = f"\nUser={pwd.getpwuid(os.geteuid()).pw_name}\n"
    configuration.chmod(0o600)
    install(project, folder)
    assert mine in service.read_text()
    configuration.chmod(0o640)
    install(project, folder)
    assert "\nUser=vya-backupdb\n" in service.read_text()
    assert project.run("backup").status == 0
    install(project, folder)
    assert mine in service.read_text()
    install(project, folder, "--account", "nobody")
    assert "\nUser=nobody\n" in service.read_text()


def test_what_a_person_changed_is_shown_and_stays(project: Project, folder: Path) -> None:
    """Without --force nothing is touched, not even the other files."""
    install(project, folder)
    timer, other = folder / "vya-backupdb-backup.timer", folder / "vya-backupdb-verify.timer"
    mine = timer.read_text().replace("01:30", "02:45")
    timer.write_text(mine)
    other.unlink()
    done = project.run("schedule", "install", "--folder", str(folder))
    assert done.status == 3
    assert f"somebody changed {timer}" in done.err.replace("\n", " ")
    assert "-OnCalendar=*-*-* 02:45:00 UTC" in done.err
    assert (timer.read_text(), other.exists()) == (mine, False)
    removed = project.run("schedule", "remove", "--folder", str(folder))
    assert (removed.status, list(folder.iterdir())) == (1, [timer])
    install(project, folder, "--force")
    assert "01:30" in timer.read_text()


@pytest.mark.parametrize("word", ["install", "remove"])
def test_who_is_not_root_is_told_of_sudo_and_of_timers_of_his_own(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    """Before a line of systemctl is named, and before the first file."""
    if word == "remove":
        install(project, folder)
    before = sorted(folder.iterdir())
    monkeypatch.setattr(command, "SYSTEM", folder)
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder)
    monkeypatch.setenv("VYA_CONFIG", f"{project.folder}/config/config.yaml")
    assert main(["schedule", word]) == 3
    said = capsys.readouterr()
    assert f"{folder} is not yours to write" in said.err
    assert "Say it with sudo, or --user" in said.err
    assert (said.out, sorted(folder.iterdir())) == ("", before)


def test_a_drop_in_and_the_unit_of_the_site_are_left_alone(project: Project, folder: Path) -> None:
    """The manual recommends both; neither is one of the files that are written."""
    install(project, folder)
    (folder / "vya-backupdb-backup.service.d").mkdir()
    (folder / "vya-backupdb-backup.service.d/override.conf").write_text("[Service]\nNice=19\n")
    (folder / "vya-backupdb-site.service").write_text("[Service]\nExecStart=/bin/true\n")
    assert "unchanged: " in install(project, folder)
    removed = project.run("schedule", "remove", "--folder", str(folder))
    assert removed.status == 0, removed.said
    assert {path.name for path in folder.iterdir()} == {"vya-backupdb-backup.service.d", "vya-backupdb-site.service"}


def test_a_dry_run_and_a_person_own_units(project: Project, folder: Path) -> None:
    """Shown and not written; without an account, and without what only the system's systemd can do."""
    said = install(project, folder, "--dry-run", "--user")
    assert list(folder.iterdir()) == []
    assert "[Timer]" in said
    assert "User=" not in said
    assert "ProtectSystem=" not in said


def test_who_has_timers_of_his_own_is_told_that_they_stop_with_his_session(
    project: Project, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless systemd keeps it: the file of that name says so. The system's timers need none."""
    name = pwd.getpwuid(os.geteuid()).pw_name
    waits = not Path("/var/lib/systemd/linger", name).exists()
    said = " ".join(install(project, folder, "--user").split())
    assert (f"until you say: loginctl enable-linger {name}" in said) == waits
    assert "linger" not in install(project, folder)
    monkeypatch.setattr(timers, "LINGERING", tmp_path)
    assert timers.waits_for_login() == name
    (tmp_path / name).touch()
    assert timers.waits_for_login() == ""


def test_the_key_of_the_credentials_is_handed_over_by_systemd(project: Project, folder: Path) -> None:
    """As it is, or encrypted where such a file lies beside it."""
    key = project.folder / ".secrets/credentials.key"
    key.parent.mkdir(mode=0o700)
    key.write_text("x")
    service = folder / "vya-backupdb-backup.service"
    install(project, folder)
    assert f"LoadCredential=credentials.key:{key}\n" in service.read_text()
    key.with_name("credentials.key.cred").write_text("x")
    install(project, folder)
    assert f"LoadCredentialEncrypted=credentials.key:{key}.cred\n" in service.read_text()


def test_with_cron_there_is_one_table(project: Project, folder: Path) -> None:
    """For /etc/cron.d, where the file's name may hold no dot; or lines for a table of one's own."""
    project.configure(CONFIGURATION.replace("{timezone: UTC}", "{timezone: UTC, method: cron}"))
    install(project, folder)
    assert [path.name for path in folder.iterdir()] == ["vya-backupdb"]
    assert "CRON_TZ=UTC" in (folder / "vya-backupdb").read_text()
    assert " vya-backupdb VYA_CONFIG=" not in install(project, folder, "--user")
    assert project.run("schedule", "remove", "--folder", str(folder)).status == 0
    assert list(folder.iterdir()) == []


def test_another_method_takes_the_files_of_the_one_before_away(project: Project, folder: Path) -> None:
    """Else both would start backups; systemd is to be told before its files are gone."""
    jobs = ("backup", "digest", "drill", "verify")
    forget = "run first: systemctl disable --now " + " ".join(f"vya-backupdb-{job}.timer" for job in jobs)
    install(project, folder)
    cron = CONFIGURATION.replace("{timezone: UTC}", "{timezone: UTC, method: cron}")
    project.configure(cron)
    before = sorted(folder.iterdir())
    shown = install(project, folder, "--dry-run")
    assert f"would be removed: {folder}/vya-backupdb-backup.timer" in shown
    assert sorted(folder.iterdir()) == before
    said = install(project, folder)
    assert said.index(forget) < said.index("removed: ")
    assert [path.name for path in folder.iterdir()] == ["vya-backupdb"]
    project.configure(CONFIGURATION)
    assert f"removed: {folder}/vya-backupdb\n" in install(project, folder)
    assert (folder / "vya-backupdb-backup.timer").exists()
    project.configure(cron)
    shown = project.run("schedule", "remove", "--folder", str(folder), "--dry-run").out
    assert shown.index(forget) < shown.index("would be removed: ")
    assert (folder / "vya-backupdb-backup.timer").exists()
    assert project.run("schedule", "remove", "--folder", str(folder)).status == 0
    assert list(folder.iterdir()) == []


def test_a_table_of_ones_own_takes_the_place_of_ones_own_timers(project: Project, folder: Path) -> None:
    """The lines are for a person to put in; the units are gone."""
    install(project, folder, "--user")
    project.configure(CONFIGURATION.replace("{timezone: UTC}", "{timezone: UTC, method: cron}"))
    said = install(project, folder, "--user")
    assert "schedule run backup" in said
    assert "run first: systemctl --user disable --now vya-backupdb-backup.timer" in said
    assert list(folder.iterdir()) == []


def test_with_now_systemctl_is_run(project: Project, folder: Path, tmp_path: Path) -> None:
    """Here a program of that name notes what it was told; one that fails is an error with its words."""
    told = tmp_path / "told"
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$*" >> {told}\n')
    program.chmod(0o755)
    install(project, folder, "--now", PATH=f"{tmp_path}:/usr/bin:/bin")
    names = " ".join(f"vya-backupdb-{job}.timer" for job in ("backup", "digest", "drill", "verify"))
    assert told.read_text().splitlines() == ["daemon-reload", f"enable --now {names}"]
    told.unlink()
    path = f"{tmp_path}:/usr/bin:/bin"
    program.write_text(f'#!/bin/sh\necho "$*" >> {told}; ls {folder}/vya-backupdb-verify.timer >> {told}\n')
    assert project.run("schedule", "remove", "--folder", str(folder), "--now", PATH=path).status == 0
    assert told.read_text().splitlines() == [f"disable --now {names}", f"{folder}/vya-backupdb-verify.timer"]
    program.write_text("#!/bin/sh\necho no bus >&2; exit 1\n")
    done = project.run("schedule", "install", "--folder", str(folder), "--now", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert (done.status, "no bus" in done.err) == (1, True), done.said


@pytest.mark.parametrize("said", ["/run/of/ann", ""])
def test_a_persons_own_systemd_is_found(project: Project, folder: Path, tmp_path: Path, said: str) -> None:
    """Its socket lies where the session says; cron and sudo do not say it."""
    told, program = tmp_path / "told", tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$1 $2 $XDG_RUNTIME_DIR" >> {told}\n')
    program.chmod(0o755)
    install(project, folder, "--user", "--now", PATH=f"{tmp_path}:/usr/bin:/bin", XDG_RUNTIME_DIR=said)
    place = said or f"/run/user/{os.geteuid()}"
    assert told.read_text().splitlines() == [f"--user daemon-reload {place}", f"--user enable {place}"]


def test_switched_off_there_is_nothing_to_install(project: Project, folder: Path) -> None:
    """Said, with the key."""
    project.configure(CONFIGURATION.replace("{timezone: UTC}", "{timezone: UTC, enabled: false}"))
    done = project.run("schedule", "install", "--folder", str(folder))
    assert (done.status, "scheduling.enabled is false" in done.err) == (3, True), done.said
