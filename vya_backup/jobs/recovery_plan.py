"""Gather what the catalog, the backups and the target say of a recovery, and let the plan decide for every database.

Nothing is touched here: this is also the whole of a dry run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vya_backup.decisions import recovery as decisions
from vya_backup.decisions.manifest import Manifest
from vya_backup.decisions.naming import USERS, Key
from vya_backup.decisions.recovery import Brought, Candidate, Pace, Planned, Standing, Target
from vya_backup.engines import has_accounts, restores_in_stages
from vya_backup.engines.stages import Stage
from vya_backup.errors import BackupError, CatalogError, RestoreRefused, UsageError
from vya_backup.history.identifiers import new_id
from vya_backup.history.recoveries import RecoveryRow, newest_restored, paces, recoveries
from vya_backup.history.views import database_names, known_databases
from vya_backup.jobs.restore_plan import holds_nothing
from vya_backup.jobs.restore_source import Source, Wish, choose
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Instance
from vya_backup.transport.connections import connect

TABLES = frozenset({"table", "sequence"})
"""Kinds of objects that come with the first stage."""


@dataclass(frozen=True)
class RecoveryWish:
    """What the command line asks for."""

    source: str
    target: str
    at: datetime | None = None
    latest: bool = False
    force: bool = False
    exclude: tuple[str, ...] = ()
    workers: int = 1

    def __str__(self) -> str:
        said = [f"newest good backups at or before {self.at.isoformat()}" if self.at else "newest good backups"]
        said += [f"without {', '.join(self.exclude)}"] if self.exclude else []
        said += ["force"] if self.force else []
        return ", ".join(said)


@dataclass(frozen=True)
class Considered:
    """A recovery with everything decided: what is shown is what is done."""

    wish: RecoveryWish
    source: Instance
    target: Instance
    recovery_id: str
    resumed: bool
    """Whether an earlier one goes on under its id."""
    was_finished: bool
    """Whether the earlier one had ended well."""
    planned: tuple[Planned, ...]
    accounts: Source | None
    """The backup of the accounts, None where there is none."""
    accounts_problem: str
    """Why the accounts cannot be restored, or empty."""
    server: str
    expected_seconds: float | None

    @property
    def work(self) -> list[Planned]:
        """Return the databases that something is to be done for, largest first."""
        return [one for one in self.planned if one.fate in decisions.WORK]

    @property
    def is_complete(self) -> bool:
        """Say whether an earlier recovery ended with everything in its place, and it still is there."""
        return self.was_finished and not self.work

    def restoring(self, planned: Planned, stage: Stage) -> Wish:
        """Return the restore of one database, or of a stage of it, as the command line would ask for it."""
        return Wish(
            key=Key(self.source.id, planned.database),
            backup=planned.candidate.backup_id,
            to=planned.database,
            target_instance=self.target.id,
            force=planned.fate is decisions.Fate.REPLACE,
            stage=stage,
            recovery_id=self.recovery_id,
        )


def consider(workspace: Workspace, wish: RecoveryWish) -> Considered:
    """Decide what a recovery does with every database that has ever been backed up from the source.

    Raises:
        UsageError: an instance or an excluded database is unknown, or there is nothing to recover.
        RestoreRefused: the target is of another kind.
        BackupError: the target cannot be asked what it holds.
    """
    source, target = workspace.instance(wish.source), workspace.instance(wish.target)
    _demand_same_family(workspace, source, target)
    names = _databases(workspace, wish)
    earlier = recoveries(workspace.catalog, source.id, target.id)
    before = next((row for row in earlier if row.at == wish.at), None)
    brought = _brought(workspace, earlier, before)
    found = known_databases(workspace.catalog).get(source.id)
    gone = frozenset(names) - frozenset(found.found) if found else frozenset()
    candidates = [replace(_candidate(workspace, wish, name, brought.get(name)), gone=name in gone) for name in names]
    server, standing = _look(workspace, target, names)
    rates = decisions.rates_of(_paces(workspace), source.id, source.type)
    planned = decisions.plan(
        candidates, Target(standing, brought), rates, force=wish.force, exclude=frozenset(wish.exclude)
    )
    accounts, problem = _accounts(workspace, wish, source)
    goes_on = before is not None and not (before.is_finished and any(one.fate in decisions.WORK for one in planned))
    return Considered(
        wish=wish,
        source=source,
        target=target,
        recovery_id=before.recovery_id if before and goes_on else new_id(),
        resumed=goes_on,
        was_finished=before is not None and before.is_finished,
        planned=tuple(planned),
        accounts=accounts,
        accounts_problem=problem,
        server=server,
        expected_seconds=decisions.expected_total(planned, wish.workers),
    )


def _demand_same_family(workspace: Workspace, source: Instance, target: Instance) -> None:
    if workspace.engine(source).family != workspace.engine(target).family:
        raise RestoreRefused(
            f"{source.id} is {source.type}, {target.id} is {target.type}: one cannot take the other's dumps",
            "Name an instance of the same kind with --target-instance.",
        )


def _databases(workspace: Workspace, wish: RecoveryWish) -> list[str]:
    known = [name for instance, name in database_names(workspace.catalog) if instance == wish.source]
    names = [name for name in known if name != USERS]
    if not known:
        raise UsageError(f"the catalog knows no database of {wish.source}", "See what there is with: doit databases")
    if strange := [name for name in wish.exclude if name not in names]:
        raise UsageError(
            f"{wish.source} has no database {', '.join(map(repr, strange))} to exclude",
            f"There are: {', '.join(names)}.",
        )
    return names


def _brought(workspace: Workspace, earlier: Sequence[RecoveryRow], before: RecoveryRow | None) -> dict[str, Brought]:
    """Return what earlier recoveries put on the target, unless another restore came after them; `before` goes on."""
    if not earlier:
        return {}
    goes_on = before.recovery_id if before and not before.is_finished else None
    ids = {row.recovery_id for row in earlier}
    return {
        name: Brought(row.backup_id or "", row.stage == Stage.TABLES, row.recovery_id != goes_on)
        for name, row in newest_restored(workspace.catalog, earlier[0].target_instance).items()
        if row.recovery_id in ids
    }


def _candidate(workspace: Workspace, wish: RecoveryWish, database: str, brought: Brought | None) -> Candidate:
    """Choose a database's backup; a recovery that goes on keeps to the backup whose tables it has brought."""
    key = Key(wish.source, database)
    begun = brought.backup_id if brought and brought.tables_only and not brought.finished else ""
    chosen = Wish(key=key, at=wish.at, latest=wish.latest)
    try:
        source = choose(workspace, replace(chosen, backup=begun) if begun else chosen)
    except CatalogError:
        raise
    except BackupError as error:
        return Candidate(database, problem=str(error))
    row = source.backup
    assert row is not None  # noqa: S101  it was chosen from the catalog
    return Candidate(
        database=database,
        backup_id=row.backup_id,
        started_at=row.started_at,
        size_bytes=row.size_bytes or 0,
        plain_bytes=row.plain_bytes or 0,
        has_programs=_has_programs(source),
    )


