"""`verify`: reads stored backups again, says what it thinks of each, and fails when one is not what it was."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from doit.exceptions import TaskFailed

from tests.project import CONFIGURATION, Project
from vya_backup.command_line import session as sessions
from vya_backup.command_line.options import VERIFY, Selection
from vya_backup.command_line.selecting import verified
from vya_backup.command_line.session import Session
from vya_backup.command_line.verify_actions import verify_backup
from vya_backup.command_line.verify_choosing import choose
from vya_backup.decisions.naming import Key
from vya_backup.errors import UsageError
from vya_backup.history.verifiable import verifiable
from vya_backup.settings.loading import load
from vya_backup.transport.processes import stop


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def looked_at(project: Project) -> list[str]:
    """Return the databases of all verifications, in order."""
    return [event["database"] for event in project.events("type = 'verified'")]


def states(project: Project) -> dict[str, str]:
    """Return the state of each database's newest backup."""
    return {row["database"]: row["state"] for row in reversed(project.json("backups"))}


def test_everything_is_read_again_and_told(project: Project) -> None:
    """A line for each, a table, an event for each, exit status 0; reading changes no file."""
    project.run("backup")
    before = [(path, path.read_bytes()) for path in project.files()]

    done = project.run("verify")

    assert done.status == 0, done.said
    assert "2 done" in done.out
    assert {word for line in done.out.splitlines() if (word := line[:15]) in {"ok   local/crm ", "ok   local/shop"}}
    assert sorted(looked_at(project)) == ["crm", "shop"]
    assert [(path, path.read_bytes()) for path in project.files()] == before
    assert all(row["verified_at"] and row["verdict"] == "pass" for row in project.json("backups"))


def test_a_damaged_backup_is_loud_and_does_not_stop_the_others(project: Project) -> None:
    """Exit status 1, the checks in words, the state; the next backup mends it; and the log has it as an error."""
    project.run("backup")
    flip(next(iter(project.files("shop*.db.gz"))))

    done = project.run("verify")

    assert done.status == 1
    assert "FAIL local/shop" in done.out
    assert "DAMAGED: its SHA-256 is" in done.out
    assert "1 done, 1 failed" in done.out
    assert states(project) == {"shop": "damaged", "crm": "good"}
    assert '"level": "error"' in (project.folder / "catalog/state/vya_backup.log").read_text()
    again = project.run("backup")
    assert "1 done, 1 up to date" in again.out, again.said
    assert states(project) == {"shop": "good", "crm": "good"}


def test_a_sidecar_alone_fails_the_run_and_leaves_the_backup_good(project: Project) -> None:
    """It restores; `backups` shows what is wrong beside it."""
    project.run("backup:local/shop")
    (checksum,) = project.files("shop*.sha256")
    flip(checksum)

    done = project.run("verify")

    assert done.status == 1
    assert "The dump itself is intact" in done.out
    assert "good, sidecar" in project.run("backups").out
    project.database("shop").unlink()
    assert project.run("restore:shop").status == 0


def test_what_cannot_be_judged_is_told_as_that(project: Project) -> None:
    """The tree is not there: nothing becomes missing, and the exit status is not 0."""
    project.run("backup")
    (project.folder / "backups").rename(project.folder / "unmounted")

    done = project.run("verify")

    assert done.status == 1
    assert "??   local/shop" in done.out
    assert "cannot judge: " in done.out
    assert "2 not judged" in done.out
    assert states(project) == {"shop": "good", "crm": "good"}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("verify", ["a/crm", "a/shop", "b/crm", "b/x*y"]),
        ("verify:a", ["a/crm", "a/shop"]),
        ("verify:b/crm", ["b/crm"]),
        ("verify:shop", ["a/shop"]),
        ("verify:*/crm", ["a/crm", "b/crm"]),
        ("verify:b/x%2Ay", ["b/x*y"]),
    ],
)
def test_names_say_what_is_verified(word: str, meant: list[str]) -> None:
    """Everything, an instance, a database, its short name, a pattern."""
    keys = [Key("a", "shop"), Key("a", "crm"), Key("b", "crm"), Key("b", "x*y")]
    assert [str(key) for key in verified(Selection(word, {}), keys)] == meant


def test_a_pattern_verifies_what_it_matches_and_a_typo_nothing(project: Project) -> None:
    """And never exits 0."""
    project.run("backup")

    assert project.run("verify:*/s*").status == 0
    typo = project.run("verify:shopp")

    assert looked_at(project) == ["shop"]
    assert typo.status == 3
    assert "'shopp'" in typo.err
    assert "local/shop" in typo.err


def test_a_limit_takes_what_was_looked_at_longest_ago(project: Project) -> None:
    """Never verified ones first; a dry run shows the order and reads nothing."""
    project.run("backup:local/shop")
    project.run("verify")
    project.run("backup:local/crm")

    shown = project.run("verify", "--dry-run")
    assert [line.split()[0] for line in shown.out.splitlines()[:2]] == ["local/crm", "local/shop"]
    assert "local/crm" in shown.out.splitlines()[0]
    assert "never verified" in shown.out.splitlines()[0]
    assert "2 backups would be read" in shown.out
    assert looked_at(project) == ["shop"]
    for _ in range(2):
        assert project.run("verify", "--limit", "1").status == 0
    assert looked_at(project) == ["shop", "crm", "shop"]


