"""A backup that cannot be read while a lost catalog is made again: nothing is known against it, and nothing for it."""

from __future__ import annotations

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
