"""Pruning real SQLite backups: what goes, what stays, and what an abort, a hold, a restore or a changed file does.

Nights are made by a clock that is set by hand; everything else is the product's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.engines.contract import Accounts, Bench
from tests.engines.places import SqlitePlace
from tests.history.samples import Steps
from vya_backup.decisions.naming import ArtifactName, Key
from vya_backup.decisions.retention import Candidate, Policy, decide
from vya_backup.errors import BackupError, RestoreRefused, StorageFailed
from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event, Process
from vya_backup.history.events import Damaged, Failed, Missing, Pruned, Removed, Verified
from vya_backup.history.keeping import to_be_removed
from vya_backup.history.recorded import recorded
from vya_backup.history.restore_events import RestoreStarted
from vya_backup.history.restores import restores
from vya_backup.history.views import BackupRow, backups
from vya_backup.jobs import pruning, removing
from vya_backup.jobs.checking import checksum
from vya_backup.jobs.holding import hold_backup, release_backup, release_database
from vya_backup.jobs.orphans import close_orphans
from vya_backup.jobs.pruning import Outcome, consider, finish_prunes, prune
from vya_backup.jobs.restore_plan import prepare
from vya_backup.jobs.restore_source import Wish
from vya_backup.jobs.restoring import restore
from vya_backup.jobs.workspace import Workspace
from vya_backup.redaction import Secret
from vya_backup.settings.credentials import Login
from vya_backup.settings.model import Application, CatalogSettings, Configuration
from vya_backup.settings.storage_model import Retention, Storage
from vya_backup.transport.liveness import this_process
from vya_backup.transport.pipeline import silent
from vya_backup.transport.storage import Store

HOST = "testhost"
SHOP = Key("place", "shop")
NIGHTS = 5
KEPT = 2
BYTES_OF_ONE = 400
DAY = timedelta(days=1)
POLICY = Retention(daily_keep=KEPT, weekly_keep=0, monthly_keep=0, safety_days=0)


def opened(folder: Path, clock: Steps) -> Bench:
    """Open a workspace whose retention keeps the last two days."""
    place = SqlitePlace(folder / "data")
    catalog = Catalog.open(folder / "catalog/catalog.db", host=HOST, now=clock)
    configuration = Configuration(
        application=Application(hostname=HOST),
        instances=(place.instance,),
        catalog=CatalogSettings(path=folder / "catalog/catalog.db"),
        storage=Storage(base_path=folder / "backups", retention=POLICY),
    )
    accounts = Accounts(Login("", Secret("")))
    return Bench(place, Workspace(configuration, catalog, Store(folder / "backups"), accounts, clock))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """Five nights with a good backup each, made once; and when they were over."""
    folder, clock = tmp_path_factory.mktemp("nights"), Steps(datetime(2026, 1, 9, 2, tzinfo=UTC))
    bench = opened(folder, clock)
    bench.place.make("shop")
    for _ in range(NIGHTS):
        night(bench, clock)
    bench.workspace.catalog.close()
    return folder, clock.at


@pytest.fixture
def clock(original: tuple[Path, datetime]) -> Steps:
    """A clock that is set by hand; it stands at the last of the nights."""
    return Steps(original[1])


@pytest.fixture
def bench(original: tuple[Path, datetime], tmp_path: Path, clock: Steps) -> Iterator[Bench]:
    """The nights in a folder of the test's own; stored files are linked, so that they are the very ones recorded."""
    shutil.copytree(original[0] / "backups", tmp_path / "backups", copy_function=os.link)
    shutil.copytree(original[0] / "catalog", tmp_path / "catalog")
    shutil.copytree(original[0] / "data", tmp_path / "data")
    bench = opened(tmp_path, clock)
    yield bench
    bench.workspace.catalog.close()


@pytest.fixture
def nights(bench: Bench) -> list[BackupRow]:
    """The five backups, oldest first."""
    return list(reversed(backups(bench.workspace.catalog)))


def written(path: Path, content: bytes) -> None:
    """Put another file in the place of one that tests share."""
    path.unlink()
    path.write_bytes(content)


