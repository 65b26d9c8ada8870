"""`backup`: does what is due, leaves alone what is fresh, and says why."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import stat
import subprocess
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from tests.project import CONFIGURATION, Project
from vya_backup.command_line import backup_actions
from vya_backup.command_line import session as sessions
from vya_backup.command_line.main import main
from vya_backup.decisions.naming import Key
from vya_backup.history.events import AccountsChanged
from vya_backup.jobs.discovery import discover
from vya_backup.jobs.dumping import Order, dump_database
from vya_backup.jobs.planning import plan, wanted_from_discovery
from vya_backup.outlook.screen import Screen
from vya_backup.settings.loading import load
from vya_backup.transport.pipeline import silent

if TYPE_CHECKING:
    from vya_backup.command_line.session import Session
    from vya_backup.history.views import BackupRow


def test_the_very_first_backup_finds_and_dumps_every_database(project: Project) -> None:
    """An empty folder, one command: discovery, dump, checksum, all in the catalog."""
    done = project.run("backup")

    assert done.status == 0, done.said
    states = {(row["database"], row["state"]) for row in project.json("backups")}
    assert states == {("shop", "good"), ("crm", "good")}
    life = [event["type"] for event in project.events("database = 'shop'")]
    assert life == ["started", "dumped", "checksummed"]


def test_running_it_again_changes_nothing(project: Project) -> None:
    """Promise 8: no event, no file, exit status 0."""
    project.run("backup")
    before = (project.events(), project.files())

    done = project.run("backup")

    assert done.status == 0
    assert "2 up to date" in done.out
    assert (project.events(), project.files()) == before


def test_without_a_task_it_backs_up(project: Project) -> None:
    """`doit` alone is `doit backup`."""
    assert project.run().status == 0
    assert len(project.json("backups")) == 2


def test_a_dump_restores_without_this_tool_and_its_checksum_file_is_what_sha256sum_reads(project: Project) -> None:
    """The artifact stands for itself."""
    project.run("backup:local/shop")
    dump = next(path for path in project.files("shop*.db.gz"))

    checked = subprocess.run(
        ["sha256sum", "-c", f"{dump.name}.sha256"], cwd=dump.parent, capture_output=True, check=False
    )

    assert checked.returncode == 0
    assert gzip.decompress(dump.read_bytes()).startswith(b"SQLite format 3\0")


def test_the_metadata_holds_the_specified_fields(project: Project) -> None:
    """The names of the specification, with the values of this dump."""
    project.run("backup:local/shop")
    (path,) = project.files("shop*.metadata.json")

    metadata = json.loads(path.read_text())

    dump = path.with_name(metadata["file_info"]["filename"])
    assert metadata["backup_info"]["database_id"] == "local"
    assert metadata["backup_info"]["database_name"] == "shop"
    assert metadata["backup_info"]["backup_type"] == "full"
    assert metadata["file_info"]["size_bytes"] == dump.stat().st_size
    assert metadata["file_info"]["checksum"] == hashlib.sha256(dump.read_bytes()).hexdigest()
    assert metadata["schema_info"]["tables_count"] == 1
    assert metadata["manifest"]["rows"] == {"item": 500}
    assert metadata["chain"]["position"] < project.json("audit")["head"]["position"]


def test_files_and_folders_are_private(project: Project) -> None:
    """0600 and 0700, whatever the umask was."""
    subprocess.run(["sh", "-c", 'umask 0; exec "$@"', "sh", *project.command("backup")], cwd=project.folder, check=True)

    everything = [*(project.folder / "backups").rglob("*"), *(project.folder / "catalog").rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in everything}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_a_missing_file_makes_its_database_due(project: Project) -> None:
    """Someone deleted a dump: it is made again, the others are not."""
    project.run("backup")
    next(iter(project.files("shop*.db.gz"))).unlink()

    done = project.run("backup")

    assert done.status == 0, done.said
    assert "1 done, 1 up to date" in done.out
    assert len([row for row in project.json("backups") if row["database"] == "shop"]) == 2


def test_a_file_that_changed_is_read_again_and_found_damaged(project: Project) -> None:
    """The same size, other bytes, a new time stamp: the checksum task is no longer up to date."""
    project.run("backup")
    (dump,) = project.files("shop*.db.gz")
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)

    done = project.run("backup")

    assert done.status == 1
    assert "damaged" in done.said
    assert [row["state"] for row in project.json("backups", "local/shop")] == ["damaged"]
    assert project.run("backup").status == 0
    assert [row["state"] for row in project.json("backups", "local/shop")] == ["good", "damaged"]


def test_force_dumps_again_and_overwrites_nothing(project: Project) -> None:
    """A second dump of the same slot stands beside the first."""
    project.run("backup:local/shop")
    first = project.files()

    done = project.run("backup:local/shop", "--force")

    assert done.status == 0, done.said
    assert set(first) < set(project.files())
    assert len(project.json("backups", "local/shop")) == 2


@pytest.fixture
def unread(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dump of `shop` whose run ended between its publication and its read-back."""
    monkeypatch.chdir(project.folder)
    loaded = load(project.folder / "config/config.yaml", {})
    with sessions.opened(loaded, read_only=False) as workspace:
        found = [wanted_from_discovery(one) for one in discover(workspace, list(workspace.enabled_instances()))]
        planned = plan(workspace, found, now=workspace.clock(), forced=lambda key: True)
        (order,) = (Order(one, forced=True) for one in planned if one.key.database == "shop")
        assert dump_database(workspace, order, silent)
    (dump,) = project.files("shop*.db.gz")
    return dump


