"""The published copy: what is lacking is added at its own cost, readers delay nobody, and nothing is overwritten."""

from __future__ import annotations

import grp
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.history.samples import Steps, good, plain
from tests.jobs.copies import as_before_origins, is_whole, rows, tamper, workspace_in
from vya_backup.errors import AlreadyRunning, CatalogBusy, CatalogError, ConfigurationError
from vya_backup.history import publishing, sources
from vya_backup.history.catalog import Catalog
from vya_backup.history.connection import connect
from vya_backup.history.views import backups
from vya_backup.jobs.auditing import audit_copy
from vya_backup.jobs.publishing import LOCK, draft_of, publish
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.locks import hold

MOMENT = 0.05
NOBODY = 65534
STRANGER = 65533


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A catalog with four events, never published."""
    made = publishing_workspace(tmp_path)
    made.catalog.append(*good("b1"))
    yield made
    made.catalog.close()


def publishing_workspace(folder: Path, group: str = "") -> Workspace:
    """Open a catalog that is to be published in the folder `shown`."""
    made = workspace_in(folder, Steps())
    settings = made.configuration.catalog.model_copy(
        update={"published_path": folder / "shown/catalog.db", "reader_group": group}
    )
    return replace(made, configuration=made.configuration.model_copy(update={"catalog": settings}))


def copy_of(workspace: Workspace) -> Path:
    """Return the published copy."""
    path = workspace.configuration.catalog.published_path
    assert path is not None
    return path


def projected(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that a file holds, whatever reads it."""
    with plain(path) as connection:
        tables = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        exact = [name for name in tables if name not in {"databases", "_sqlite_migrations"}]
        return {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in exact}  # type: ignore[misc]


# ------------------------------------------------------------------ what is published


def test_the_first_publication_is_the_whole_catalog_in_readers_form(workspace: Workspace) -> None:
    """Events, projection and views; a rollback journal, so that nobody needs to write beside it; 0640 in 0750."""
    done = publish(workspace, MOMENT)
    copy = copy_of(workspace)
    assert (done.is_new, done.added, done.position) == (True, 4, 4)
    assert projected(copy) == projected(workspace.catalog.path)
    with plain(copy) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert (copy.stat().st_mode & 0o7777, copy.parent.stat().st_mode & 0o7777) == (0o640, 0o750)
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_each_publication_adds_what_is_lacking_and_nothing_else(workspace: Workspace) -> None:
    """The same events with the same numbers, and the same projection; in between nothing changes the file."""
    publish(workspace, MOMENT)
    before = copy_of(workspace).stat()
    assert publish(workspace, MOMENT).added == 0
    assert copy_of(workspace).stat().st_mtime_ns == before.st_mtime_ns
    workspace.catalog.append(*good("b2"))
    assert (publish(workspace, MOMENT).added, copy_of(workspace).stat().st_ino) == (3, before.st_ino)
    assert rows(copy_of(workspace)) == rows(workspace.catalog.path)
    assert projected(copy_of(workspace)) == projected(workspace.catalog.path)
    assert audit_copy(copy_of(workspace)).ok


def test_a_catalog_of_several_chains_is_published_with_all_of_them(workspace: Workspace, tmp_path: Path) -> None:
    """As a rebuild from two catalogs leaves it."""
    publish(workspace, MOMENT)
    with plain(workspace.catalog.path) as connection:
        connection.execute("UPDATE catalog_facts SET value = 'second' WHERE name = 'catalog_id'")
    workspace.catalog.close()
    second = Catalog.open(workspace.catalog.path, host="testhost", now=workspace.clock)
    second.append(*good("b2"))
    workspace = replace(workspace, catalog=second)
    with plain(copy_of(workspace)) as connection:
        connection.execute("UPDATE catalog_facts SET value = 'second' WHERE name = 'catalog_id'")
    assert publish(workspace, MOMENT).added == 4
    assert rows(copy_of(workspace)) == rows(second.path)


