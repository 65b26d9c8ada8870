"""Carry out the retention decision for one database: decide, append, and only then remove.

An abort after the event leaves files that no backup claims; the next run of anything removes them (`finish_prunes`).
A file goes only while it is the very one that was published, by inode and time or by its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import Candidate, Decision, Fate, Policy, decide, rules_for
from vya_backup.errors import AlreadyRunning, BackupError, StorageFailed
from vya_backup.history.events import Damaged, FilledSlot, Missing, Pruned, Survivor
from vya_backup.history.keeping import RetainedRow, one, retained, to_be_removed
from vya_backup.jobs.alarms import barred
from vya_backup.jobs.removing import LINK, Check, fault_of, remove
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline
from vya_backup.transport.liveness import ProcessIdentity, is_gone
from vya_backup.transport.locks import hold
from vya_backup.transport.stopping import stop


@dataclass(frozen=True)
class Considered:
    """A decision with the rows that it was made from, by id, and the events it would take."""

    key: Key
    decision: Decision
    rows: dict[str, RetainedRow]

    def bytes_of(self, fates: Sequence[Fate]) -> int:
        """Return the stored size of some of the backups."""
        return sum(self.rows[fate.candidate.backup_id].size_bytes or 0 for fate in fates)


@dataclass
class Outcome:
    """What came of pruning one database."""

    considered: Considered
    pruned: tuple[Pruned, ...] = ()
    freed_bytes: int = 0
    problems: list[str] = field(default_factory=list)
    """What a person should look at, each as a sentence."""


def consider(workspace: Workspace, key: Key) -> Considered:
    """Decide for one database from what the catalog says; nothing is touched."""
    return _considered(workspace, key)[0]


def prune(workspace: Workspace, key: Key, progress: pipeline.Progress) -> Outcome:
    """Prune one database under its lock.

    Raises:
        AlreadyRunning: another process works on it.
        BackupError: the catalog or the disk refused.
    """
    with workspace.locked(key, f"prune of {key}"):
        problems = _miss(workspace, key)
        checks = _checked(workspace, key, progress, problems)
        outcome = Outcome(*_append(workspace, key, checks), problems=problems)
        for event in outcome.pruned:
            if stop.requested:
                problems.append("interrupted: the next run removes the files of what is pruned")
                break
            _remove(workspace, checks[event.backup_id or ""], outcome)
    return outcome


def finish_prunes(workspace: Workspace) -> list[str]:
    """Remove what a prune that was cut off has left; return a sentence for each thing that a person should look at."""
    said: list[str] = []
    for row in to_be_removed(workspace.catalog, workspace.configuration.application.host()):
        key = Key(row.instance, row.database)
        try:
            with hold(workspace.state / "locks", str(key), f"prune of {key}"):
                still = one(workspace.catalog, row.backup_id)
                if still and still.removing:
                    said += remove(workspace, still, Check(still)).problems
        except AlreadyRunning:
            continue  # whoever has the lock may be at just this
        except BackupError as error:
            said.append(f"the files of pruned backup {row.backup_id} are still there: {error}")
    return said


def _considered(workspace: Workspace, key: Key) -> tuple[Considered, dict[str, object]]:
    """Return the decision, and what it was made from as the `pruned` events tell it."""
    rows = retained(workspace.catalog, key.instance, key.database)
    policy = Policy.of(rules_for(workspace.configuration.storage.retention, key))
    now, zone = workspace.clock(), workspace.schedule.zone
    candidates = [_candidate(row, workspace.configuration.application.host()) for row in rows]
    decision = decide(candidates, policy, now, zone, barred(workspace, key, rows))
    told = {"policy": str(policy), "rules": policy.rules(), "decided_at": now, "zone": zone.key}
    return Considered(key, decision, {row.backup_id: row for row in rows}), told


def _candidate(row: RetainedRow, host: str) -> Candidate:
    return Candidate(
        backup_id=row.backup_id,
        sequence=row.sequence,
        state=row.state,
        started_at=row.started_at,
        verified=row.verified_at is not None or row.drilled_at is not None,
        held=row.held,
        restoring=row.restoring,
        drilling=any(not is_gone(ProcessIdentity(**process), host) for process in row.drills),
    )


def _miss(workspace: Workspace, key: Key) -> list[str]:
    """Append what a look at the names shows: nothing is pruned on the strength of a file that is not there.

    Raises:
        StorageFailed: not one file is there, which is more likely a disk that is not mounted.
    """
    store = workspace.store
    good = [row for row in retained(workspace.catalog, key.instance, key.database) if row.state == "good"]
    sizes = [store.size(row.path or "") for row in good]
    if good and all(size is None for size in sizes):
        raise StorageFailed(
            f"none of the {len(good)} backups of {key} is below {store.base_path}",
            "Mount the disk; or where they are lost, make a new one with: doit backup",
        )
    return [_differs(workspace, row, size) for row, size in zip(good, sizes, strict=True) if size != row.size_bytes]


def _differs(workspace: Workspace, row: RetainedRow, size: int | None) -> str:
    if size is not None:
        return _damaged(workspace, row, f"it has {size:,} bytes instead of {row.size_bytes or 0:,}")
    workspace.catalog.append(Missing(path=row.path or "", **row.columns))
    return f"the file of backup {row.backup_id} is missing: {row.path}"


def _checked(workspace: Workspace, key: Key, progress: pipeline.Progress, problems: list[str]) -> dict[str, Check]:
    """Return a check for each backup that would go and whose file is the published one."""
    checks = {}
    considered = consider(workspace, key)
    for fate in considered.decision.victims:
        row = considered.rows[fate.candidate.backup_id]
        check = Check(row)
        fault = fault_of(workspace, check, progress)
        if not fault:
            checks[row.backup_id] = check
        elif fault == LINK:
            problems.append(f"{row.path} is left: {fault}")
        else:
            problems.append(_damaged(workspace, row, fault))
    return checks


def _damaged(workspace: Workspace, row: RetainedRow, fault: str) -> str:
    workspace.catalog.append(Damaged(path=row.path or "", reason=fault, check="prune", **row.columns))
    return f"{row.path} is damaged and is left: {fault}"


def _append(workspace: Workspace, key: Key, checks: dict[str, Check]) -> tuple[Considered, tuple[Pruned, ...]]:
    """Decide once more under the catalog's write lock, so that no hold or restore comes in between, and append that."""
    if not checks:
        return consider(workspace, key), ()
    last: list[Considered] = []

    def events() -> list[Pruned]:
        considered, told = _considered(workspace, key)
        last.append(considered)
        gone = [fate for fate in considered.decision.victims if fate.candidate.backup_id in checks]
        return _events(considered, list(reversed(gone)), told)

    recorded = workspace.catalog.append_decided(events)
    return last[-1], tuple(one.event for one in recorded if isinstance(one.event, Pruned))


