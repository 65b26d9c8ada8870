"""Gathers what a message is made of: what happened in a run, what was there before, and what stands whatever it did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from vya_backup.decisions.fates import Before, Run, Where, name_of
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.metadata import human_size
from vya_backup.decisions.naming import Key
from vya_backup.decisions.owing import unended
from vya_backup.decisions.retention import rules_for
from vya_backup.decisions.slots import is_overdue
from vya_backup.decisions.tidings import Concern, Count, Head, Tidings
from vya_backup.decisions.turns import overdue as unread
from vya_backup.history import notices, watching
from vya_backup.history.notices import ToldRun
from vya_backup.history.verifiable import verifiable
from vya_backup.history.watching import WatchedRow
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.liveness import ProcessIdentity, is_gone

NAMED = 5


def is_whole_backup(run: ToldRun) -> bool:
    """Say whether a run was about all databases, and not about some that somebody named."""
    return "backup" in run.command.split()


def is_backup(run: ToldRun) -> bool:
    """Say whether a run was to back something up."""
    return any(word.split(":")[0] == "backup" for word in run.command.split())


def is_dead(workspace: Workspace, run: ToldRun) -> bool:
    """Say whether a run certainly ended without its end having been recorded."""
    return run.finished_at is None and is_gone_run(workspace, run)


def is_gone_run(workspace: Workspace, run: ToldRun) -> bool:
    """Say whether the process that a run was is certainly no more."""
    return run.process is not None and is_gone(
        ProcessIdentity(**run.process), workspace.configuration.application.host()
    )


def run_facts(workspace: Workspace, run: ToldRun, *, broken: str = "", stands: bool = False) -> Run:
    """Return what is known of a run; with `stands` also what the state of everything demands now.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    happened = notices.happenings(workspace.catalog, [run.run_id])[run.run_id]
    made = [one.backup_id for one in happened if one.type == "checksummed" and one.backup_id]
    killed = not broken and is_dead(workspace, run)
    rows = watching.watched(workspace.catalog)
    touched = {(one.instance or "", one.database or "") for one in happened}
    return Run(
        run=run,
        happened=happened,
        before={
            (row.instance, row.database): Before(row.size_bytes, row.duration_seconds, row.was_failing)
            for row in notices.before(workspace.catalog, made)
        },
        bare=frozenset((row.instance, row.database) for row in rows if row.newest_good_at is None),
        killed=killed,
        in_flight=unended(happened) if killed else (),
        broken=broken,
        standing=tuple(_standing(workspace, rows, touched)) if stands else (),
    )


def _standing(workspace: Workspace, rows: list[WatchedRow], touched: set[Where]) -> Iterator[Concern]:
    now, configuration = workspace.clock(), workspace.configuration
    others = [row for row in rows if (row.instance, row.database) not in touched]
    if bare := [_name(row) for row in others if row.newest_good_at is None]:
        yield Concern("CRITICAL", f"without any good backup: {_some(bare)}", "See why: doit databases")
    late = [row for row in others if row.newest_good_at and is_overdue(row.newest_good_at, now, workspace.schedule)]
    if late:
        yield Concern("WARNING", f"overdue: {_some([_name(row) for row in late])}", "See why: doit databases")
    for row in rows:
        rules = rules_for(configuration.storage.retention, Key(row.instance, row.database))
        if row.shrunk_percent > rules.shrink_alarm_percent:
            what = f"{_name(row)} is {row.shrunk_percent:.0f} % smaller than before"
            key = Key(row.instance, row.database)
            yield Concern("WARNING", what, f"Look at it, then: doit release --database {key} --reason TEXT")
    if unverified := unread(verifiable(workspace.catalog), every_days=configuration.verification.every_days, now=now):
        what = (
            f"{counted(len(unverified), 'backup')} not read again within {configuration.verification.every_days} days"
        )
        yield Concern("WARNING", what, "Run every night: doit verify --rolling")


def surroundings(workspace: Workspace, run: ToldRun | None) -> Tidings:
    """Return what every message says of host, disk and history; it has no headline yet.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    configuration, head = workspace.configuration, workspace.catalog.head()
    zone = configuration.scheduling.zone
    seconds = (run.finished_at - run.started_at).total_seconds() if run and run.finished_at else None
    return Tidings(
        level="SUCCESS",
        headline="",
        host=configuration.application.host(),
        environment=configuration.application.environment,
        at=(run.finished_at or run.started_at if run else workspace.clock()).astimezone(zone),
        command=run.command if run else "",
        run_id=run.run_id if run else "",
        actor=run.actor if run else "",
        exit_status=run.exit_status if run else None,
        seconds=seconds,
        counts=tuple(counts(workspace, run)),
        head=Head(head.catalog_id, head.position, head.hash),
        look=("doit status", "doit databases", "doit health"),
    )


def counts(workspace: Workspace, run: ToldRun | None) -> Iterator[Count]:
    """Yield the disk's room, what the backups take, and what was pruned since the backup before this one."""
    room = watching.room(workspace.catalog)
    if room:
        percent = 100 * room.free_bytes / room.total_bytes if room.total_bytes else 0
        yield Count("free space", f"{human_size(room.free_bytes)} of {human_size(room.total_bytes)} ({percent:.0f} %)")
    yield Count("all backups take", human_size(watching.kept_bytes(workspace.catalog)))
    if run is not None and is_backup(run):
        number, freed = _pruned(workspace, run)
        if number:
            yield Count("pruned since the last", f"{counted(number, 'backup')}, {human_size(freed)} freed")


def _pruned(workspace: Workspace, run: ToldRun) -> tuple[int, int]:
    since = run.started_at - timedelta(days=7)
    recent = [one for one in notices.runs_since(workspace.catalog, 0, limit=50) if one.sequence < run.sequence]
    last = max((one.sequence for one in recent if is_backup(one)), default=0)
    between = [one.run_id for one in recent if one.sequence > last and one.started_at > since]
    found = notices.happenings(workspace.catalog, [*between, run.run_id], ("pruned", "removed"))
    events = [one for happened in found.values() for one in happened]
    freed = sum(one.data.get("freed_bytes", 0) for one in events if one.type == "removed")
    return sum(one.type == "pruned" for one in events), freed


def _name(row: WatchedRow) -> str:
    return name_of(row.instance, row.database)


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