def test_a_rolling_run_takes_the_nights_share(project: Project) -> None:
    """Two backups, two days: one a night, in turn."""
    project.configure(CONFIGURATION + "verification: {every_days: 2}\n")
    project.run("backup")

    for _ in range(2):
        assert project.run("verify", "--rolling").status == 0

    assert sorted(looked_at(project)) == ["crm", "shop"]


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"all": True, "rolling": True}, "--all and --rolling"),
        ({"all": True, "limit": 1}, "--all and --limit"),
        ({"limit": -1}, "--limit=-1"),
        ({"max_minutes": -5}, "--max-minutes=-5"),
        ({"drill": True, "limit": 1}, "--drill and --limit"),
        ({"backup": "01a1"}, "--backup is for --drill"),
    ],
)
def test_options_without_sense_are_refused(late: Session, said: dict[str, int], refused: str) -> None:
    """Before anything is read."""
    options = {declared["name"]: declared["default"] for declared in VERIFY} | said
    late.selections = [Selection("verify", options)]
    with pytest.raises(UsageError, match=refused):
        choose(late)


def test_nothing_to_verify_is_no_failure(project: Project) -> None:
    """A timer that is faster than the first backup."""
    done = project.run("verify")
    assert done.status == 0
    assert "no stored backup" in done.out


def test_one_command_backs_up_and_verifies(project: Project) -> None:
    """The two never stand in each other's way, though both hold the lock of the same database."""
    project.run("backup")

    done = project.run("backup", "--force", "--workers", "4", "verify")

    assert done.status == 0, done.said
    assert "4 done" in done.out
    assert sorted(looked_at(project)) == ["crm", "shop"]


@pytest.fixture
def late(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A run over the backups of the project whose time is over."""
    monkeypatch.chdir(project.folder)
    loaded = load(project.folder / "config/config.yaml", {})
    with sessions.opened(loaded, read_only=False) as workspace:
        made = Session(workspace, loaded, [], verify_until=float("-inf"))
        monkeypatch.setattr(sessions, "_current", [made])
        yield made


def test_when_the_minutes_are_over_no_further_backup_is_begun(project: Project, late: Session) -> None:
    """It is counted, is no failure, and keeps its place in the queue."""
    project.run("backup:local/shop")
    (row,) = verifiable(late.workspace.catalog)

    assert verify_backup(row) is None

    assert [result.verdict for result in late.screen.results] == ["later"]
    assert looked_at(project) == []
    late.verify_until = float("inf")
    assert verify_backup(row) is None
    assert looked_at(project) == ["shop"]


def test_a_drill_restores_instead_of_reading(project: Project) -> None:
    """`verify --drill` is a rehearsed restore of what is named: `drilled`, and the database counts as proved."""
    project.run("backup")

    done = project.run("verify:shop", "--drill")

    assert done.status == 0, done.said
    assert "proved restorable" in done.out
    assert [(event["type"], event["database"]) for event in project.events("type IN ('drilled', 'verified')")] == [
        ("drilled", "shop")
    ]


def test_a_drill_of_nothing_known_is_no_backup(project: Project) -> None:
    """Without any database there is nothing to drill, and nothing else is done in its place."""
    done = project.run("verify", "--drill")

    assert project.events("type = 'started'") == []
    assert done.status == 0, done.said


def test_after_a_stop_what_was_not_begun_is_only_counted(
    project: Project, late: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of lines would hide what was found before; the task fails all the same."""
    project.run("backup:local/shop")
    (row,) = verifiable(late.workspace.catalog)
    monkeypatch.setattr(stop, "requested", signal.SIGTERM)

    assert isinstance(verify_backup(row), TaskFailed)

    assert [result.verdict for result in late.screen.results] == ["later"]
    assert looked_at(project) == []


def test_the_remedy_for_a_lost_backup_is_one_that_does_something(project: Project) -> None:
    """As a shell takes it; by force where an older one covers the day; and none where a newer one is good."""
    project.execute("my shop", "CREATE TABLE t (a)")
    assert project.run("backup").status == 0
    for dump in project.files("my shop_*.db.gz"):
        dump.unlink()

    alone = project.run("verify:local/my shop").out
    assert "or run: doit backup:'local/my shop'\n" in alone
    assert project.run("backup:local/my shop").status == 0
    assert "MISSING" in (beside := project.run("verify:local/my shop").out)
    assert "A newer good backup is there" in beside
    assert "or run:" not in beside

    assert project.run("backup:local/my shop", "--force").status == 0
    Path(project.folder / "backups" / project.json("backups", "local/my shop")[0]["path"]).unlink()
    newest = project.run("verify:local/my shop").out
    assert "or run: doit backup:'local/my shop' --force" in newest