def night(bench: Bench, clock: Steps) -> BackupRow:
    """Let a day pass and back up."""
    clock.at += DAY
    return bench.backup("shop")


def pruned_now(bench: Bench) -> Outcome:
    """Prune the database."""
    return prune(bench.workspace, SHOP, silent)


def states(bench: Bench) -> list[str]:
    """Return the states of all backups, oldest first."""
    return [row.state for row in reversed(backups(bench.workspace.catalog))]


def files_of(bench: Bench, row: BackupRow) -> list[bool]:
    """Say which files of a backup are there: the dump, its checksum, its metadata."""
    name = ArtifactName(row.path or "")
    return [bench.workspace.store.size(path) is not None for path in (name.dump, name.checksum, name.metadata)]


def events(bench: Bench, *kinds: type[Event]) -> list[Event]:
    """Return the events of some types, in order."""
    return [r.event for r in recorded(bench.workspace.catalog) if isinstance(r.event, kinds)]


ALL, NONE = [True] * 3, [False] * 3


def test_a_prune_removes_what_fills_no_slot_and_nothing_else(bench: Bench, nights: list[BackupRow]) -> None:
    """Three of five nights go with their sidecars and folders, each with an event before and one after."""
    outcome = pruned_now(bench)

    assert outcome.problems == []
    assert states(bench) == ["pruned"] * 3 + ["good"] * KEPT
    assert [files_of(bench, row) for row in nights] == [NONE] * 3 + [ALL] * KEPT
    assert [p.name for p in sorted(bench.workspace.store.base_path.rglob("2026-*"))] == ["2026-01-13", "2026-01-14"]
    told = [(event.type, event.backup_id) for event in events(bench, Pruned, Removed)]
    gone = [row.backup_id for row in nights[:3]]
    assert told == [("pruned", one) for one in gone] + [("removed", one) for one in gone]
    assert outcome.freed_bytes > sum(row.size_bytes or 0 for row in nights[:3])
    assert audit(bench.workspace.catalog).ok
    assert bench.restore(nights[3], force=True).compared


def test_a_second_prune_changes_nothing(bench: Bench, nights: list[BackupRow]) -> None:
    """No event, no file."""
    pruned_now(bench)
    head = bench.workspace.catalog.head()

    outcome = pruned_now(bench)

    assert (outcome.pruned, outcome.problems) == ((), [])
    assert bench.workspace.catalog.head() == head


def test_anyone_can_make_the_decision_again(bench: Bench, nights: list[BackupRow]) -> None:
    """From the numbers of its first event, and what the catalog knew of the backups that it names and that name it."""
    pruned_now(bench)
    given_up = [event for event in events(bench, Pruned) if isinstance(event, Pruned)]
    event = next(one for one in given_up if one.backup_id == given_up[-1].decision)
    assert {one.decision for one in given_up} == {nights[0].backup_id}
    assert {one.backup_id for one in given_up} == {row.backup_id for row in nights[:3]}
    assert event.decided_at is not None
    survivors = {one.backup_id: one.reason for one in event.survivors}
    known = [Candidate(row.backup_id, row.sequence, "good", row.started_at) for row in nights]

    again = decide(known, Policy(**event.rules), event.decided_at, ZoneInfo(event.zone))  # type: ignore[arg-type]

    assert {fate.candidate.backup_id: fate.reason for fate in again.survivors} == survivors
    assert [(s.rule, s.period, s.backup_id) for s in again.slots] == [
        (s.rule, s.period, s.backup_id) for s in event.slots
    ]
    assert str(again.policy) == event.policy == "keep 2 daily"


def test_a_decision_is_told_once_however_many_it_gives_up(bench: Bench, nights: list[BackupRow]) -> None:
    """A first prune of years gives up thousands: what grows with them is their own facts alone."""
    pruned_now(bench)

    whole, *others = (event for event in events(bench, Pruned) if isinstance(event, Pruned))

    assert {one.backup_id for one in whole.survivors} == {row.backup_id for row in nights[3:]}
    assert others
    assert all((one.slots, one.survivors, one.rules, one.decided_at) == ((), (), {}, None) for one in others)
    assert all(len(one.data()) < BYTES_OF_ONE for one in others)