def _events(considered: Considered, gone: list[Fate], told: dict[str, object]) -> list[Pruned]:
    """Return an event for each; the first holds the whole decision, to which the others refer: it is long."""
    if not gone:
        return []
    rows = [considered.rows[fate.candidate.backup_id] for fate in gone]
    whole = told | _outcome_of(considered.decision, {row.backup_id for row in rows})
    told = {"policy": told["policy"], "decision": rows[0].backup_id}
    first, *others = zip(rows, gone, strict=True)
    return [_event(*first, told | whole), *(_event(row, fate, told) for row, fate in others)]


def _outcome_of(decision: Decision, gone: set[str]) -> dict[str, object]:
    """Return the slot table and the survivors."""
    kept = [fate for fate in decision.fates if fate.candidate.backup_id not in gone]
    return {
        "slots": tuple(FilledSlot(rule=s.rule, period=s.period, backup_id=s.backup_id) for s in decision.slots),
        "survivors": tuple(Survivor(backup_id=fate.candidate.backup_id, reason=fate.reason) for fate in kept),
    }


def _event(row: RetainedRow, fate: Fate, told: dict[str, object]) -> Pruned:
    return Pruned.model_validate(
        {**row.columns, **told, "path": row.path or "", "reason": fate.reason, "size_bytes": row.size_bytes or 0}
    )


def _remove(workspace: Workspace, check: Check, outcome: Outcome) -> None:
    try:
        removal = remove(workspace, check.row, check)
    except BackupError as error:  # the event stands, so the next run tries again
        outcome.problems.append(f"the files of pruned backup {check.row.backup_id} are still there: {error}")
        return
    outcome.freed_bytes += removal.freed_bytes
    outcome.problems += removal.problems
