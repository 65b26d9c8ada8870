"""The shipped configuration of logrotate, with the real program, while lines are written."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, new_project
from vya_backup import log
from vya_backup.log import Destination
from vya_backup.resources import resource

LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/sbin:/bin") or "logrotate"
INSTALLED = ("/var/log/vya_backupdb", "/var/lib/vya_backupdb/state")


@pytest.fixture(autouse=True)
def _silent_again() -> Iterator[None]:
    yield
    log.configure(None)


def rotate(folder: Path, *options: str, more: str = "") -> str:
    """Run logrotate with the shipped file, its paths replaced by the folder's; return what it said."""
    text = resource("config/logrotate/vya-backupdb").read_text()
    for place in INSTALLED:  # the same file may be named once only
        text = text.replace(place, str(folder) if (folder.name == "state") == place.endswith("state") else "/nowhere")
    if more:
        text = text.replace("    nocreate\n", f"    {more}\n")
    configuration = folder.parent / "logrotate.conf"
    configuration.write_text(text)
    configuration.chmod(0o644)
    argv = [LOGROTATE, *options, "--state", str(folder.parent / "logrotate.state"), str(configuration)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def numbers_in(folder: Path) -> list[int]:
    """Return the numbers of all events in the log and everything that was rotated away from it, sorted."""
    files = sorted(folder.glob("app.log*"))
    texts = [gzip.decompress(f.read_bytes()).decode() if f.suffix == ".gz" else f.read_text() for f in files]
    return sorted(json.loads(line)["number"] for text in texts for line in text.splitlines())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the log, private as the program makes it."""
    made = tmp_path / "log"
    made.mkdir(0o700)
    return made


def test_logrotate_understands_the_shipped_file(folder: Path) -> None:
    """`logrotate -d` finds no fault, in the file or in the folder's mode."""
    log.configure(Destination(file_path=folder / "app.log"))
    log.event("one", number=1)
    said = rotate(folder, "--debug", "--force")
    assert "error" not in said
    assert "rotating log" in said
    assert (folder / "app.log").exists()


def test_no_line_is_lost_or_doubled_while_it_rotates(folder: Path) -> None:
    """A run of hours goes on in the new file; every file is private."""
    log.configure(Destination(file_path=folder / "app.log"))
    over, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not over.is_set():
            log.event("happened", number=written)
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            rotate(folder, "--force")
    finally:
        over.set()
        writer.join()

    assert numbers_in(folder) == list(range(written))
    assert len(list(folder.glob("app.log.*"))) >= 3
    assert {path.stat().st_mode & 0o777 for path in folder.glob("app.log*")} == {0o600}


def test_a_file_that_was_copied_and_truncated_goes_on_at_its_new_end(folder: Path) -> None:
    """`copytruncate` of somebody's own configuration: no hole of zero bytes stands before the next line."""
    log.configure(Destination(file_path=folder / "app.log"))
    log.event("one", number=1)
    rotate(folder, "--force", more="copytruncate")
    log.event("two", number=2)
    assert json.loads((folder / "app.log").read_text())["number"] == 2
    assert numbers_in(folder) == [1, 2]


def test_a_long_line_is_written_at_once(folder: Path) -> None:
    """So that those of two processes never mix."""
    path = folder / "app.log"
    log.configure(Destination(file_path=path))

    def write(letter: str) -> None:
        for number in range(50):
            log.event("happened", number=number, words=letter * 50_000)

    writers = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(numbers_in(folder)) == 100


def test_a_run_goes_on_when_its_log_is_rotated_under_it(tmp_path: Path) -> None:
    """Between two commands, with the log beside the catalog, where it lies by default."""
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (a)")
    assert project.run("backup").status == 0
    state = tmp_path / "catalog/state"
    rotate(state, "--force")
    assert not (state / "vya_backup.log").exists()
    assert project.run("backup", "--force").status == 0
    for name in ("vya_backup.log", "vya_backup.log.1"):
        assert '"event": "checksummed"' in (state / name).read_text()
        assert (state / name).stat().st_mode & 0o777 == 0o600