def _has_programs(source: Source) -> bool:
    """Say whether a database comes in two stages; without a sidecar its parts are unknown, and it comes as a whole."""
    manifest = source.sidecar.manifest if source.sidecar else Manifest({}, {}, rows_exact=False)
    kinds = {kind for kind, names in manifest.objects.items() if names}
    return restores_in_stages(source.engine.name) and bool(kinds - TABLES)


def _look(workspace: Workspace, target: Instance, names: Iterable[str]) -> tuple[str, dict[str, Standing]]:
    """Ask the target what it is, and which of the databases are there."""
    engine, access = workspace.engine(target), workspace.access(target, "restore")
    with connect(engine, access) as connection:
        server = engine.server(connection)
        there = {found.name for found in engine.databases(connection, access)}
    is_empty: Callable[[str], bool] = lambda name: holds_nothing(engine, access, server, name)  # noqa: E731
    standing = {name: Standing.EMPTY if is_empty(name) else Standing.FULL for name in names if name in there}
    return server.banner, standing


def _paces(workspace: Workspace) -> list[Pace]:
    return [
        Pace(row.engine, row.instance, row.database, row.plain_bytes / row.duration_seconds)
        for row in paces(workspace.catalog)
    ]


def _accounts(workspace: Workspace, wish: RecoveryWish, source: Instance) -> tuple[Source | None, str]:
    if not has_accounts(source.type):
        return None, ""
    try:
        return choose(workspace, Wish(key=Key(source.id, USERS), at=wish.at, latest=wish.latest)), ""
    except CatalogError:
        raise
    except BackupError as error:
        return None, str(error) if source.users else ""  # with `users: false` nobody expects them