@pytest.mark.parametrize("removed", [0, 1, 2, 3])
def test_an_abort_after_the_event_is_finished_by_the_next_run(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    """Cut off before the first, second or third file of the oldest backup is gone, or before that is told."""
    with monkeypatch.context() as patched:
        _die_after(removed, patched)
        with pytest.raises(KeyboardInterrupt):
            pruned_now(bench)

    assert states(bench) == ["pruned"] * 3 + ["good"] * KEPT
    assert sum(files_of(bench, nights[0])) == 3 - removed
    assert [row.backup_id for row in to_be_removed(bench.workspace.catalog, HOST)] == [r.backup_id for r in nights[:3]]

    assert close_orphans(bench.workspace) == []
    assert [files_of(bench, row) for row in nights] == [NONE] * 3 + [ALL] * KEPT
    head = bench.workspace.catalog.head()
    assert close_orphans(bench.workspace) == []
    assert (bench.workspace.catalog.head(), to_be_removed(bench.workspace.catalog, HOST)) == (head, [])


def _die_after(removed: int, patched: pytest.MonkeyPatch) -> None:
    """Let the process end at the unlink after so many, or when `removed` is appended."""
    real, done = Store.unlink, []

    def unlink(store: Store, path: str) -> None:
        if len(done) == removed:
            raise KeyboardInterrupt
        done.append(path)
        real(store, path)

    append = Catalog.append

    def dying(catalog: Catalog, *events: Event) -> object:
        if any(isinstance(event, Removed) for event in events):
            raise KeyboardInterrupt
        return append(catalog, *events)

    patched.setattr(Store, "unlink", unlink)
    patched.setattr(Catalog, "append", dying)


def test_nothing_is_removed_before_the_event_is_on_the_disk(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append that fails leaves every file."""

    def full(catalog: Catalog, decided: Callable[[], object]) -> None:
        decided()
        raise BackupError("the disk is full")

    monkeypatch.setattr(Catalog, "append_decided", full)
    with pytest.raises(BackupError, match="disk is full"):
        pruned_now(bench)

    assert [files_of(bench, row) for row in nights] == [ALL] * NIGHTS


def test_a_disk_that_refuses_is_asked_again_by_the_next_run(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The problem is told by both, and the rest is done."""

    def refused(store: Store, path: str) -> None:
        raise StorageFailed(f"cannot remove {path}: Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "unlink", refused)
        outcome = pruned_now(bench)
        later = finish_prunes(bench.workspace)

    assert len(outcome.problems) == len(later) == 3
    assert "Input/output error" in later[0]
    assert finish_prunes(bench.workspace) == []
    assert [files_of(bench, row) for row in nights] == [NONE] * 3 + [ALL] * KEPT


def test_another_hosts_unfinished_prune_is_not_finished_here(bench: Bench, nights: list[BackupRow]) -> None:
    """In a catalog of several hosts: its files are in its own tree, and what has their names here is not its."""
    catalog, row = bench.workspace.catalog, nights[0]
    elsewhere = Catalog.open(catalog.path, host="otherhost", now=bench.workspace.clock)
    where = {"instance": "place", "database": "shop", "backup_id": row.backup_id}
    elsewhere.append(Pruned(**where, path=row.path or "", reason="fills no slot", policy="keep 2 daily"))
    elsewhere.close()

    assert finish_prunes(bench.workspace) == []

    assert files_of(bench, row) == ALL
    assert events(bench, Removed) == []
    assert [one.backup_id for one in to_be_removed(catalog, "otherhost")] == [row.backup_id]


# ------------------------------------------------------------------ beside others


def in_between(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Do something when a prune has decided what to look at, and is about to take the catalog's write lock."""
    real = Catalog.append_decided

    def late(catalog: Catalog, decide: Callable[[], Sequence[Event]]) -> object:
        monkeypatch.undo()
        deed()
        return real(catalog, decide)

    monkeypatch.setattr(Catalog, "append_decided", late)


def test_a_hold_beside_a_prune_is_heeded(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes at the last moment; a moment later there would be nothing to hold."""
    in_between(monkeypatch, lambda: hold_backup(bench.workspace, nights[1].backup_id, "audit"))

    pruned_now(bench)

    assert states(bench) == ["pruned", "good", "pruned", "good", "good"]
    assert files_of(bench, nights[1]) == ALL
    with pytest.raises(BackupError, match="is pruned: there is nothing to hold"):
        hold_backup(bench.workspace, nights[0].backup_id, "too late")
    assert "is released" in release_backup(bench.workspace, nights[1].backup_id, "done")
    assert len(pruned_now(bench).pruned) == 1


def test_a_restore_beside_a_prune_keeps_its_backup(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins at the last moment, and ends well."""
    row = nights[0]
    started = RestoreStarted(
        instance="place",
        database="shop",
        backup_id=row.backup_id,
        restore_id="r1",
        target_instance="place",
        target_database="copy",
        source_path=row.path or "",
        requested="test",
        process=Process(**asdict(this_process(HOST))),
    )
    in_between(monkeypatch, lambda: bench.workspace.catalog.append(started))

    pruned_now(bench)

    assert states(bench) == ["good", "pruned", "pruned", "good", "good"]
    assert files_of(bench, row) == ALL
    fates = {fate.candidate.backup_id: fate.reason for fate in consider(bench.workspace, SHOP).decision.fates}
    assert fates[row.backup_id] == "being restored"


def test_a_restore_that_comes_after_the_prune_is_refused_before_it_touches_anything(
    bench: Bench, nights: list[BackupRow]
) -> None:
    """Prepared while the backup was there."""
    prepared = prepare(bench.workspace, Wish(backup=nights[0].backup_id, to="copy"), silent)
    pruned_now(bench)

    with pytest.raises(RestoreRefused, match="was pruned meanwhile; nothing was touched"):
        restore(bench.workspace, prepared, lambda purpose: None, silent)

    assert bench.place.names() == ["shop"]
    assert restores(bench.workspace.catalog) == []


def test_a_restore_from_a_file_of_the_tree_names_the_backup_that_it_reads(
    bench: Bench, nights: list[BackupRow]
) -> None:
    """So that it counts as being restored."""
    file = bench.workspace.store.path(nights[0].path or "")
    prepared = prepare(bench.workspace, Wish(key=SHOP, file=file, to="copy"), silent)

    restore(bench.workspace, prepared, lambda purpose: None, silent)

    assert [row.backup_id for row in restores(bench.workspace.catalog)] == [nights[0].backup_id]


# ------------------------------------------------------------------ files that are not what was published


def test_a_changed_file_is_left_and_told(bench: Bench, clock: Steps) -> None:
    """One bit flipped in place: the backup is damaged, which keeps its file from every later prune."""
    row = night(bench, clock)
    night(bench, clock)
    night(bench, clock)
    path = bench.workspace.store.path(row.path or "")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    outcome = pruned_now(bench)

    assert states(bench) == ["pruned"] * NIGHTS + ["damaged", "good", "good"]
    assert len(outcome.problems) == 1
    assert "is damaged and is left: its SHA-256 is" in outcome.problems[0]
    assert path.read_bytes() == content
    assert pruned_now(bench).pruned == ()


def test_a_foreign_file_under_a_pruned_name_is_left_and_told_once(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came between the event and the removal."""
    path, row = bench.workspace.store.path(nights[0].path or ""), nights[0]
    real = removing.remove

    def late(workspace: Workspace, row: object, check: object) -> object:
        written(path, b"someone else's")
        monkeypatch.undo()
        return real(workspace, row, check)  # type: ignore[arg-type]

    monkeypatch.setattr(pruning, "remove", late)
    outcome = pruned_now(bench)

    assert outcome.problems == [f"{row.path} is left: it has 14 bytes instead of {row.size_bytes:,}"]
    assert path.read_bytes() == b"someone else's"
    assert [left.path for event in events(bench, Removed) for left in event.left] == [row.path]  # type: ignore[attr-defined]
    assert finish_prunes(bench.workspace) == []


@pytest.mark.parametrize("which", ["metadata", "checksum"])
def test_a_changed_sidecar_is_left_and_told(bench: Bench, nights: list[BackupRow], which: str) -> None:
    """Beside another backup's metadata the dump is left, too: it may be that one's."""
    path = getattr(ArtifactName(nights[0].path or ""), which)
    written(bench.workspace.store.path(path), b"{}")

    outcome = pruned_now(bench)

    assert any(problem.startswith(f"{path} is left") for problem in outcome.problems)
    assert files_of(bench, nights[0]) == ([True, False, True] if which == "metadata" else [False, True, False])


def test_a_link_is_no_backup_of_ours(bench: Bench, nights: list[BackupRow], tmp_path: Path) -> None:
    """Neither it nor what it points to is touched."""
    path = bench.workspace.store.path(nights[0].path or "")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    outcome = pruned_now(bench)

    assert "is left: it is a link" in outcome.problems[0]
    assert path.is_symlink()
    assert (tmp_path / "elsewhere").exists()
    assert states(bench) == ["good", "pruned", "pruned", "good", "good"]


def test_files_are_read_only_where_the_tree_was_moved(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same inode, time and size is the same file; a copied tree is judged by its digests."""
    read: list[str] = []
    real = removing.reading_back.read_back

    def counted(store: Store, path: str, progress: object) -> object:
        read.append(path)
        return real(store, path, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(removing.reading_back, "read_back", counted)
    base = bench.workspace.store.base_path
    consider(bench.workspace, SHOP)
    shutil.copytree(base, base.with_name("moved"))
    moved = replace(bench.workspace, store=Store(base.with_name("moved")))

    assert len(prune(moved, SHOP, silent).pruned) == 3
    assert read == [row.path for row in reversed(nights[:3])]
    assert [row.state for row in nights] == ["good"] * NIGHTS
    read.clear()
    assert finish_prunes(moved) == []
    assert read == []


def test_the_files_of_an_unmoved_tree_are_not_read_again(
    bench: Bench, nights: list[BackupRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prune must not cost another reading of everything."""

    def never(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(removing.reading_back, "read_back", never)

    assert len(pruned_now(bench).pruned) == 3


# ------------------------------------------------------------------ what stops a prune


def test_nothing_goes_on_the_strength_of_a_file_that_is_not_there(bench: Bench, nights: list[BackupRow]) -> None:
    """The newest one was deleted by hand: that is noticed, and stops the prune."""
    bench.workspace.store.path(nights[-1].path or "").unlink()

    outcome = pruned_now(bench)

    assert states(bench) == ["good"] * 4 + ["missing"]
    assert outcome.considered.decision.barred.startswith("its newest attempt is no good backup: missing, ")
    assert [files_of(bench, row) for row in nights[:4]] == [ALL] * 4


def test_a_disk_that_is_not_mounted_is_no_lost_backup(bench: Bench, nights: list[BackupRow]) -> None:
    """Not one file is there: that is an error, and no backup becomes `missing`."""
    base = bench.workspace.store.base_path
    base.rename(base.with_name("unmounted"))

    with pytest.raises(StorageFailed, match="none of the 5 backups of place/shop"):
        pruned_now(bench)

    assert states(bench) == ["good"] * NIGHTS


def failed(bench: Bench) -> None:
    """Append a failed attempt."""
    bench.workspace.catalog.append(
        Failed(instance="place", database="shop", step="dump", code="tool", message="too old")
    )


def test_a_failed_newest_attempt_stops_pruning_until_a_good_one_or_a_look(
    bench: Bench, nights: list[BackupRow], clock: Steps
) -> None:
    """Failed runs never push out good ones."""
    failed(bench)
    stopped = pruned_now(bench)
    night(bench, clock)
    gone_on = pruned_now(bench)
    failed(bench)
    night_before = pruned_now(bench)
    said = release_database(bench.workspace, SHOP, "looked")
    again = release_database(bench.workspace, SHOP, "looked")

    assert stopped.considered.decision.barred == "its newest attempt is no good backup: failed, too old"
    assert (stopped.pruned, len(gone_on.pruned)) == ((), 4)
    assert night_before.considered.decision.barred
    assert "may be pruned again" in said
    assert again == "nothing stops the pruning of place/shop"
    assert pruned_now(bench).considered.decision.barred == ""


def test_an_older_dump_that_is_read_back_again_ends_no_trouble(bench: Bench, nights: list[BackupRow]) -> None:
    """As after a disk that was away during the failed attempt: the newest good backup is older than the trouble."""
    failed(bench)

    checksum(bench.workspace, nights[-1], silent)

    assert pruned_now(bench).considered.decision.barred == "its newest attempt is no good backup: failed, too old"


def test_trouble_ends_where_it_came_from(bench: Bench, nights: list[BackupRow]) -> None:
    """A file that is back and intact ends the alarm that its absence raised, and no other; old backups raise none."""
    catalog, newest, old = bench.workspace.catalog, nights[-1], nights[0]
    where = {"instance": "place", "database": "shop"}
    back = Verified(**where, backup_id=newest.backup_id, path=newest.path or "", verdict="pass")
    lost = Missing(**where, backup_id=newest.backup_id, path=newest.path or "")

    def barred() -> str:
        return consider(bench.workspace, SHOP).decision.barred

    catalog.append(Damaged(**where, backup_id=old.backup_id, path=old.path or "", reason="a bit", check="verify"))
    assert barred() == ""
    catalog.append(lost)
    assert "missing" in barred()
    catalog.append(back)
    assert barred() == ""
    catalog.append(lost)
    failed(bench)
    catalog.append(back)
    assert "failed, too old" in barred()


def shrink(bench: Bench) -> None:
    """Empty the database, as a fresh server would be."""
    bench.place.drop("shop")
    bench.place.execute("shop", "CREATE TABLE item (id integer)")


def test_a_shrunken_database_is_not_pruned_until_someone_looked(
    bench: Bench, nights: list[BackupRow], clock: Steps
) -> None:
    """Also not in the second small night, when nothing shrinks any more; nor is it restored by default."""
    shrink(bench)
    for _ in range(3):
        night(bench, clock)
    outcome = pruned_now(bench)
    with pytest.raises(RestoreRefused, match=f"smaller than the one before.*--backup {nights[-1].backup_id}"):
        prepare(bench.workspace, Wish(key=SHOP, to="copy"), silent)
    release_database(bench.workspace, SHOP, "the shop was emptied on purpose")

    assert "smaller than the one before" in outcome.considered.decision.barred
    assert outcome.pruned == ()
    assert len(pruned_now(bench).pruned) == NIGHTS + 3 - KEPT
    assert prepare(bench.workspace, Wish(key=SHOP, to="copy"), silent)


def test_an_alarm_ends_when_the_database_is_as_large_as_before(
    bench: Bench, nights: list[BackupRow], clock: Steps
) -> None:
    """The real server is back."""
    shrink(bench)
    night(bench, clock)
    bench.place.drop("shop")
    bench.place.make("shop")
    night(bench, clock)

    assert len(pruned_now(bench).pruned) == NIGHTS + 2 - KEPT


def test_a_slow_loss_over_months_is_no_alarm_after_thinning(bench: Bench, clock: Steps) -> None:
    """Each night is compared with the night before it, not with what retention left of the past."""
    for items in (500, 330, 220, 150, 100):
        bench.place.drop("shop")
        bench.place.make("shop")
        bench.place.execute("shop", "CREATE TABLE filler (v text)")
        bench.place.execute("shop", f"INSERT INTO filler VALUES (hex(zeroblob({items * 1000})))")
        row = night(bench, clock)
        if items == 500:
            hold_backup(bench.workspace, row.backup_id, "the last large one stays beside the small ones")
    assert len(pruned_now(bench).pruned) == NIGHTS + 5 - KEPT - 1

    assert consider(bench.workspace, SHOP).decision.barred == ""
