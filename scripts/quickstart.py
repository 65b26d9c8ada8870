"""Tells the main job in seven steps on a small shop; scripts/quickstart has set everything up before.

A configuration that exists is never touched: then the shop gets one of its own under quickstart/.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import sys
from pathlib import Path

import shop

HERE = Path("quickstart")
DATABASE = HERE / "data" / "shop.db"
LAST_SEEN = HERE / "shop.digest"
CONFIGURATION = """\
# Written by scripts/quickstart. Add your own servers here; config.example.yaml shows every key.
application: {{environment: dev}}
instances:
  - id: local
    type: sqlite
    path: {path}
storage:
  base_path: backups
"""
MAIN = Path("config/config.yaml"), CONFIGURATION.format(path="quickstart/data/*.db")
OWN = HERE / "config/config.yaml", CONFIGURATION.format(path="data/*.db")
WIDTH = 78


def main() -> int:
    """Run the steps; the exit status says whether the shop came back as it was."""
    print("\n  VYA BackupDB quickstart\n")
    config = configuration()
    step(1, "Set up", f"Python {platform.python_version()} and all packages in .venv, {config}")
    before = database()
    step(3, "Back it up", "$ doit backup")
    doit(config, "backup", *(["--force"] if changed(before) else []))
    step(4, "Look", "$ doit backups")
    doit(config, "backups")
    step(5, "Lose it", f"$ rm {DATABASE}")
    lose()
    step(6, "Bring it back", "$ doit restore:shop")
    doit(config, "restore:shop")
    after = shop.contents(DATABASE)
    if after != before:
        step(7, "Compare", f"{after.rows:,} rows came back, and they differ from the {before.rows:,} before")
        return 1
    step(7, "Compare", f"{after.rows:,} rows in {after.tables} tables are the same as before, each of them")
    LAST_SEEN.write_text(after.digest)
    tell_the_end(config)
    return 0


def configuration() -> Path:
    """Return the configuration to use: the main one where it is free or ours, else one of the shop's own."""
    path, text = MAIN if not MAIN[0].exists() or MAIN[0].read_text() == MAIN[1] else OWN
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path


def database() -> shop.Contents:
    """Write the shop unless it is there, and return what it holds."""
    there = DATABASE.exists()
    if not there:
        shop.open_shop(DATABASE)
    found = shop.contents(DATABASE)
    how = "is there" if there else "is new"
    step(2, "A database", f"{DATABASE} {how}: {found.rows:,} rows in {found.tables} tables")
    return found


def changed(now: shop.Contents) -> bool:
    """Say whether somebody has used the shop since the last time: then its backup is fresh and yet too old."""
    return LAST_SEEN.exists() and LAST_SEEN.read_text() != now.digest


def lose() -> None:
    """Delete the database with everything that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{DATABASE}{suffix}").unlink(missing_ok=True)


def doit(config: Path, *words: str) -> None:
    """Run a command of the tool, its output indented; a failure ends the quickstart with its status."""
    environment = os.environ | {"VYA_CONFIG": str(config.absolute()), "COLUMNS": str(WIDTH - 4)}
    argv = [str(Path(sys.executable).with_name("doit")), *words]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(f"       {line.rstrip()}".rstrip(), flush=True)
    print()
    if child.returncode:
        print(f"  doit {' '.join(words)} ended with status {child.returncode}; its last lines say why.\n")
        sys.exit(child.returncode)


def step(number: int, name: str, what: str) -> None:
    """Print the heading of a step."""
    print(f"  {number}  {name:<14} {what}", flush=True)


def tell_the_end(config: Path) -> None:
    """Print what happened, and what to try next."""
    before = "" if config == MAIN[0] else f"    export VYA_CONFIG={config}\n"
    print(f"""
  What happened: SQLite's online backup copied the shop while it could have been
  in use; the copy was checked, compressed, written under its final name only
  when complete, and read back from the disk. The restore loaded it beside the
  target, compared it with the manifest, and only then gave it its name. Each
  step is an event in a catalog whose hash chain nobody can change unseen.

  Try next
{before}    .venv/bin/doit restore:shop --to shop-copy
    .venv/bin/doit status
    .venv/bin/doit list

  Then put your own servers into config/config.yaml.
""")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"  The quickstart stopped: {error}")
