"""PURE: the events in the life of a restore; `instance`, `database`, `backup_id` are where its artifact came from."""

from __future__ import annotations

from typing import Annotated

from vya_backup.history.event import Event, Process
from vya_backup.history.fact import EXACT, Exact, ExactList, Fact


class RestoredAccount(Fact):
    """What a restore of accounts did with one of them; `waits_for` are the databases that its last grants need."""

    name: Exact
    verdict: Exact
    words: tuple[str, ...] = ()
    waits_for: ExactList = ()


class RestoreStarted(Event):
    """A restore began; `instance`, `database` and `backup_id` are where the artifact came from."""

    type = "restore_started"
    restore_id: Exact
    target_instance: Exact
    target_database: Exact
    staging: Exact = ""
    retired: Exact = ""
    source_path: Exact
    requested: str
    process: Annotated[Process, EXACT]
    place: Exact = ""
    created: bool = False
    stage: Exact = ""
    recovery_id: Exact = ""


class Restored(Event):
    """A restored database stands and agrees with the manifest; `left` is what could not be cleaned up after it.

    In a recovery, which `recovery_id` names, `stage` may be `tables`, and later in an event of its own `programs`.
    `accounts` is what became of each, where `@users` was restored.
    """

    type = "restored"
    restore_id: Exact
    target_instance: Exact
    target_database: Exact
    duration_seconds: float
    rows: int
    plain_bytes: int
    compared: tuple[str, ...] = ()
    left: str = ""
    stage: Exact = ""
    recovery_id: Exact = ""
    accounts: tuple[RestoredAccount, ...] = ()


class RestoreCleaned(Event):
    """What an ended restore had left behind, staging or the old database, was removed by a later run."""

    type = "restore_cleaned"
    restore_id: Exact
    target_instance: Exact
    target_database: Exact
    mended: tuple[str, ...] = ()


class RestoreFailed(Event):
    """A restore stopped; `left` says where the old database is and what brings it back.

    `mended` is what a later run did about a restore whose process had died, `accounts` as in `restored`.
    """

    type = "restore_failed"
    restore_id: Exact
    target_instance: Exact
    target_database: Exact
    code: Exact
    message: str
    hint: str = ""
    differences: tuple[str, ...] = ()
    left: str = ""
    mended: tuple[str, ...] = ()
    accounts: tuple[RestoredAccount, ...] = ()
