"""PURE: the events of everything around backups: instances, runs, doit's memory, the catalog itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from vya_backup.history.event import Event, Process
from vya_backup.history.fact import EXACT, Exact, ExactList, Fact


class Exclusion(Fact):
    """A database that is not backed up, and why."""

    name: Exact
    reason: str


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
    """One invocation is about to do something; its `process` tells later whether it was killed."""

    type = "run_started"
    command: str
    version: Exact
    environment: Exact
    config_path: Exact = ""
    process: Annotated[Process | None, EXACT] = None


class Room(Fact):
    """The file system that the backups lie in, in bytes, as an unprivileged user sees it."""

    total_bytes: int
    free_bytes: int


class RunFinished(Event):
    """The end of a run and how many tasks ended how; `room` is what the disk of the backups had left then."""

    type = "run_finished"
    exit_status: int
    results: Annotated[dict[str, int], EXACT] = Field(default_factory=dict)
    room: Room | None = None


class ConfiguredInstance(Fact):
    """An instance as it is configured: what of it is to be backed up; never how to reach it."""

    id: Exact
    type: Exact
    enabled: bool
    databases: ExactList
    exclude_databases: ExactList = ()
    users: bool = True


class Configured(Event):
    """What the program was told to do; recorded with the first run that does something under it.

    `retention` holds the general rules, `overrides` what differs for which databases, both under the names of the
    configuration, so that a reader of the catalog can make the decisions that the configuration demands.
    `longest_gap_minutes` is how far apart two expected backups can be where not every day is the same; else 0.
    """

    type = "configured"
    environment: Exact
    timezone: Exact
    interval_minutes: int
    longest_gap_minutes: int = 0
    instances: tuple[ConfiguredInstance, ...]
    retention: Annotated[dict[str, Any], EXACT]
    overrides: Annotated[tuple[dict[str, Any], ...], EXACT] = ()
    verify_every_days: int
    drill_max_age_days: float
    min_free_percent: int


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
