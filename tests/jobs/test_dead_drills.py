"""Drills and verifications beside prunes: what is read is not pruned; and drills whose process died are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import NoReturn

import pytest

from tests.engines.contract import Bench
from tests.jobs.looks import events, now
from vya_backup.decisions.naming import Key
from vya_backup.errors import AlreadyRunning, Interrupted, RestoreRefused
from vya_backup.history.event import Process
from vya_backup.history.events import DrillAbandoned, Drilled, DrillStarted
from vya_backup.history.views import BackupRow
from vya_backup.jobs import drilling
from vya_backup.jobs.drilling import drill_database
from vya_backup.jobs.orphans import close_orphans
from vya_backup.jobs.pruning import consider, prune
from vya_backup.jobs.verifying import verify
from vya_backup.settings.storage_model import Retention
from vya_backup.transport.liveness import this_process
from vya_backup.transport.pipeline import silent

SHOP = Key("place", "shop")
KEEP_ONE = Retention(strategy="simple", keep_last=1, safety_days=0)


@pytest.fixture
def keeping_one(bench: Bench) -> Bench:
    """A workspace that keeps the newest backup alone."""
    settings = bench.workspace.configuration
    storage = settings.storage.model_copy(update={"retention": KEEP_ONE})
    application = settings.application.model_copy(update={"hostname": "testhost"})
    changed = settings.model_copy(update={"storage": storage, "application": application})
    return replace(bench, workspace=replace(bench.workspace, configuration=changed))


@pytest.fixture
def older(keeping_one: Bench) -> BackupRow:
    """A backup that the policy gives up: there is a newer one."""
    row = keeping_one.backup("shop")
    keeping_one.backup("shop")
    return row


def begun(bench: Bench, row: BackupRow, **process: object) -> None:
    """Record that a drill began, in this process unless another one is said."""
    who = Process.model_validate(asdict(this_process("testhost")) | process)
    where = {"instance": row.instance, "database": row.database, "backup_id": row.backup_id}
    bench.workspace.catalog.append(DrillStarted(**where, process=who))


def reason(bench: Bench, row: BackupRow) -> str:
    """Return what retention says of a backup."""
    return {fate.candidate.backup_id: fate.reason for fate in consider(bench.workspace, SHOP).decision.fates}[
        row.backup_id
    ]


def on_ground(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Let a drill do something where it would restore, and go no further."""

    @contextmanager
    def ground(*_: object) -> Iterator[NoReturn]:
        deed()
        raise RestoreRefused("far enough")
        yield  # pragma: no cover

    monkeypatch.setattr(drilling, "ground_for", ground)


def test_what_is_being_drilled_is_not_pruned_until_the_drill_has_ended(
    keeping_one: Bench, older: BackupRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prune in the middle of it leaves the backup, and says why; the one after it does not."""
    said = []

    def in_the_middle() -> None:
        said.append(reason(keeping_one, older))
        assert prune(keeping_one.workspace, SHOP, silent).pruned == ()

    on_ground(monkeypatch, in_the_middle)
    done = drill_database(keeping_one.workspace, older, silent)

    assert said == ["being drilled"]
    assert (done.verdict, done.reason) == ("cannot judge", "far enough")
    assert now(keeping_one, older).state == "good"
    assert len(prune(keeping_one.workspace, SHOP, silent).pruned) == 1


def test_a_drill_that_comes_after_the_prune_touches_nothing(keeping_one: Bench, older: BackupRow) -> None:
    """It was chosen while it was there."""
    prune(keeping_one.workspace, SHOP, silent)

    done = drill_database(keeping_one.workspace, older, silent)

    assert (done.verdict, "was pruned meanwhile" in done.reason) == ("cannot judge", True)
    assert not [event for event in events(keeping_one) if isinstance(event, DrillStarted)]


def test_a_drill_that_was_stopped_protects_no_longer(
    keeping_one: Bench, older: BackupRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It proved nothing, so no verdict is recorded, but its end is."""

    def stopped() -> NoReturn:
        raise Interrupted("stopped")

    on_ground(monkeypatch, stopped)
    with pytest.raises(Interrupted):
        drill_database(keeping_one.workspace, older, silent)

    ended = events(keeping_one)[-1]
    assert isinstance(ended, DrillAbandoned)
    assert ended.reason == "interrupted"
    assert not [event for event in events(keeping_one) if isinstance(event, Drilled)]
    assert reason(keeping_one, older).startswith("fills no slot")


def test_a_drill_whose_process_died_protects_nothing_and_is_closed_once(keeping_one: Bench, older: BackupRow) -> None:
    """By the next run of anything; the run after that changes nothing."""
    begun(keeping_one, older, boot_id="of an earlier boot")
    assert reason(keeping_one, older).startswith("fills no slot")

    assert close_orphans(keeping_one.workspace) == []

    assert isinstance(events(keeping_one)[-1], DrillAbandoned)
    head = keeping_one.workspace.catalog.head()
    assert close_orphans(keeping_one.workspace) == []
    assert keeping_one.workspace.catalog.head() == head


@pytest.mark.parametrize("process", [{}, {"host": "otherhost", "boot_id": "theirs"}], ids=["here", "on another host"])
def test_a_drill_that_may_be_alive_is_left_alone(keeping_one: Bench, older: BackupRow, process: dict[str, str]) -> None:
    """Of another host's process it is never certain that it is gone."""
    begun(keeping_one, older, **process)

    assert close_orphans(keeping_one.workspace) == []

    assert reason(keeping_one, older) == "being drilled"
    assert isinstance(events(keeping_one)[-1], DrillStarted)


@pytest.mark.parametrize("name", ["shop", "two\nlines"])
def test_what_is_being_verified_is_not_pruned(keeping_one: Bench, name: str) -> None:
    """They take the same lock, whatever the database is called."""
    if name != "shop":
        keeping_one.place.make(name)
    row = keeping_one.backup(name)
    another = replace(keeping_one.workspace, _turns={})  # a run of its own; threads of one run wait for each other
    refused = []

    def in_the_middle(*_: int) -> None:
        try:
            prune(another, Key("place", name), silent)
        except AlreadyRunning as error:
            refused.append(error.message)

    assert verify(keeping_one.workspace, row.backup_id, in_the_middle)

    assert refused
    assert "verification of place/" in refused[0]
