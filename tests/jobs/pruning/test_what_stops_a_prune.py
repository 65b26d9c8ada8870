"""Missing files, failed attempts and shrunken databases stop a prune until someone looked."""

from __future__ import annotations

import pytest

from tests.engines.contract import Bench
from tests.history.samples import Steps
from tests.jobs.pruning.nights import (
    ALL,
    KEPT,
    NIGHTS,
    SHOP,
    files_of,
    night,
    pruned_now,
    states,
)
from vya_backup.errors import RestoreRefused, StorageFailed
from vya_backup.history.events import Damaged, Failed, Missing, Verified
from vya_backup.history.views import BackupRow
from vya_backup.jobs.checking import checksum
from vya_backup.jobs.holding import hold_backup, release_database
from vya_backup.jobs.pruning import consider
from vya_backup.jobs.restore_plan import prepare
from vya_backup.jobs.restore_source import Wish
from vya_backup.transport.pipeline import silent


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
