"""PURE: the events, small frozen past-tense types whose names are the operator's words.

An event holds facts, never row data and never a secret. `instance`, `database` and `backup_id` are columns of the
catalog; the other fields are its `data`. A type that this program does not know reads as `Unknown`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from vya_backup.history.fact import EXACT, Exact, ExactList, Fact, Instant

Verdict = Literal["pass", "fail", "cannot judge"]
COLUMNS: Final = ("instance", "database", "backup_id")


class Event(Fact):
    """One immutable fact."""

    type: ClassVar[str]

    instance: str | None = None
    database: str | None = None
    backup_id: str | None = None

    def data(self) -> str:
        """Return the fields that are not columns as canonical JSON, every known secret replaced by the mask."""
        return json.dumps(self.scrubbed(*COLUMNS), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class Process(Fact):
    """Who is at work, so that a later run can tell whether it still is."""

    host: Exact
    boot_id: Exact
    pid: int
    started_ticks: int


class RecordedGap(Fact):
    """Something of the database that the dump could not hold."""

    kind: str
    name: str
    reason: str
    remedy: str = ""


class Exclusion(Fact):
    """A database that is not backed up, and why."""

    name: Exact
    reason: str


# --------------------------------------------------------------------------- the life of a backup


class Started(Event):
    """A dump of one database began; `path` is where it is going to be, `shape` the settings that shape its content."""

    type = "started"
    engine: Exact
    path: Exact
    shape: Exact
    slot_start: Instant
    slot_end: Instant
    reason: str
    forced: bool = False
    attempt: int = 1
    process: Annotated[Process, EXACT]
    client: str = ""
    server: str = ""


class Dumped(Event):
    """The dump tool succeeded, its end was seen, the objects were counted and the file is published."""

    type = "dumped"
    path: Exact
    size_bytes: int
    plain_bytes: int
    sha256: Exact
    plain_sha256: Exact
    md5: Exact | None = None
    compression: Exact
    duration_seconds: float
    consistent: bool = True
    unprotected: ExactList = ()
    gaps: tuple[RecordedGap, ...] = ()
    counts: Annotated[dict[str, int], EXACT] = Field(default_factory=dict)
    rows: int = 0
    rows_exact: bool = True
    schema_hash: Exact = ""
    metadata_sha256: Exact = ""
    client: str = ""
    server: str = ""
    stderr: str = ""


class Checksummed(Event):
    """The stored file was read back and equals what was streamed out: the backup is good."""

    type = "checksummed"
    path: Exact
    size_bytes: int
    sha256: Exact
    duration_seconds: float
    from_disk: bool
    inode: int | None = None
    modified_ns: int | None = None


class Verified(Event):
    """A stored file was read again, compared and decoded to its end.

    `checks` are those that failed or could not be made. A `fail` of the dump itself stands beside a
    `damaged` or `missing`; one of its sidecars alone changes no state.
    """

    type = "verified"
    path: Exact
    verdict: Verdict
    reason: str = ""
    checks: ExactList = ()
    size_bytes: int | None = None
    sha256: Exact = ""
    duration_seconds: float = 0
    from_disk: bool = False


class Drilled(Event):
    """A backup was restored into a scratch database and compared with its manifest."""

    type = "drilled"
    verdict: Verdict
    duration_seconds: float
    reason: str = ""
    target_instance: Exact = ""
    target_database: Exact = ""
    rows: int = 0
    differences: tuple[str, ...] = ()
    size_bytes: int = 0
    plain_bytes: int = 0
    objects: int = 0
    assertions: int = 0
    """How many of the configured questions were asked and answered as expected."""
    compared: tuple[str, ...] = ()
    server: str = ""
    sandbox: Exact = ""


class DrillStarted(Event):
    """A drill began; its backup is not pruned while the process lives.

    `target_instance` is the configured instance that it uses, empty where it makes a private server.
    """

    type = "drill_started"
    process: Annotated[Process, EXACT]
    target_instance: Exact = ""


class DrillAbandoned(Event):
    """A drill ended without a verdict: stopped, or closed by a later run; `left` is what only a person can remove."""

    type = "drill_abandoned"
    reason: str
    target_instance: Exact = ""
    left: str = ""


class Failed(Event):
    """A step of a backup failed; without `backup_id` it never started."""

    type = "failed"
    step: Exact
    code: Exact
    message: str
    hint: str = ""
    stderr: str = ""


class Abandoned(Event):
    """A dump that was running when its process died, closed by a later run."""

    type = "abandoned"
    reason: str
    process: Annotated[Process | None, EXACT] = None


class Missing(Event):
    """The file of a backup is not where it was published."""

    type = "missing"
    path: Exact


class Damaged(Event):
    """The file of a backup is not what was published."""

    type = "damaged"
    path: Exact
    reason: str
    check: str


class FilledSlot(Fact):
    """One line of the slot table: the backup that stands for a period, such as `daily` `2026-01-09`."""

    rule: Exact
    period: Exact
    backup_id: Exact


class Survivor(Fact):
    """A backup that stays, and why."""

    backup_id: Exact
    reason: str


class Pruned(Event):
    """A backup is given up, as the retention policy decided; its files are removed after this event.

    `rules` are the numbers of the policy, `decided_at` and `zone` the rest of what the decision was made from, so that
    anyone can make it again: `slots` and `survivors` are its outcome for the whole database. One decision may give up
    thousands: the first event of it holds these, and `decision` of each is the `backup_id` of that first one.
    """

    type = "pruned"
    path: Exact
    reason: str
    policy: str
    size_bytes: int = 0
    decision: Exact = ""
    rules: Annotated[dict[str, int | str], EXACT] = Field(default_factory=dict)
    decided_at: Instant | None = None
    zone: Exact = ""
    slots: Annotated[tuple[FilledSlot, ...], EXACT] = ()
    survivors: Annotated[tuple[Survivor, ...], EXACT] = ()


class Leftover(Fact):
    """A file that was not removed, because it is no longer the one that was published."""

    path: Exact
    reason: str


class Removed(Event):
    """The files of a pruned backup are gone; a file that had been changed is left where it is."""

    type = "removed"
    paths: ExactList = ()
    left: Annotated[tuple[Leftover, ...], EXACT] = ()
    freed_bytes: int = 0


class Held(Event):
    """A promise not to prune a backup."""

    type = "held"
    reason: str


class Released(Event):
    """The end of that promise; without `backup_id` someone looked at what stopped the pruning of a database."""

    type = "released"
    reason: str
    about: str = ""


# --------------------------------------------------------------------------- restores


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


class Restored(Event):
    """A restored database stands and agrees with the manifest; `left` is what could not be cleaned up after it."""

    type = "restored"
    restore_id: Exact
    target_instance: Exact
    target_database: Exact
    duration_seconds: float
    rows: int
    plain_bytes: int
    compared: tuple[str, ...] = ()
    left: str = ""


class RestoreCleaned(Event):
    """What an ended restore had left behind, staging or the old database, was removed by a later run."""

    type = "restore_cleaned"
    restore_id: Exact
    target_instance: Exact
    target_database: Exact
    mended: tuple[str, ...] = ()


class RestoreFailed(Event):
    """A restore stopped; `left` says where the old database is and what brings it back.

    `mended` is what a later run did about a restore whose process had died.
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