def test_a_dump_that_was_never_read_back_is_read_beside_a_newer_one(project: Project, unread: Path) -> None:
    """No later plan would ask for it: it would be called running for ever."""
    done = project.run("backup", "--force")

    assert done.status == 0, done.said
    assert [row["state"] for row in project.json("backups", "local/shop")] == ["good", "good"]


def test_a_newer_dump_is_good_whatever_an_unread_one_before_it_turns_out_to_be(project: Project, unread: Path) -> None:
    """The earlier one is damaged, loudly."""
    unread.write_bytes(unread.read_bytes()[:-1])

    done = project.run("backup", "--force")

    assert done.status == 1
    assert "damaged" in done.said
    assert [row["state"] for row in project.json("backups", "local/shop")] == ["good", "damaged"]


def test_a_dry_run_shows_the_plan_and_touches_nothing(project: Project) -> None:
    """No event beyond the catalog's own first one, no file."""
    done = project.run("backup", "--dry-run")

    assert done.status == 0
    assert "no good backup yet" in done.out
    assert project.types() == ["catalog_created"]
    assert not project.files()


def test_options_select_databases(project: Project) -> None:
    """`--instance` and `--database`, alone and together."""
    done = project.run("backup", "--instance", "local", "--database", "crm")

    assert done.status == 0, done.said
    assert [row["database"] for row in project.json("backups")] == ["crm"]


def test_a_database_that_does_not_exist_is_refused_by_name(project: Project) -> None:
    """A typo never exits 0, and the message says what there is."""
    for words in (["backup:local/shopp"], ["backup", "--database", "shopp"], ["backup:nope"]):
        done = project.run(*words)

        assert done.status == 3
        assert "shopp" in done.err or "nope" in done.err
        assert "local" in done.err


def test_what_is_left_out_is_listed_with_its_reason(project: Project) -> None:
    """`--list-databases` shows selections and exclusions, and dumps nothing."""
    project.configure(CONFIGURATION.replace("path: data/*.db", "path: data/*.db, exclude_databases: [cr*]"))

    done = project.run("backup", "--list-databases", "--instance", "local")

    assert done.status == 0
    assert "local/shop\n" in done.out
    assert "local/crm  left out: exclude_databases: cr*" in done.out
    assert not project.files()


def test_an_unreachable_instance_fails_alone(project: Project) -> None:
    """The healthy instance is backed up, the exit status tells, the failure is an event."""
    broken = "  - {id: gone, type: sqlite, path: /nonexistent/folder/*.db}\n"
    project.configure(CONFIGURATION.replace("storage:", broken + "storage:"))

    done = project.run("backup")

    assert done.status == 1
    assert "FAIL gone" in done.out
    assert "2 done, 1 failed" in done.out
    assert "discovery_failed" in project.types()


def test_a_server_that_was_down_costs_no_reading_of_what_was_read(project: Project) -> None:
    """Nothing changed meanwhile, so that the next run has nothing to do."""
    assert project.run("backup").status == 0
    data = project.folder / "data"
    data.rename(project.folder / "away")
    assert project.run("backup").status == 1
    (project.folder / "away").rename(data)

    done = project.run("backup")

    assert done.status == 0
    assert "read back" not in done.out
    assert "2 up to date" in done.out
    assert "task_forgotten" not in project.types()


def test_a_corrupt_database_fails_alone_and_leaves_no_file(project: Project) -> None:
    """Its failure is an event with the tool's first line; the other database is dumped."""
    path = project.database("shop")
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)

    done = project.run("backup")

    assert done.status == 1
    assert "FAIL local/shop" in done.out
    assert [row["database"] for row in project.json("backups") if row["state"] == "good"] == ["crm"]
    assert not project.files("*shop*")
    assert not project.files(".*")


def test_a_new_database_is_picked_up_at_once(project: Project) -> None:
    """Discovery runs with every backup."""
    project.run("backup")
    project.execute("new", "CREATE TABLE t (a)")

    done = project.run("backup")

    assert "1 done, 2 up to date" in done.out


