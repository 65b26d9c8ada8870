"""Make a lost catalog again, and compare what it says with what lies on the disk.

The rule: nothing is called good that was not read again, to its last byte, by this very rebuild.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vya_backup import clock
from vya_backup.clock import monotonic, parse_rfc3339
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.metadata import Sidecar
from vya_backup.decisions.naming import ArtifactName
from vya_backup.errors import ArtifactDamaged, BackupError, Interrupted
from vya_backup.history.event import Event, Process
from vya_backup.history.events import Checksummed, Started, Verified
from vya_backup.history.run_events import CatalogRebuilt
from vya_backup.history.views import BackupRow, backups
from vya_backup.jobs.checking import unpack
from vya_backup.jobs.facts import dumped_event
from vya_backup.jobs.recovering import Recovered
from vya_backup.jobs.tree import Tree, Witness, read_sidecar
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.pipeline import silent
from vya_backup.transport.reading_back import ReadBack

REASON = "made again from its sidecar"
CHECK = "rebuild"
UNKNOWN_HOLDS = (
    "holds are not in sidecars: what was taken over is held no more, and an alarm that was looked at stands again; "
    "hold before the next prune what has to stay"
)


class Hindsight:
    """A clock that stamps what a sidecar tells with the time that it tells, and everything else with now."""

    def __init__(self) -> None:
        self.at: datetime | None = None

    def __call__(self) -> datetime:
        """Return the instant of the next event."""
        return self.at or clock.now()


@dataclass
class Rebuilt:
    """What a rebuild found. The sentences of `faults` ask for a person; `strays` have no history."""

    recovered: Recovered
    head: str
    adopted: list[str] = field(default_factory=list)
    good: int = 0
    faults: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    elsewhere: int = 0

    @property
    def ok(self) -> bool:
        """Say whether every backup of the history is there and intact, and no event is known to be lost."""
        return not self.faults and not (self.recovered.events and self.recovered.lost)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"ok": self.ok, "source": self.recovered.source, **asdict(self)}

    def lines(self) -> list[str]:
        """Return what a person reads."""
        made = self.recovered
        how = f"{counted(made.events, 'event')} recovered" if made.events else "no event recovered, all from sidecars"
        told = [f"note   {note}" for note in made.notes]
        told += [f"FAULT  {fault}" for fault in self.faults]
        told += [f"stray  {stray}" for stray in self.strays]
        told += [f"new    {path} had no history: taken over from its sidecar" for path in self.adopted]
        told += [f"note   {UNKNOWN_HOLDS}"] if self.adopted else []
        told += [f"note   {counted(self.elsewhere, 'dump')} of other hosts left alone"] if self.elsewhere else []
        files = f"{counted(self.good, 'backup')} read again and good, {counted(len(self.faults), 'fault')}"
        return [*told, f"catalog made again: {how}", files, f"head of the recovered history: {self.head}"]


Tell = Callable[[str], None]
"""Is told what is being read."""


def settle(workspace: Workspace, recovered: Recovered, tree: Tree, past: Hindsight, tell: Tell) -> Rebuilt:
    """Record the rebuild, take over what has only a sidecar, and read every file that the history relies on.

    `past` is the clock of the workspace's catalog.

    Raises:
        CatalogError: it could not be appended to.
        Interrupted: it is time to give up.
    """
    rebuilt = Rebuilt(recovered, _head(workspace, recovered), elsewhere=len(tree.elsewhere))
    workspace.catalog.append(
        CatalogRebuilt(source=recovered.source, events=recovered.events, kept=recovered.kept, lost=recovered.lost)
    )
    known = backups(workspace.catalog)
    _take_over(workspace, known, tree, past, rebuilt)
    # oldest first: a backup that becomes good is compared with the good one before it, which a shrink alarm stands on
    for row in reversed(backups(workspace.catalog, states=("good", "running"))):
        if row.dumped:
            tell(f"reading {row.path}")
            _read_again(workspace, row, rebuilt)
    rebuilt.strays += _strays(known, tree, rebuilt.adopted)
    return rebuilt


def _head(workspace: Workspace, recovered: Recovered) -> str:
    sql = "SELECT hash FROM events WHERE catalog_id = ? AND position = ?"
    catalog_id, position = max(recovered.kept.items(), default=("", 0))
    rows = workspace.catalog.rows(sql, (catalog_id, position))
    return f"{position} of {catalog_id}: {rows[0]['hash']}" if rows else "none"


def _take_over(workspace: Workspace, known: list[BackupRow], tree: Tree, past: Hindsight, rebuilt: Rebuilt) -> None:
    """Append `started` and `dumped` of each dump that only its sidecar knows, in the order of their beginnings."""
    ids, paths = {row.backup_id for row in known}, {row.path for row in known}
    for witness in tree.witnesses:
        if witness.backup_id in ids or witness.dump in paths:
            continue
        ids.add(witness.backup_id)
        if witness.dump not in tree.dumps:
            rebuilt.faults.append(f"{witness.dump} is missing: only its sidecar is there")
            continue
        try:
            _append_past(workspace, witness, past)
            rebuilt.adopted.append(witness.dump)
        except ValueError as error:
            rebuilt.strays.append(f"{witness.dump} has a sidecar that cannot be used: {error}")


def _append_past(workspace: Workspace, witness: Witness, past: Hindsight) -> None:
    sidecar = read_sidecar(workspace.store, witness.path)
    begun = _started(sidecar, witness)
    done = dumped_event(sidecar, witness.dump, workspace.store.read_bytes(witness.path))
    try:
        past.at = witness.started_at
        workspace.catalog.append(begun)
        past.at = witness.started_at + timedelta(seconds=sidecar.duration_seconds)
        workspace.catalog.append(done)
    finally:
        past.at = None


def _started(sidecar: Sidecar, witness: Witness) -> Started:
    return Started(
        instance=sidecar.instance,
        database=sidecar.database,
        backup_id=sidecar.backup_id,
        engine=sidecar.engine,
        path=witness.dump,
        shape=sidecar.shape,
        slot_start=parse_rfc3339(sidecar.slot_start),
        slot_end=parse_rfc3339(sidecar.slot_end),
        reason=REASON,
        process=Process(host=sidecar.hostname, boot_id="", pid=0, started_ticks=0),
        client=sidecar.client,
        server=sidecar.server,
    )


def _read_again(workspace: Workspace, row: BackupRow, rebuilt: Rebuilt) -> None:
    began = monotonic()
    try:
        seen = unpack(workspace, row, silent)
    except ArtifactDamaged as error:  # `unpack` has appended it
        rebuilt.faults.append(error.message)
    except Interrupted:
        raise
    except BackupError as error:
        reason = f"it could not be read: {error.message}"  # which says nothing against it, and nothing for it
        facts: dict[str, Any] = {**_columns(row), "path": row.path, "verdict": "cannot judge"}
        workspace.catalog.append(Verified(reason=reason, checks=(CHECK,), **facts))
        rebuilt.faults.append(f"{row.path} could not be read: {error.message}. Try again: doit verify")
    else:
        workspace.catalog.append(_success(row, seen, monotonic() - began))
        rebuilt.good += 1
        rebuilt.faults += _sidecar_faults(workspace, row)


def _sidecar_faults(workspace: Workspace, row: BackupRow) -> list[str]:
    """Compare the sidecar with what the history says of it: the dump restores without, but not as well."""
    name = ArtifactName(row.path or "").metadata
    try:
        found = hashlib.sha256(workspace.store.read_bytes(name)).hexdigest()
    except BackupError as error:
        return [error.message]
    return [f"{name} differs from what was written"] if row.metadata_sha256 not in {None, "", found} else []


def _success(row: BackupRow, seen: ReadBack, seconds: float) -> Event:
    facts: dict[str, Any] = {
        **_columns(row),
        "path": row.path,
        "size_bytes": seen.size_bytes,
        "sha256": seen.sha256,
        "duration_seconds": seconds,
        "from_disk": seen.from_disk,
    }
    return Verified(verdict="pass", **facts) if row.state == "good" else Checksummed(**facts)


def _columns(row: BackupRow) -> dict[str, str]:
    return {"instance": row.instance, "database": row.database, "backup_id": row.backup_id}


def _strays(known: list[BackupRow], tree: Tree, adopted: list[str]) -> list[str]:
    """Say of each dump without a history, or with an ended one, that it is there; nothing is done to it."""
    states = {row.path: row.state for row in known}
    told = [
        f"{path} has no history and no sidecar of this host: doit restore --file takes it"
        for path in sorted(tree.dumps - tree.elsewhere - set(states) - set(adopted))
    ]
    told += [
        f"{path} is there, but its backup was pruned" for path in sorted(tree.dumps) if states.get(path) == "pruned"
    ]
    return told + tree.unreadable