def test_a_copy_of_an_older_program_gets_the_schema_of_this_one(workspace: Workspace) -> None:
    """Readers could not; it stays the same file, without a log."""
    publish(workspace, MOMENT)
    as_before_origins(copy_of(workspace))
    with pytest.raises(CatalogError, match="was made by another version of this program"):
        Catalog.open_copy(copy_of(workspace))
    inode = copy_of(workspace).stat().st_ino
    publish(workspace, MOMENT)
    with closing(Catalog.open_copy(copy_of(workspace))) as copy:
        assert backups(copy) == backups(workspace.catalog)
        assert [tuple(row) for row in copy.rows("PRAGMA journal_mode")] == [("delete",)]
    assert copy_of(workspace).stat().st_ino == inode


def test_the_cost_is_that_of_what_is_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in steps of SQLite's machine: a hundred times the history costs the same."""
    costs = []
    for name, backups_before in (("short", 4), ("long", 400)):
        workspace = publishing_workspace(tmp_path / name)
        for number in range(backups_before):
            workspace.catalog.append(*good(f"b{number}"))
        publish(workspace, MOMENT)
        workspace.catalog.append(*good("new"))
        costs.append(_steps(monkeypatch, lambda one=workspace: publish(one, MOMENT)))  # type: ignore[misc]
    assert costs[1] < 1.3 * costs[0]


