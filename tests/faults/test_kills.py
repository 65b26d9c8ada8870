"""kill -9 at random moments over the main commands: nothing good is lost, nothing is left after the next run."""

from __future__ import annotations

import gzip
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults import promises
from tests.faults.sweep import SEED
from tests.faults.tracing import environment
from tests.project import CONFIGURATION, Project, new_project

SHORT, LONG = 3, 1000
COMMANDS = (
    ("backup", "--force"),
    ("backup", "--database", "shop", "--force"),
    ("restore:local/shop", "--force"),
    ("restore:local/shop", "--to", "copy", "--force"),
)
FIRST_EFFECT_SECONDS = 0.3
"""Before this a run has only imported modules."""
ROWS = 20_000


def test_no_kill_loses_or_falsely_claims_anything(tmp_path: Path, long: bool) -> None:
    """Each is followed by a clean run; then what the catalog calls good unpacks, is whole, and nothing is left."""
    project = new_project(tmp_path, CONFIGURATION)
    for name in ("shop", "other"):
        project.execute(name, "CREATE TABLE t (v int, filler text)", _insert(ROWS))
    assert project.run("backup").status == 0
    chance = random.Random(SEED)
    slowest = max(_seconds(project, words) for words in COMMANDS)
    broken: list[str] = []
    for number in range(LONG if long else SHORT):
        words = chance.choice(COMMANDS)
        after = chance.uniform(FIRST_EFFECT_SECONDS, slowest)
        before = promises.good_backups(project)
        _kill(project, words, after)
        found = [*promises.of_processes(project), *_lost(project, before)]
        done = project.run("backup", **environment(project))
        if done.status:
            found.append(f"the next run ends with {done.status}: {done.said}")
        found += [*promises.of_leftovers(project), *_torn(project)]
        broken += [f"kill {number}, {' '.join(words)} after {after:.3f} s: {one}" for one in found]
    broken += [*promises.of_good_backups(project, before), *_unrestorable(project)]

    assert broken == []


def _insert(rows: int) -> str:
    return (
        "INSERT INTO t WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < "
        f"{rows}) SELECT x, hex(randomblob(20)) FROM c"
    )


def _seconds(project: Project, words: tuple[str, ...]) -> float:
    began = time.monotonic()
    done = project.run(*words, **environment(project))
    assert done.status == 0, done.said
    return time.monotonic() - began


def _kill(project: Project, words: tuple[str, ...], after: float) -> None:
    process = project.start(*words, **environment(project))
    time.sleep(after)  # the moment is the point: there is nothing to wait for
    process.kill()
    process.communicate()


def _lost(project: Project, before: dict[str, dict[str, Any]]) -> Iterator[str]:
    now = promises.good_backups(project)
    yield from (f"good backup {lost} is lost" for lost in before.keys() - now.keys())


def _torn(project: Project) -> Iterator[str]:
    for path in project.database("x").parent.glob("*.db"):
        if project.rows(path.stem, "PRAGMA integrity_check") != [("ok",)]:
            yield f"{path.name} is damaged"
        elif project.rows(path.stem, "SELECT count(*) FROM t") != [(ROWS,)]:
            yield f"{path.name} lacks rows"


def _unrestorable(project: Project) -> Iterator[str]:
    """Open each good backup as the database that it is."""
    scratch = project.folder / "restored.db"
    for row in promises.good_backups(project).values():
        scratch.write_bytes(gzip.decompress((project.folder / "backups" / row["path"]).read_bytes()))
        connection = sqlite3.connect(scratch)
        rows = connection.execute("SELECT count(*) FROM t").fetchall()
        connection.close()
        if rows != [(ROWS,)]:
            yield f"{row['path']} holds {rows} rows"
