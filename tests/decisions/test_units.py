"""The files of systemd and cron: what ships is what is made, systemd finds nothing wrong, and elapses as expected."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.systemd_units import AS_THE_MANUAL_SAYS, FOLDER, shipped
from vya_backup.decisions.crontab import cron_table
from vya_backup.decisions.schedule import next_runs, timetables
from vya_backup.decisions.units import calendar_lines, is_untouched, quoted, unit_files
from vya_backup.settings.keys import NO_KEY
from vya_backup.settings.scheduling_model import Scheduling

SITE = "vya-backupdb-site.service"
WORST = 2.5
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))


def analyze(*words: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """Ask systemd-analyze; where it is missing the test fails: tests/servers/install.sh installs it."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is missing: tests/servers/install.sh"
    return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def scheduling(**said: object) -> Scheduling:
    """Return a section as YAML would give it."""
    return Scheduling.model_validate(said)


def test_what_ships_is_what_is_installed_by_default() -> None:
    """`python -m scripts.systemd_units` writes them; only the site's is written by hand."""
    found = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert found.keys() - shipped().keys() == {SITE}
    assert {name: text for name, text in found.items() if name != SITE} == shipped()


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_walled_in(name: str) -> None:
    """As systemd itself rates it, of ten."""
    assert exposure(name) <= WORST


def exposure(name: str, folder: Path = FOLDER) -> float:
    """Return how systemd rates a service."""
    done = analyze("security", "--offline=true", "--no-pager", name, folder=folder)
    rated = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert rated, done.stderr
    return float(rated[1])


def verified(files: dict[str, str], folder: Path) -> str:
    """Return what systemd finds wrong with files; their program stands for one that is not installed here."""
    for name, text in files.items():
        (folder / name).write_text(text.replace(AS_THE_MANUAL_SAYS.program, "/usr/bin/true"))
    template = [f"{name.removesuffix('@.service')}@vya-backupdb-backup.service" for name in files if "@" in name]
    done = analyze("verify", "--man=no", *(name for name in files if "@" not in name), *template, folder=folder)
    return done.stdout + done.stderr + (f"exit status {done.returncode}" if done.returncode else "")


def test_systemd_finds_nothing_wrong_with_what_ships(tmp_path: Path) -> None:
    """No unknown word, no value that it does not take."""
    assert verified({path.name: path.read_text() for path in FOLDER.iterdir()}, tmp_path) == ""


@pytest.mark.parametrize(
    "said",
    [
        {"method": "interval", "interval_minutes": 60},
        {"timezone": "America/New_York", "calendar": ["01:30", "02:30"], "weekdays": ["mon", "sun"]},
        {"interval_minutes": 60, "blackout": [{"from": "08:00", "to": "18:00", "weekdays": ["mon"]}]},
        {"method": "interval", "blackout": [{"from": "08:00", "to": "24:00", "weekdays": ["mon", "tue"]}]},
        {"prune": {"calendar": ["03:00"]}, "limits": {"cpu_percent": 50}, "randomized_delay_minutes": 0},
    ],
)
def test_systemd_finds_nothing_wrong_with_any_schedule(tmp_path: Path, said: dict[str, object]) -> None:
    """Whatever is configured, also in places whose names mean something to systemd."""
    odd = replace(
        AS_THE_MANUAL_SAYS,
        config=Path("/etc/100% odd/$HOME.yaml"),
        writable=(Path("/srv/two words"),),
        optional=(Path("/home/app/data"),),
        publishes=True,
        drills_call_out=True,
    )
    assert verified(unit_files(scheduling(**said), odd), tmp_path) == ""


def test_root_may_read_the_files_of_others_where_a_database_is_one(tmp_path: Path) -> None:
    """Without its capabilities root is refused by a folder of 0700; only the backups need that, and no server does."""
    root = replace(AS_THE_MANUAL_SAYS, account="root", reads_files=True)
    granting = "CapabilityBoundingSet=CAP_DAC_READ_SEARCH\n"
    files = unit_files(scheduling(prune={"calendar": ["03:00"]}), root)
    assert [name for name, text in files.items() if granting in text] == ["vya-backupdb-backup.service"]
    for other in (replace(root, reads_files=False), replace(root, account="vya-backupdb")):
        assert not any(granting in text for text in unit_files(scheduling(), other).values())
    assert verified(files, tmp_path) == ""
    assert exposure("vya-backupdb-backup.service", tmp_path) <= WORST


def elapses(line: str, after: datetime, count: int) -> list[datetime]:
    """Return when systemd says that a line of OnCalendar elapses next."""
    base = f"--base-time={after:%Y-%m-%d %H:%M:%S} UTC"
    done = analyze("calendar", base, f"--iterations={count}", line)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"(?:Next elapse|Iter\. #\d+|\(in UTC\)): (?:\w+ )?(\S+ \S+) UTC", done.stdout)
    return [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in found]


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ({}, "2026-01-09T00:00"),
        ({"timezone": "America/New_York", "calendar": ["01:30", "02:30"]}, "2026-03-06T12:00"),
        ({"timezone": "America/New_York", "calendar": ["01:30", "02:30"]}, "2026-10-30T12:00"),
        ({"timezone": "America/Santiago", "calendar": ["00:00"], "weekdays": ["sat", "sun"]}, "2026-09-01T00:00"),
        (
            {"interval_minutes": 240, "blackout": [{"from": "20:00", "to": "06:00", "weekdays": ["fri", "sat"]}]},
            "2026-01-08T12:00",
        ),
    ],
)
def test_systemd_elapses_when_a_run_is_expected(said: dict[str, object], after: str) -> None:
    """Else each odd night would have a missed run, or a backup nobody expects."""
    table, begin = timetables(scheduling(**said))["backup"], datetime.fromisoformat(after).replace(tzinfo=UTC)
    lines = list(calendar_lines(table, begin.date()))
    of_systemd = sorted({at for line in lines for at in elapses(line, begin, 12)})
    assert of_systemd[:8] == next_runs(table, begin, 8)


