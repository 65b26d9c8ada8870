"""Ask every instance what databases it has; one that cannot be asked fails alone.

"Could not look" is never "nothing there": a failure is an event and a failed task, not an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vya_backup.decisions import plan
from vya_backup.decisions.naming import USERS, Key, show
from vya_backup.engines import has_accounts
from vya_backup.errors import BackupError
from vya_backup.history.run_events import Discovered, DiscoveryFailed, Exclusion
from vya_backup.jobs.workspace import Workspace
from vya_backup.settings.model import Instance
from vya_backup.transport.connections import connect
from vya_backup.transport.retrying import attempts
from vya_backup.transport.threads import side_by_side

if TYPE_CHECKING:
    from vya_backup.engines.answers import FoundDatabase

AT_ONCE = 8
CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Discovery:
    """What one instance answered."""

    instance: Instance
    selected: tuple[str, ...] = ()
    excluded: tuple[plan.Exclusion, ...] = ()
    absent: tuple[str, ...] = ()
    """Databases that the configuration lists and the server does not have."""
    problems: dict[str, str] = field(default_factory=dict)
    """Selected databases that cannot be dumped at all, with the reason."""
    sizes: dict[str, int] = field(default_factory=dict)
    server: str = ""
    error: BackupError | None = None


def discover(workspace: Workspace, instances: Sequence[Instance], *, record: bool = True) -> list[Discovery]:
    """Ask the instances, several at once; with `record`, append what was found where it differs from the last time."""
    if not instances:
        return []
    discoveries = side_by_side(lambda instance: _ask(workspace, instance), instances, AT_ONCE)
    if record:
        for discovery in discoveries:
            _record(workspace, discovery)
    return discoveries


def _ask(workspace: Workspace, instance: Instance) -> Discovery:
    try:
        return attempts(workspace.configuration.backup, lambda: _look(workspace, instance))
    except BackupError as error:
        return Discovery(instance, error=error)


def _look(workspace: Workspace, instance: Instance) -> Discovery:
    engine, access = workspace.engine(instance), workspace.access(instance)
    with connect(engine, access, timeout_seconds=CONNECT_SECONDS) as connection:
        server = engine.server(connection)
        found = engine.databases(connection, access)
    return sort_out(instance, found, server.banner)


def sort_out(instance: Instance, found: Sequence[FoundDatabase], server: str) -> Discovery:
    """Apply the configuration's selection to what a server has."""
    selected, excluded, absent = plan.select([(f.name, f.system) for f in found], instance)
    problems = {f.name: f.problem for f in found if f.problem and f.name in selected}
    if USERS in selected:
        problems[USERS] = "accounts are kept under this name; rename the database, or exclude it"
    return Discovery(
        instance=instance,
        selected=selected,
        excluded=excluded,
        absent=absent,
        problems=problems,
        sizes={f.name: f.size_bytes for f in found if f.size_bytes is not None},
        server=server,
    )


def _record(workspace: Workspace, discovery: Discovery) -> None:
    error = discovery.error
    if error is not None:
        event = DiscoveryFailed(instance=discovery.instance.id, code=error.code, message=error.message, hint=error.hint)
        workspace.catalog.append(event)
        return
    unusable = [Exclusion(name=name, reason=why) for name, why in sorted(discovery.problems.items())]
    missing = [Exclusion(name=name, reason="listed, but not on the server") for name in discovery.absent]
    left_out = [Exclusion(name=e.name, reason=e.reason) for e in discovery.excluded]
    workspace.catalog.append_if_changed(
        Discovered(
            instance=discovery.instance.id,
            server=discovery.server,
            found=discovery.selected,
            excluded=tuple(left_out + unusable + missing),
        )
    )


def vanished(before: Mapping[str, Discovered], discoveries: Iterable[Discovery]) -> list[Key]:
    """Return the databases that an instance had the last time and no longer has: an absence is told, too."""
    gone = []
    for discovery in discoveries:
        last = before.get(discovery.instance.id)
        if last is not None and discovery.error is None:
            there = {*discovery.selected, *discovery.absent, *(e.name for e in discovery.excluded)}
            gone += [Key(discovery.instance.id, name) for name in last.found if name not in there]
    return gone


def empty(discoveries: Iterable[Discovery]) -> list[str]:
    """Return the instances that answered and have nothing to back up: often an account without any privilege."""
    return [d.instance.id for d in discoveries if d.error is None and not (d.selected or d.problems or d.absent)]


def describe(discovery: Discovery) -> list[str]:
    """Return what `backup --list-databases` prints: a line for each database, with the reason where it is left out."""
    if discovery.error is not None:
        return [f"{discovery.instance.id}: {discovery.error}"]
    has_users = discovery.instance.users and has_accounts(discovery.instance.type) and USERS not in discovery.selected
    names = (USERS, *discovery.selected) if has_users else discovery.selected
    chosen = [f"{discovery.instance.id}/{show(name)}" for name in names if name not in discovery.problems]
    unusable = [f"{discovery.instance.id}/{show(n)}  cannot be dumped: {why}" for n, why in discovery.problems.items()]
    left_out = [f"{discovery.instance.id}/{show(e.name)}  left out: {e.reason}" for e in discovery.excluded]
    absent = [f"{discovery.instance.id}/{show(name)}  listed, but not on the server" for name in discovery.absent]
    return chosen + unusable + absent + left_out
