"""The units' own commands, as their own user and behind their walls: back up, verify, prune, measure, serve."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.unit_walls import Unit
from tests.project import Project, new_project
from tests.site.conftest import free_port, open_folder, wait_until
from vya_backup.resources import resource

USER = "nobody"
PROGRAM = str(Path(sys.executable).with_name("vya-backupdb"))


@pytest.fixture
def project() -> Iterator[Project]:
    """A project of the user's own, with a place for metrics and for the published copy."""
    with open_folder("vya-units-") as home:
        made = new_project(
            home,
            "application: {hostname: testhost}\n"
            "instances: [{id: local, type: sqlite, path: data/*.db}]\n"
            "storage: {base_path: backups}\n"
            f"catalog: {{path: state/catalog.db, published_path: {home}/published/catalog.db}}\n"
            "monitoring: {prometheus: {textfile: metrics/v.prom}}\n",
        )
        made.execute("shop", "CREATE TABLE item (name TEXT)", "INSERT INTO item VALUES ('thing')")
        for name in ("backups", "state", "published", "metrics", "units"):
            (home / name).mkdir()
        if os.geteuid() == 0:
            for path in (home, *home.rglob("*")):
                shutil.chown(path, USER, "nogroup")
        yield made


def run(unit: Unit, folder: Path, command: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a unit's command to its end."""
    return subprocess.run(
        unit.argv(command), env=unit.environment, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )


def test_the_units_do_their_work_behind_their_walls(project: Project) -> None:
    """As written by `schedule install`; what they may not write they cannot, and the site shows what they published."""
    units, home = project.folder / "units", project.folder
    assert project.run("schedule", "install", "--folder", str(units), "--account", USER).status == 0
    for job in ("backup", "verify", "prune"):
        done = run(Unit(units / f"vya-backupdb-{job}.service"), home)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "executions_total" in (home / "metrics/v.prom").read_text()
    assert [path.stat().st_mode & 0o077 for path in project.files("*.gz")] == [0]
    backup = Unit(units / "vya-backupdb-backup.service")
    refused = run(backup, home, ["touch", f"{home}/config/mine"])
    assert "Read-only file system" in refused.stderr
    capabilities = run(backup, home, ["sh", "-c", "grep -h -E '^(Cap(Eff|Bnd)|NoNewPrivs)' /proc/self/status"])
    assert [line.split()[1].strip("0") for line in capabilities.stdout.splitlines()] == ["", "", "1"]
    _serves(home)


def _serves(home: Path) -> None:
    """The site's unit answers what the runs published."""
    config, port = home / "site.yaml", free_port()
    config.write_text(f"catalog: {{published_path: {home}/published/catalog.db}}\nsite: {{port: {port}}}\n")
    config.chmod(0o644)
    paths = {
        "/opt/vya-backupdb/.venv/bin/vya-backupdb": PROGRAM,
        "/etc/vya_backupdb/site.yaml": str(config),
        "User=vya-site": f"User={USER}",
    }
    unit = Unit(resource("config/systemd/vya-backupdb-site.service"), paths)
    with subprocess.Popen(
        unit.argv(), env=unit.environment, cwd="/", stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            wait_until(lambda: process.poll() is not None or _answer(port) is not None)
            answer = _answer(port)
            assert answer is not None
            assert "vya_backup_last_run_exit_status 0.0" in answer
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # a change of the user takes bwrap's hold of its child away


def _answer(port: int) -> str | None:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    except httpx.TransportError:
        return None