def _steps(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> int:
    taken = [0]

    def step() -> int:
        taken[0] += 1
        return 0

    def counting(*words: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*words, **more)
        connection.set_progress_handler(step, 10)
        return connection

    monkeypatch.setattr(publishing, "connect", counting)
    monkeypatch.setattr(sources, "connect", counting)
    act()
    monkeypatch.undo()
    return taken[0]


# ------------------------------------------------------------------ readers


def test_a_slow_reader_makes_publishing_wait_and_nothing_else(workspace: Workspace) -> None:
    """It goes on reading what it began with; appends go on; when it has done, everything is published at once."""
    publish(workspace, MOMENT)
    with plain(copy_of(workspace)) as reader:
        cursor = reader.execute("SELECT id FROM events ORDER BY id")
        assert cursor.fetchone() == (1,)
        workspace.catalog.append(*good("b2"))
        with pytest.raises(CatalogBusy, match=r"shown/catalog.db has been held by a reader"):
            publish(workspace, MOMENT)
        workspace.catalog.append(*good("b3"))
        assert len(cursor.fetchall()) == 3
    assert publish(workspace, MOMENT).added == 6
    assert rows(copy_of(workspace)) == rows(workspace.catalog.path)


def test_another_publisher_is_waited_for_and_not_overtaken(workspace: Workspace) -> None:
    """The lock is one of this host's."""
    with hold(workspace.state / "locks", LOCK, "another run"), pytest.raises(AlreadyRunning, match="another run"):
        publish(workspace, MOMENT)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any account may enter."""
    with tempfile.TemporaryDirectory(prefix="vya-published-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


_READER = """
import os, sqlite3, sys
path = sys.argv[1]
def tried(act):
    try:
        return act()
    except (sqlite3.Error, OSError) as error:
        return str(error).split(":")[0]
try:
    connection = sqlite3.connect(path, isolation_level=None)
except sqlite3.Error as error:
    sys.exit(print(error))
print(tried(lambda: connection.execute("SELECT count(*), max(database) FROM backups").fetchone()))
print(tried(lambda: connection.execute("CREATE TABLE mine (x)")))
print(tried(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone()))
print(tried(lambda: open(path + "-journal", "w")))
print(tried(lambda: open(path, "r+")))
print(tried(lambda: os.chmod(path, 0o666)))
print(tried(lambda: os.unlink(path)))
"""


def _as_account(user: int, group: int, path: Path) -> list[str]:
    argv = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "/usr/bin/env", "python3"]
    done = subprocess.run([*argv, "-c", _READER, str(path)], capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.splitlines()


def test_the_readers_group_reads_and_writes_nothing(open_folder: Path) -> None:
    """Another account of the group reads; it changes neither the copy nor its folder. A stranger reads nothing."""
    me_too = NOBODY if os.geteuid() == 0 else os.getegid()
    workspace = publishing_workspace(open_folder, grp.getgrgid(me_too).gr_name)
    workspace.catalog.append(*good("b1"))
    publish(workspace, MOMENT)
    copy = copy_of(workspace)
    assert (copy.stat().st_gid, copy.parent.stat().st_gid) == (me_too, me_too)
    assert (copy.stat().st_mode & 0o7777, copy.parent.stat().st_mode & 0o7777) == (0o640, 0o750)
    if os.geteuid() == 0:
        read, *denied = _as_account(NOBODY, NOBODY, copy)
        assert read == "(1, 'shop')"
        assert denied[:1] == ["attempt to write a readonly database"]
        assert "readonly" in denied[1] or denied[1] == "('delete',)"
        assert all("Permission denied" in line or "not permitted" in line for line in denied[2:])
        assert _as_account(STRANGER, STRANGER, copy)[0] == "unable to open database file"
    workspace.catalog.append(*good("b2"))
    assert publish(workspace, MOMENT).added == 3


def test_a_group_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """With the command that makes it; nothing is shown to another one instead."""
    workspace = publishing_workspace(tmp_path, "no-such-group")
    with pytest.raises(ConfigurationError, match=r"no group 'no-such-group'.*groupadd"):
        publish(workspace, MOMENT)


def test_a_folder_that_others_may_write_is_refused(workspace: Workspace) -> None:
    """Whoever may put a journal beside the copy could change it."""
    copy_of(workspace).parent.mkdir()
    copy_of(workspace).parent.chmod(0o777)
    with pytest.raises(CatalogError, match="other accounts may write into"):
        publish(workspace, MOMENT)
    assert not list(copy_of(workspace).parent.iterdir())


# ------------------------------------------------------------------ what is refused


def _cut_off(workspace: Workspace) -> None:
    tamper(workspace.catalog.path, "DELETE FROM events WHERE position = 4")


def _other_event(workspace: Workspace) -> None:
    tamper(copy_of(workspace), "UPDATE events SET actor = 'mallory', hash = upper(hash) || 'x' WHERE position = 4")


def _changed_event(workspace: Workspace) -> None:
    tamper(copy_of(workspace), "UPDATE events SET actor = 'mallory' WHERE position = 4")


def _dropped_guard(workspace: Workspace) -> None:
    with plain(copy_of(workspace)) as connection:
        connection.execute("DROP TRIGGER events_refuse_update")


def _other_catalog(workspace: Workspace) -> None:
    copy_of(workspace).unlink()
    other = Catalog.open(copy_of(workspace), host="other")
    other.close()


def _merged(workspace: Workspace) -> None:
    with plain(copy_of(workspace)) as connection:
        connection.execute("INSERT INTO origins VALUES ('x', 'other')")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_cut_off, "it ends at position 4 of .*, which the catalog does not have"),
        (_other_event, "its event at position 4 of .* is another one"),
        (_changed_event, "event at position 4 was changed: its content does not give its hash"),
        (_dropped_guard, "trigger events_refuse_update was dropped"),
        (_other_catalog, "it is a copy of the catalog"),
        (_merged, "it is merged from the catalogs of other"),
    ],
)
def test_a_copy_that_tells_another_history_is_left_as_it_is(
    workspace: Workspace, harm: Callable[[Workspace], None], told: str
) -> None:
    """Refused with the reason and the way out, and not changed by a byte."""
    publish(workspace, MOMENT)
    harm(workspace)
    content = copy_of(workspace).read_bytes()
    workspace.catalog._local.__dict__.clear()
    with pytest.raises(CatalogError, match=f"not the beginning of the catalog .*{told}.*move it away"):
        publish(workspace, MOMENT)
    assert copy_of(workspace).read_bytes() == content


def test_an_event_that_was_changed_in_the_catalog_is_not_published(workspace: Workspace) -> None:
    """What is published stays; the event is named."""
    publish(workspace, MOMENT)
    workspace.catalog.append(*good("b2"))
    tamper(workspace.catalog.path, "UPDATE events SET actor = 'mallory' WHERE position = 6")
    with pytest.raises(CatalogError, match=r"position 6 .* is not copied: it was changed"):
        publish(workspace, MOMENT)
    assert len(rows(copy_of(workspace))) == 4


def test_another_file_under_that_name_is_left_alone(workspace: Workspace) -> None:
    """It may be anything."""
    copy_of(workspace).parent.mkdir()
    copy_of(workspace).write_text("somebody's")
    with pytest.raises(CatalogError, match="is not an SQLite file"):
        publish(workspace, MOMENT)
    assert copy_of(workspace).read_text() == "somebody's"


# ------------------------------------------------------------------ kills and full disks

_CHILD = """
import resource, sys
from pathlib import Path
from tests.jobs.test_publishing import publishing_workspace
from vya_backup.errors import BackupError
from vya_backup.history import publishing
from vya_backup.jobs.publishing import publish
workspace = publishing_workspace(Path(sys.argv[1]))
publishing._CACHE_KIB = 8
if sys.argv[2] != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    publish(workspace, 5)
except BackupError as error:
    sys.exit(f"refused: {error}")
"""


def _child(workspace: Workspace, *below: str, limit: int = 0) -> subprocess.CompletedProcess[str]:
    folder = workspace.catalog.path.parents[1]
    argv = [*below, sys.executable, "-c", _CHILD, str(folder), str(limit)]
    checkout = Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return subprocess.run(argv, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=120)


def _killed_at(workspace: Workspace, call: str, number: int) -> bool:
    """Publish in a child that is killed at its n-th call of a kind; say whether it got so far."""
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    done = _child(workspace, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
    return done.returncode != 0


KILLS = [("pwrite64", 1), ("pwrite64", 9), ("pwrite64", 40), ("fdatasync", 2), ("fdatasync", 3), ("unlink", 1)]


@pytest.mark.parametrize("is_new", [True, False], ids=["first", "next"])
@pytest.mark.parametrize(("call", "number"), KILLS)
def test_a_publication_that_is_killed_is_made_good_by_the_next_one(
    workspace: Workspace, call: str, number: int, is_new: bool, long: bool, seed: int
) -> None:
    """The copy is absent or whole as far as it goes, and then equals the catalog; no draft stays."""
    if not is_new:
        publish(workspace, MOMENT)
    for one in range(40):
        workspace.catalog.append(*good(f"c{one}"))
    number += random.Random(seed).randrange(20) if long else 0
    _killed_at(workspace, call, number)
    publish(workspace, 5)
    assert is_whole(copy_of(workspace))
    assert rows(copy_of(workspace)) == rows(workspace.catalog.path)
    assert projected(copy_of(workspace)) == projected(workspace.catalog.path)
    assert [path.name for path in copy_of(workspace).parent.iterdir()] == [copy_of(workspace).name]


def test_after_a_kill_readers_are_refused_rather_than_misled(workspace: Workspace) -> None:
    """They cannot roll back what was cut off, so they see nothing until the next publication does."""
    publish(workspace, MOMENT)
    for one in range(40):
        workspace.catalog.append(*good(f"c{one}"))
    assert _killed_at(workspace, "pwrite64", 40)
    assert copy_of(workspace).with_name("catalog.db-journal").exists()
    with closing(sqlite3.connect(f"file:{copy_of(workspace)}?mode=ro", uri=True)) as reader:
        with pytest.raises(sqlite3.OperationalError):
            reader.execute("SELECT count(*) FROM events").fetchone()
        publish(workspace, MOMENT)
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (124,)


@pytest.mark.parametrize("is_new", [True, False], ids=["first", "next"])
def test_a_full_disk_leaves_the_copy_as_it_was(workspace: Workspace, is_new: bool) -> None:
    """Refused in one line, nothing half done, and made good when there is room."""
    if not is_new:
        publish(workspace, MOMENT)
    size = copy_of(workspace).stat().st_size if not is_new else 8192
    for one in range(200):
        workspace.catalog.append(*good(f"c{one}"))
    done = _child(workspace, limit=size)
    assert done.stderr.startswith("refused: "), done.stderr
    assert not draft_of(copy_of(workspace)).exists()
    assert copy_of(workspace).exists() != is_new
    assert is_new or len(rows(copy_of(workspace))) == 4
    publish(workspace, 5)
    assert rows(copy_of(workspace)) == rows(workspace.catalog.path)
