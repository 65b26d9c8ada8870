"""PURE: the events in the life of a backup, from its start to the removal of its files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from vya_backup.history.event import Event, Process
from vya_backup.history.fact import EXACT, Exact, ExactList, Fact, Instant

Verdict = Literal["pass", "fail", "cannot judge"]


class RecordedGap(Fact):
    """Something of the database that the dump could not hold."""

    kind: str
    name: str
    reason: str
    remedy: str = ""


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
    needs: Annotated[dict[str, Any], EXACT] = Field(default_factory=dict)
    """What a server must have before it can be loaded: versions, flavour, extensions, roles, definers."""


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


class AccountsChanged(Event):
    """A backup of accounts differs from the good one before it, which is `before`; `words` are the first differences.

    With a `problem` the two could not be compared, and nothing is known about changes.
    """

    type = "accounts_changed"
    before: Exact
    added: int = 0
    removed: int = 0
    changed: int = 0
    words: tuple[str, ...] = ()
    problem: str = ""

    @property
    def sentence(self) -> str:
        """Return the counts in words: `2 added, 1 changed`."""
        counts = {"added": self.added, "removed": self.removed, "changed": self.changed}
        return self.problem or ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)


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