@pytest.mark.parametrize("name", ["credentials.key", "credentials.key.cred"])
def test_the_key_is_found_whatever_its_folder_is_called(tmp_path: Path, name: str) -> None:
    """systemd reads no quotes in this line: they would be part of the name, and no unit would start."""
    key = Path('/etc/100% odd/it\'s; "here"') / name
    files = unit_files(scheduling(), replace(AS_THE_MANUAL_SAYS, credential=("credentials.key", key)))
    kind = "LoadCredentialEncrypted" if name.endswith(".cred") else "LoadCredential"
    line = f'{kind}=credentials.key:/etc/100%% odd/it\'s; "here"/{name}'
    services = [text for unit, text in files.items() if unit.endswith(".service")]
    assert [line in text.splitlines() for text in services] == [True] * len(services)
    start_without = [unit for unit, text in files.items() if f"SetCredential=credentials.key:{NO_KEY}" in text]
    assert start_without == ["vya-backupdb-failed@.service"]  # somebody has to tell that the key is gone
    assert verified(files, tmp_path) == ""


def test_a_folder_that_is_gone_silences_nobody() -> None:
    """systemd starts no unit that may write where nothing is; somebody has to tell that."""
    place = replace(AS_THE_MANUAL_SAYS, writable=(Path("/srv/backups"),), optional=(Path("/srv/data"),))
    files = unit_files(scheduling(), place)
    assert "ReadWritePaths=/srv/backups\n" in files["vya-backupdb-backup.service"]
    failed = files["vya-backupdb-failed@.service"].splitlines()
    assert [line for line in failed if "Paths=/" in line] == []
    assert {"ReadWritePaths=-/srv/backups", "ReadWritePaths=-/srv/data"} <= set(failed)


@pytest.mark.parametrize("method", ["systemd", "interval"])
def test_the_timer_of_the_backups_elapses_at_the_end_of_a_blackout(method: str) -> None:
    """So that a catch-up which it refused, or an interval that ends within it, is made up; no other timer does."""
    files = unit_files(
        scheduling(method=method, blackout=[{"from": "08:00", "to": "18:00", "weekdays": ["mon"]}]), AS_THE_MANUAL_SAYS
    )
    line = "OnCalendar=Mon *-*-* 18:00:00 UTC"
    assert [name for name, text in files.items() if line in text] == ["vya-backupdb-backup.timer"]
    assert elapses(line.removeprefix("OnCalendar="), datetime(2026, 1, 9, tzinfo=UTC), 1)[0].hour == 18


def test_a_file_that_a_person_changed_is_known() -> None:
    """By the digest in its first line, whichever version wrote it."""
    text = shipped()["vya-backupdb-backup.timer"]
    assert is_untouched(text)
    assert not is_untouched(text.replace("01:30", "02:30"))
    assert not is_untouched("[Timer]\nOnCalendar=daily\n")


@pytest.mark.parametrize(
    ("word", "spelled"),
    [("/opt/a", "/opt/a"), ("/opt/a b", '"/opt/a b"'), ('/o"', '"/o\\""'), ("/50%", "/50%%"), ("/$x", "/$$x")],
)
def test_words_mean_themselves(word: str, spelled: str) -> None:
    """To systemd a blank ends a word, and `%` and `$` begin something."""
    assert quoted(word, in_command=True) == spelled


def test_cron_has_a_line_for_each_time_and_no_bare_percent_sign() -> None:
    """Where `%` would be a line break; the zone stands above, and what cron cannot do."""
    place = replace(AS_THE_MANUAL_SAYS, config=Path("/etc/100%/c.yaml"))
    windows = [{"from": "20:00", "to": "06:00", "weekdays": ["fri"]}]
    table = cron_table(
        scheduling(
            method="cron", interval_minutes=720, calendar=["01:30", "13:30"], timezone="Europe/Lisbon", blackout=windows
        ),
        place,
    )
    lines = [line for line in table.splitlines() if not line.startswith("#")]
    command = r"vya-backupdb VYA_CONFIG=/etc/100\%/c.yaml /opt/vya-backupdb/.venv/bin/vya-backupdb"
    assert lines == [
        "SHELL=/bin/sh",
        "CRON_TZ=Europe/Lisbon",
        f"30 1 * * mon,tue,wed,thu,fri,sun {command} schedule run backup",
        f"30 13 * * * {command} schedule run backup",
        f"0 6 * * sat {command} schedule run backup",  # the end of the window, where 01:30 was refused
        f"0 4 * * mon,tue,wed,thu,fri,sun {command} schedule run verify",
        f"0 5 * * sun {command} schedule run drill",
        f"0 8 * * mon {command} notify digest",
    ]
    assert "catch up" in table
