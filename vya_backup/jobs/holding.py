"""Hold and release backups, and take note that someone looked at what stops the pruning of a database.

Each is decided under the catalog's write lock, so that a prune sees the hold, or the hold sees the prune.
"""

from __future__ import annotations

from vya_backup.decisions.naming import Key
from vya_backup.errors import UsageError
from vya_backup.history.event import Event
from vya_backup.history.events import Held, Released
from vya_backup.history.keeping import RetainedRow, beginning_with, one, retained
from vya_backup.jobs.alarms import barred
from vya_backup.jobs.workspace import Workspace

GONE = frozenset({"pruned", "failed", "abandoned"})
"""The states of backups that have no files: there is nothing to hold."""


def hold_backup(workspace: Workspace, beginning: str, reason: str) -> str:
    """Promise not to prune a backup and return a sentence.

    Raises:
        UsageError: the id is unknown or ambiguous, or the backup has no files.
    """
    row = _found(workspace, beginning)

    def events() -> list[Event]:
        now = one(workspace.catalog, row.backup_id) or row
        if now.state in GONE:
            raise UsageError(f"backup {now.backup_id} is {now.state}: there is nothing to hold")
        return [] if now.held else [Held(reason=reason, **now.columns)]

    said = workspace.catalog.append_decided(events)
    return f"{_name(row)} {'is held' if said else 'was held already; release it first to give another reason'}"


def release_backup(workspace: Workspace, beginning: str, reason: str) -> str:
    """End the hold on a backup and return a sentence.

    Raises:
        UsageError: the id is unknown or ambiguous.
    """
    row = _found(workspace, beginning)

    def events() -> list[Event]:
        now = one(workspace.catalog, row.backup_id) or row
        return [Released(reason=reason, about="hold", **now.columns)] if now.held else []

    return f"{_name(row)} {'is released' if workspace.catalog.append_decided(events) else 'was not held'}"


def release_database(workspace: Workspace, key: Key, reason: str) -> str:
    """Take note that someone looked at what stops the pruning of a database, and return a sentence."""
    about = ""

    def events() -> list[Event]:
        nonlocal about
        about = barred(workspace, key, retained(workspace.catalog, key.instance, key.database))
        released = Released(instance=key.instance, database=key.database, reason=reason, about=about)
        return [released] if about else []

    if workspace.catalog.append_decided(events):
        return f"{key} may be pruned again; it was stopped because {about}"
    return f"nothing stops the pruning of {key}"


def _found(workspace: Workspace, beginning: str) -> RetainedRow:
    rows = beginning_with(workspace.catalog, beginning)
    exact = [row for row in rows if row.backup_id == beginning] or rows
    if len(exact) != 1:
        what = "no backup" if not exact else "more than one backup"
        raise UsageError(f"{what} has an id that begins with {beginning!r}", "See the ids with: doit backups")
    return exact[0]


def _name(row: RetainedRow) -> str:
    return f"backup {row.backup_id} of {row.instance}/{row.database}"