def test_compression_on_the_command_line_changes_that_run_only(project: Project) -> None:
    """It is in that dump's metadata, and makes nothing due."""
    project.run("backup:local/shop", "--compression", "9")

    (path,) = project.files("shop*.metadata.json")
    assert json.loads(path.read_text())["file_info"]["compression_level"] == 9
    assert "1 up to date" in project.run("backup:local/shop").out


def test_zstd_files_are_named_for_what_they_are(project: Project) -> None:
    """The suffix follows the content, whatever the pattern ends in."""
    project.configure(CONFIGURATION + "backup: {compression: zstd}\n")

    assert project.run("backup").status == 0
    assert len(project.files("*.db.zst")) == 2


def test_patterns_select_several_databases(project: Project) -> None:
    """doit's own patterns work for backups."""
    done = project.run("backup:local/*")

    assert done.status == 0, done.said
    assert len(project.json("backups")) == 2


def test_the_legacy_names_are_used_when_configured(project: Project) -> None:
    """{date}-{type}-{hostname}-{db_name}."""
    naming = '{pattern: "{date}-{type}-{hostname}-{db_name}"}'
    storage = f'storage: {{base_path: backups, structure: "{{db_id}}", file_naming: {naming}}}'
    project.configure(CONFIGURATION.replace("storage: {base_path: backups}", storage))

    assert project.run("backup:local/shop").status == 0
    (dump,) = project.files("*.db.gz")
    assert dump.parent == project.folder / "backups/local"
    assert dump.name.endswith("-full-testhost-shop.db.gz")


def test_hostile_names_go_there_and_back(project: Project) -> None:
    """Signs that doit, a shell or a path could misread."""
    names = ["a=b", "x*", "[y]", "-rf", "ä ö", "100%", "semi;colon", "quo'te", "@team"]
    for name in names:
        project.execute(name, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")

    done = project.run("backup")

    assert done.status == 0, done.said
    for row in project.json("databases"):
        if row["database"] in names:
            task = next(p["task"] for p in project.json("plan") if p["database"] == row["database"])
            project.database(row["database"]).unlink()
            restored = project.run(task.replace("backup:", "restore:"))
            assert restored.status == 0, restored.said
            assert project.rows(row["database"], "SELECT a FROM t") == [(1,)]
    assert Path(project.folder / "backups").is_dir()


def test_a_hostile_name_is_counted_once(project: Project) -> None:
    """And is shown as it is, although doit knows it by another."""
    project.execute("50%=half", "CREATE TABLE t (a)")

    first, second = project.run("backup"), project.run("backup")

    assert "3 done" in first.out
    assert "up to date" not in first.out
    assert "--   local/50%=half  up to date" in second.out


def test_a_database_that_vanished_is_told(project: Project) -> None:
    """An absence is as loud as a failure."""
    project.run("backup")
    project.database("shop").unlink()

    done = project.run("backup")

    assert "local/shop was there before and is gone" in done.out


def test_the_log_has_a_line_for_each_event(project: Project) -> None:
    """One JSON line per event, in a private file beside the catalog."""
    project.run("backup")

    path = project.folder / "catalog/state/vya_backup.log"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines].count("checksummed") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_accounts_that_could_not_be_compared_are_not_called_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether they changed."""
    told = AccountsChanged(before="0", problem="cannot open F", backup_id="1", instance="pg", database="@users")
    monkeypatch.setattr(backup_actions, "changed_in", lambda catalog, backup_id: told)
    session = cast("Session", SimpleNamespace(workspace=SimpleNamespace(catalog=None), screen=Screen(StringIO())))

    backup_actions._tell_drift(session, cast("BackupRow", SimpleNamespace(backup_id="1")))

    out = cast("StringIO", session.screen.out).getvalue()
    assert out.strip() == "accounts could not be compared with the backup before: cannot open F"


def test_root_does_not_write_beside_the_catalog_of_another_account(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That account could not read it, and each of its nights would fail; looking is free."""
    assert project.run("backup").status == 0
    if os.geteuid() == 0:
        os.chown(project.catalog, 12, -1)  # for others their own catalog is one that is not root's
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("VYA_CONFIG", f"{project.folder}/config/config.yaml")
    before = project.files()
    assert main(["backup", "--force"]) == 3
    said = " ".join(capsys.readouterr().err.split())
    assert "who could not read what root writes beside it" in said
    assert "Say it as that account: sudo -u " in said
    assert project.files() == before
    assert main(["status"]) == 0


def test_what_was_only_read_back_is_as_fast_as_the_bytes_that_were_read() -> None:
    """Nothing is unpacked then, so that the size of the dump would make a speed of no disk."""
    row = SimpleNamespace(size_bytes=10, plain_bytes=1000)

    told = backup_actions._result(backup_actions.Ticket(Key("local", "shop")), cast("BackupRow", row), 2.0)

    assert (told.size_bytes, told.plain_bytes, told.seconds) == (10, 10, 2.0)
