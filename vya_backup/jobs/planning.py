"""Gather what the catalog, the disk and discovery say, and let the plan decide for every database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from vya_backup.decisions.naming import USERS, ArtifactName, Key, artifact_name, free_name
from vya_backup.decisions.plan import Decision, Known, Work, decide, shape_of
from vya_backup.decisions.slots import Slot, slot_at
from vya_backup.engines import has_accounts
from vya_backup.history.views import BackupRow, known_databases, newest_published, newest_published_of
from vya_backup.jobs.discovery import Discovery
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Instance
from vya_backup.transport.compression import suffix


@dataclass(frozen=True)
class Planned:
    """One database with its decision; where a dump is due, the final path it will have."""

    key: Key
    instance: Instance
    decision: Decision
    slot: Slot
    shape: str
    artifact: ArtifactName
    """The dump to be made, or the newest one where none is due."""
    problem: str = ""
    """Why it cannot be dumped at all, or empty."""


@dataclass(frozen=True)
class Wanted:
    """The databases of one instance that a plan is asked for."""

    instance: Instance
    databases: tuple[str, ...]
    problems: Mapping[str, str]


def wanted_from_discovery(discovery: Discovery) -> Wanted:
    """Take what was found just now, and what the configuration lists although it was not found."""
    absent = dict.fromkeys(discovery.absent, "listed in the configuration, but not on the server")
    databases = with_accounts(discovery.instance, discovery.selected + discovery.absent)
    return Wanted(discovery.instance, databases, discovery.problems | absent)


def wanted_from_history(workspace: Workspace) -> list[Wanted]:
    """Take what the last discovery of each enabled instance found: no server is contacted."""
    known = known_databases(workspace.catalog)
    return [
        Wanted(instance, with_accounts(instance, tuple(known[instance.id].found)), {})
        for instance in workspace.enabled_instances()
        if instance.id in known
    ]


def with_accounts(instance: Instance, databases: tuple[str, ...]) -> tuple[str, ...]:
    """Return the databases with the accounts of the instance, first, where it has any and they are wanted."""
    has_room = USERS not in databases  # a real one of that name is a problem that discovery tells
    return (USERS, *databases) if instance.users and has_accounts(instance.type) and has_room else databases


def plan(
    workspace: Workspace, wanted: Iterable[Wanted], *, now: datetime, forced: Callable[[Key], bool]
) -> list[Planned]:
    """Decide for every wanted database, in the order given."""
    newest = newest_published(workspace.catalog)
    moment = _Moment(now, slot_at(now, workspace.schedule), forced)
    return [
        _planned(workspace, one, name, newest.get((one.instance.id, name)), moment)
        for one in wanted
        for name in one.databases
    ]


def decide_again(workspace: Workspace, planned: Planned, *, forced: bool) -> Decision:
    """Decide again for one database, after its lock was taken: another run may have done the work meanwhile."""
    now = workspace.clock()
    row = newest_published_of(workspace.catalog, planned.key.instance, planned.key.database)
    known = _known(workspace, row) if row else None
    slot = slot_at(now, workspace.schedule)
    return decide(known, slot=slot, now=now, shape=planned.shape, forced=forced)


@dataclass(frozen=True)
class _Moment:
    now: datetime
    slot: Slot
    forced: Callable[[Key], bool]


def _planned(workspace: Workspace, wanted: Wanted, database: str, newest: BackupRow | None, moment: _Moment) -> Planned:
    key, instance = Key(wanted.instance.id, database), wanted.instance
    shape = shape_of(instance, database)
    known = _known(workspace, newest) if newest else None
    problem = wanted.problems.get(database, "")
    decision = decide(known, slot=moment.slot, now=moment.now, shape=shape, forced=moment.forced(key))
    if problem:  # loud in every run, also while an older backup covers the slot
        decision = Decision(Work.DUMP, problem, known)
    if decision.work is Work.DUMP or known is None:
        artifact = _new_artifact(workspace, key, instance, moment.now, wanted.databases)
    else:
        artifact = ArtifactName(known.path)
    return Planned(key, instance, decision, moment.slot, shape, artifact, problem)


def _known(workspace: Workspace, row: BackupRow) -> Known:
    path = row.path or ""  # a published backup has one; the column is empty only before the first event says it
    return Known(
        backup_id=row.backup_id,
        path=path,
        good=row.state == "good",
        shape=row.shape or "",
        started_at=row.started_at,
        size_bytes=row.size_bytes or 0,
        size_on_disk=workspace.store.size(path),
        plain_bytes=row.plain_bytes or 0,
    )


def _new_artifact(
    workspace: Workspace, key: Key, instance: Instance, now: datetime, neighbours: Iterable[str]
) -> ArtifactName:
    content = workspace.engine(instance, key.database).content_suffix
    wanted = artifact_name(
        key,
        instance.type,
        now.astimezone(workspace.schedule.zone),
        workspace.naming,
        suffix=f"{content}.{suffix(workspace.configuration.backup.compression)}",
        neighbours=neighbours,
    )
    return free_name(wanted, lambda path: workspace.store.size(path) is not None)
