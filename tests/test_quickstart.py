"""The first of the two commands that a newcomer runs, in a copy of this tree; its packages are the ones installed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTENT = ("vya_backup", "scripts", "catalog/migrations", "catalog/views", "config/config.example.yaml", "dodo.py")
FILES = ("pyproject.toml", "requirements.lock", "requirements-run.lock")
DATABASE = "quickstart/data/shop.db"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout in which packages are installed and nothing has ever run."""
    for name in (*CONTENT, *FILES):
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    (tmp_path / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        (tmp_path / ".venv" / path.name).symlink_to(path)
    (tmp_path / ".venv" / "installed-run.lock").unlink(missing_ok=True)
    shutil.copy2(ROOT / "requirements-run.lock", tmp_path / ".venv" / "installed-run.lock")
    return tmp_path


def quickstart(tree: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VYA_")} | {"PYTHONPATH": str(tree)}
    return subprocess.run(
        ["scripts/quickstart"], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def shop(tree: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(tree / DATABASE)) as connection, connection:
        return connection.execute(sql).fetchall()


def files(tree: Path) -> set[str]:
    return {str(p.relative_to(tree)) for p in tree.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def test_one_command_shows_a_database_backed_up_lost_and_brought_back(tree: Path) -> None:
    """And a second one finds everything up to date."""
    before = files(tree)

    first, second = quickstart(tree), quickstart(tree)

    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    for done in (first, second):
        assert "are the same as before, each of them" in done.stdout
        assert "Try next" in done.stdout
        assert done.stderr == ""
        assert max(map(len, done.stdout.replace(str(tree), "/home/me/vya").splitlines())) <= 80
    assert "up to date" not in first.stdout
    assert "up to date" in second.stdout
    assert shop(tree, "SELECT count(*) FROM purchase") == [(1500,)]
    assert shop(tree, "PRAGMA journal_mode") == [("wal",)]
    new = files(tree) - before
    assert len([name for name in new if name.endswith(".db.gz")]) == 1
    assert {name.split("/")[0] for name in new} == {"quickstart", "config", "backups", "catalog"}


def test_a_configuration_that_exists_is_not_touched_and_not_used(tree: Path) -> None:
    """Nobody wants a demonstration to dump the servers in there."""
    mine = tree / "config" / "config.yaml"
    mine.write_text("instances: [{id: prod, type: postgresql, host: 192.0.2.1}]\n")

    done = quickstart(tree)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "prod" not in done.stdout
    assert "export VYA_CONFIG=quickstart/config/config.yaml" in done.stdout
    assert mine.read_text() == "instances: [{id: prod, type: postgresql, host: 192.0.2.1}]\n"
    assert not (tree / "backups").exists()


def test_a_shop_that_was_used_meanwhile_keeps_what_was_added(tree: Path) -> None:
    """Its backup of today is fresh and yet lacks that row, so another one is made before it is deleted."""
    quickstart(tree)
    shop(tree, "INSERT INTO customer VALUES (9999, 'Rosa Luz', 'rosa@shop.example', 'Recife')")

    done = quickstart(tree)

    assert done.returncode == 0, done.stdout + done.stderr
    assert shop(tree, "SELECT name FROM customer WHERE id = 9999") == [("Rosa Luz",)]


def test_a_failure_ends_it_with_the_reason(tree: Path) -> None:
    """The shop is not deleted when its backup failed."""
    (tree / "backups").write_text("a file in the place of the folder")

    done = quickstart(tree)

    assert done.returncode == 1
    assert "doit backup ended with status 1" in done.stdout
    assert (tree / DATABASE).exists()
