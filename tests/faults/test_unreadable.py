"""What cannot be read, a stored backup or another account's folder: nothing is known against it, and nothing for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.faults.tracing import demand_strace
from tests.project import CONFIGURATION, new_project


@pytest.mark.parametrize(("copies", "stands"), [(True, 1), (False, 0)])
def test_a_rebuild_calls_what_it_could_not_read_neither_good_nor_damaged(
    tmp_path: Path, copies: bool, stands: int
) -> None:
    """The history's word stands where there is one; a sidecar alone makes nothing good. Reading it later settles it."""
    demand_strace()
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE t (v int)")
    assert project.run("backup").status == 0
    (dump,) = project.files("*.db.gz")
    (project.folder / "catalog/catalog.db").unlink()
    if not copies:
        shutil.rmtree(project.folder / "backups/testhost/@catalog")
    failing = ("strace", "-f", "-qq", "-o", "trace", "-P", str(dump), "-e", "inject=fsync:error=EIO")

    done = project.outcome([*failing, *project.command("catalog", "rebuild")])

    assert done.status == 1
    assert "could not be read" in done.out
    assert [event["data"]["verdict"] for event in project.events("type = 'verified'")] == ["cannot judge"]
    assert "damaged" not in project.types()
    assert len([row for row in project.json("backups") if row["state"] == "good"]) == stands

    assert project.run("verify").status == 0
    assert [row["state"] for row in project.json("backups")] == ["good"]


TWO_OWNERS = CONFIGURATION.replace("storage:", "  - {id: theirs, type: sqlite, path: closed/app.db}\nstorage:")


def test_an_instance_in_a_closed_folder_fails_alone(tmp_path: Path) -> None:
    """As root without capabilities, as in a unit, and as anybody: the other instance is backed up."""
    project = new_project(tmp_path, TWO_OWNERS)
    project.execute("shop", "CREATE TABLE t (v int)")
    closed, without = tmp_path / "closed", ()
    closed.mkdir()
    shutil.copy(project.database("shop"), closed / "app.db")
    (tmp_path / "data/link.db").symlink_to(closed / "app.db")
    if os.geteuid() == 0:
        os.chown(closed, 12345, 12345)
        without = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    closed.chmod(0o700 if without else 0o000)

    done = project.outcome([*without, *project.command("backup")])

    closed.chmod(0o700)
    assert done.status == 1
    assert f"the folder {closed} cannot be searched: Permission denied" in done.said
    assert "FAIL local/link" in done.said
    assert "the file cannot be read: Permission denied" in done.said
    assert "Traceback" not in done.said
    (failed,) = project.events("type = 'discovery_failed'")
    assert failed["instance"] == "theirs"
    assert [(row["instance"], row["state"]) for row in project.json("backups")] == [("local", "good")]
