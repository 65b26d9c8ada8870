"""`doit hold` and `doit release`: promises about single backups, and the end of an alarm about a database.

Both are events with a reason and an actor; saying the same once more changes nothing.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from vya_backup.command_line.commands import find_key
from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained
from vya_backup.command_line.options import Declaration, Selection
from vya_backup.command_line.session import configured, demand_configuration, opened, run_started
from vya_backup.errors import UsageError
from vya_backup.jobs.holding import hold_backup, release_backup, release_database
from vya_backup.jobs.workspace import Workspace
from vya_backup.log.heard import say

BACKUP = {"name": "backup", "long": "backup", "default": "", "help": "the backup, by its id or the beginning of it"}
DATABASE = {"name": "database", "long": "database", "default": "", "help": "the database whose alarm was looked at"}
REASON = {"name": "reason", "long": "reason", "default": "", "help": "why; it is kept in the audit log"}


class _Promising(Explained):
    """A command that appends one event, or finds that nothing is to be said."""

    cmd_options: tuple[Declaration, ...] = (BACKUP, REASON)

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Act; expected failures are one line and an exit status."""
        return guarded(lambda: self._act(params, list(args)))

    def _act(self, params: Any, args: list[str]) -> int:
        if args:
            raise UsageError(f"{self.name} does not take {args[0]!r}", f"Say: doit {self.name} {self.doc_usage}")
        act = self.deed(params)
        if not str(params["reason"]).strip():
            raise UsageError(f"{self.name} needs a reason", "Say why with --reason TEXT; auditors will ask.")
        loaded = demand_configuration(configured())
        with opened(loaded, read_only=False) as workspace:
            started = run_started(loaded, [Selection(self.name, {})])
            with workspace.catalog.run(started) as run:
                said = act(workspace)
                run.finish(0, {})
        say(said, sys.stdout)
        return 0

    @abstractmethod
    def deed(self, params: Any) -> Callable[[Workspace], str]:
        """Return what is to be done, or refuse; it returns a sentence."""


class Hold(_Promising):
    """A promise not to prune a backup."""

    name = "hold"
    doc_purpose = "keep a backup from being pruned until it is released"
    doc_usage = "--backup ID --reason TEXT"

    def deed(self, params: Any) -> Callable[[Workspace], str]:
        """Hold one backup."""
        backup, reason = str(params["backup"]), str(params["reason"])
        if not backup:
            raise UsageError("hold names no backup", "Say --backup ID; see the ids with: doit backups")
        return lambda workspace: hold_backup(workspace, backup, reason)


class Release(_Promising):
    """The end of a hold, or of what stops the pruning of a database."""

    name = "release"
    doc_purpose = "end a hold, or the alarm that stops the pruning of a database"
    doc_usage = "--backup ID | --database INSTANCE/DATABASE --reason TEXT"
    cmd_options = (BACKUP, DATABASE, REASON)

    def deed(self, params: Any) -> Callable[[Workspace], str]:
        """Release one backup or one database."""
        backup, database, reason = str(params["backup"]), str(params["database"]), str(params["reason"])
        if bool(backup) == bool(database):
            raise UsageError("release needs either --backup or --database", "See: doit backups, doit prune --dry-run")
        if backup:
            return lambda workspace: release_backup(workspace, backup, reason)
        return lambda workspace: release_database(workspace, find_key(workspace, database), reason)