# --------------------------------------------------------------------------- instances, runs, doit, the catalog itself


class Discovered(Event):
    """What an instance holds and what of it is left out; appended only when it differs from the last one."""

    type = "discovered"
    server: str
    found: ExactList
    excluded: tuple[Exclusion, ...] = ()


class DiscoveryFailed(Event):
    """An instance could not be asked what it holds."""

    type = "discovery_failed"
    code: Exact
    message: str
    hint: str = ""


class RunStarted(Event):
    """One invocation is about to do something."""

    type = "run_started"
    command: str
    version: Exact
    environment: Exact
    config_path: Exact = ""


class RunFinished(Event):
    """The end of a run and how many tasks ended how."""

    type = "run_finished"
    exit_status: int
    results: Annotated[dict[str, int], EXACT] = Field(default_factory=dict)


class TaskRecorded(Event):
    """What doit remembers of a task that succeeded."""

    type = "task_recorded"
    task: Exact
    state: Annotated[dict[str, Any], EXACT]


class TaskForgotten(Event):
    """What doit remembered of a task is void."""

    type = "task_forgotten"
    task: Exact


class CatalogCreated(Event):
    """The first event of every chain."""

    type = "catalog_created"
    schema_version: int
    program_version: Exact


class CatalogRebuilt(Event):
    """This file was made again: from copies of a catalog, or from the sidecars of its backups.

    `kept` and `lost` are by catalog: the last position that was recovered, and the last one that is known to have been.
    Events between the two are gone, and what remembers their hashes is no sign of tampering.
    """

    type = "catalog_rebuilt"
    source: Literal["copies", "sidecars"]
    events: int
    kept: Annotated[dict[str, int], EXACT] = Field(default_factory=dict)
    lost: Annotated[dict[str, int], EXACT] = Field(default_factory=dict)


class Unknown(Event):
    """An event of a newer program: kept as it is, shown, never interpreted."""

    type = "unknown"
    recorded_type: str
    content: dict[str, Any]


BY_TYPE: dict[str, type[Event]] = {kind.type: kind for kind in Event.__subclasses__() if kind is not Unknown}


def decode(recorded_type: str, columns: dict[str, str | None], data: str) -> Event:
    """Return the event of a catalog row; fields that a newer program added are left out.

    Raises:
        ValueError: the data is not of the shape that its type demands.
    """
    content = json.loads(data)
    kind = BY_TYPE.get(recorded_type)
    if kind is None:
        return Unknown(recorded_type=recorded_type, content=content, **columns)
    known = {name: value for name, value in content.items() if name in kind.model_fields}
    return kind.model_validate({**known, **columns})
