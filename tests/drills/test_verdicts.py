"""Three verdicts: a pass is believed, a failure is the backup's own, and all else cannot judge and says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.drills.conftest import Drills, configure
from tests.project import Outcome, Project
from tests.servers import PostgresqlServer


def verdict(project: Project) -> tuple[str, str]:
    """Return verdict and reason of the newest drill."""
    data = project.events("type = 'drilled'")[-1]["data"]
    return data["verdict"], data["reason"]


def change_sidecar(project: Project, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the one sidecar tell something else."""
    (path,) = project.files("*.metadata.json")
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def drilled(project: Project, *words: str, **environment: str) -> Outcome:
    """Back up and drill `shop`, which does not pass."""
    done = project.run("drill:local/shop", *words, **environment)
    assert done.status == 1, done.said
    return done


def test_a_copy_that_differs_from_the_manifest_fails(files: Project) -> None:
    """Loud, with the difference; the backup is not proved by it."""
    assert files.run("backup").status == 0
    change_sidecar(files, lambda told: told["manifest"]["rows"].update(item=51))

    done = drilled(files)

    assert "item has 50 rows instead of 51" in done.out
    assert verdict(files)[0] == "fail"
    assert [row["drilled_at"] for row in files.json("backups")] == [None]


def test_an_artifact_that_is_damaged_fails(files: Project) -> None:
    """The drill reads it back first; the damage is a fact of its own."""
    assert files.run("backup").status == 0
    (dump,) = files.files("*.db.gz")
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(bytes(content))

    done = drilled(files)

    assert "damaged" in done.out
    assert verdict(files)[0] == "fail"
    assert files.types()[-4:-1].count("damaged") == 1


def test_assertions_are_asked_of_the_restored_copy(files: Project) -> None:
    """A wrong answer fails the drill, and so does a question that cannot be asked; all of them are told at once."""
    right = [asked("SELECT count(*) FROM item", 50), asked("SELECT name FROM item WHERE id = 7", "thing 6")]
    wrong = [asked("SELECT 1 + 1", 3), asked("SELECT missing FROM item", 1)]
    other = asked("SELECT 1", 2, "local/other")
    assert files.run("backup").status == 0

    configure(files, {"assertions": [*right, other]})
    first = files.run("drill:local/shop")
    configure(files, {"assertions": [*right, *wrong]})
    second = drilled(files)

    assert first.status == 0, first.said
    assert "2 assertions held" in first.out
    assert verdict(files)[0] == "fail"
    assert "'SELECT 1 + 1' gives 2 instead of 3" in second.out
    assert "'SELECT missing FROM item' cannot be asked: no such column" in second.out


def asked(sql: str, expect: object, database: str = "local/*") -> dict[str, object]:
    """Return one assertion of the configuration."""
    return {"database": database, "sql": sql, "expect": expect}


def test_without_a_sandbox_nothing_is_judged(files: Project, tmp_path: Path) -> None:
    """Unless the configuration says that none is wanted; then it is told with the result."""
    assert files.run("backup").status == 0

    refused = drilled(files, PATH=str(tmp_path / "empty"))
    configure(files, {"sandbox": "none"})
    done = files.run("drill:local/shop")

    assert "cannot judge" in refused.out
    assert files.events("type = 'drilled'")[0]["data"]["verdict"] == "cannot judge"
    assert "apt-get install bubblewrap" in refused.out
    assert done.status == 0, done.said
    assert "sandbox: none" in done.out


def test_a_missing_extension_is_named_and_not_judged(postgresql_15: PostgresqlServer, drills_of: Drills) -> None:
    """The backup may be fine: this machine cannot tell."""
    project = small(postgresql_15, drills_of)
    change_sidecar(project, lambda told: told["needs"].update(extensions=["postgis_of_somebody_else"]))

    done = project.run("drill:source/small")

    assert done.status == 1
    assert verdict(project)[0] == "cannot judge"
    assert "postgis_of_somebody_else" in verdict(project)[1]


def test_without_a_fitting_server_nothing_is_judged(postgresql_15: PostgresqlServer, drills_of: Drills) -> None:
    """What is wanted and what is there are named."""
    project = small(postgresql_15, drills_of)
    change_sidecar(project, lambda told: told["needs"].update(server_version=[99, 1]))

    project.run("drill:source/small")

    assert verdict(project)[0] == "cannot judge"
    assert "no postgres of postgresql 99 or later" in verdict(project)[1]


def test_the_view_tells_when_a_database_was_last_proved(files: Project) -> None:
    """And how its newest drill ended, whatever came after the proof."""
    assert files.run("backup").status == 0
    assert files.run("drill:local/shop").status == 0
    change_sidecar(files, lambda told: told["manifest"]["rows"].update(item=51))
    drilled(files)

    (row,) = view(files)

    proof = files.events("type = 'drilled'")[0]
    assert (row["proved_at"], row["backup_id"]) == (proof["at"], proof["backup_id"])
    assert row["duration_seconds"] == proof["data"]["duration_seconds"]
    assert (row["rows"], row["drills"], row["last_verdict"]) == (50, 2, "fail")


def view(project: Project) -> list[dict[str, Any]]:
    """Read the view `drills`."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(project.folder / "catalog/catalog.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM drills")]


def small(server: PostgresqlServer, drills_of: Drills) -> Project:
    """Back up a small database, and drop it."""
    server.drop_database("small")
    server.create_database("small")
    server.sql("CREATE TABLE item (a int)", "small")
    project = drills_of(source=server)
    assert project.run("backup", "--database", "small").status == 0
    server.drop_database("small")
    return project
