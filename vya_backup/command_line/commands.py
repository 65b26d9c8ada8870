"""The looking commands: tables for people, `--json` for machines and nothing else on standard output then."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained
from vya_backup.command_line.options import Declaration, flag
from vya_backup.command_line.session import keys_in, looking
from vya_backup.decisions.naming import Key
from vya_backup.decisions.plan import short_names
from vya_backup.errors import UsageError
from vya_backup.history.drift import newest_drift
from vya_backup.history.timekeeping import known_jobs
from vya_backup.jobs.auditing import audit_copy, audit_with_sidecars
from vya_backup.jobs.planning import plan, wanted_from_history
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook import tables
from vya_backup.outlook.account_tables import drift_lines
from vya_backup.outlook.schedule_tables import missed_lines

JSON = flag("json", "exact values as JSON")


class Looking(Explained):
    """A command that only looks; subclasses say what."""

    cmd_options: tuple[Declaration, ...] = (JSON,)

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Look; expected failures are one line and an exit status."""
        return guarded(lambda: self._open_and_look(params, list(args)), only_looks=True)

    def _open_and_look(self, params: Any, args: list[str]) -> int:
        names = self._names(params, args)
        taken = 1 if self.doc_usage else 0
        if names[taken:]:
            hint = f"Say: doit {self.name} {self.doc_usage}".rstrip()
            raise UsageError(f"{self.name} does not take {names[taken]!r}", hint)
        with looking() as workspace:
            return self.look(workspace, params, names)

    def _names(self, params: Any, args: list[str]) -> list[str]:
        """Return the arguments that are no options; doit's parser stops at the first one, people do not."""
        names = []
        while args:
            if args[0].startswith("-"):
                params, args = self.cmdparser.parse_only(args, params)
            else:
                names.append(args.pop(0))
        return names

    @abstractmethod
    def look(self, workspace: Workspace, params: Any, args: list[str]) -> int:
        """Show something and return the exit status."""


class Backups(Looking):
    """Every backup with its state."""

    name = "backups"
    doc_purpose = "list backups, newest first"
    doc_usage = "[INSTANCE/DATABASE]"

    def look(self, workspace: Workspace, params: Any, args: list[str]) -> int:
        """Show the backups of one database or of all."""
        rows = tables.backup_rows(workspace, find_key(workspace, args[0]) if args else None)
        return show(params, lambda: tables.values(rows), lambda: tables.backup_lines(rows, workspace))


class Plan(Looking):
    """What the next `doit backup` would do, as far as the last discovery knows."""

    name = "plan"
    doc_purpose = "show what is due and why, from the last discovery"

    def look(self, workspace: Workspace, params: Any, args: list[str]) -> int:
        """Decide for every database that the catalog knows; no server is contacted."""
        planned = plan(workspace, wanted_from_history(workspace), now=workspace.clock(), forced=lambda key: False)
        return show(params, lambda: tables.plan_values(planned), lambda: tables.plan_lines(planned, workspace))


class Databases(Looking):
    """Every known database with its newest good backup."""

    name = "databases"
    doc_purpose = "list known databases, with the age of their newest good backup"
    doc_usage = "[INSTANCE]"

    def look(self, workspace: Workspace, params: Any, args: list[str]) -> int:
        """Show the databases of one instance or of all."""
        rows = tables.database_rows(workspace, *args)
        if args and not rows:
            raise UsageError(f"nothing is known of an instance {args[0]!r}", "See what is: doit databases")
        return show(params, lambda: tables.values(rows), lambda: tables.database_lines(rows))


class Status(Looking):
    """One glance."""

    name = "status"
    doc_purpose = "one glance: what is overdue or failed, or the last backup"
    cmd_options = (
        JSON,
        flag("last_backup", "the newest backup only"),
        flag("summary", "the same as without options"),
    )

    def look(self, workspace: Workspace, params: Any, args: list[str]) -> int:
        """Show troubled databases and counts, or the newest backup."""
        if params["last_backup"]:
            newest = tables.backup_rows(workspace, None)[:1]
            return show(params, lambda: tables.values(newest), lambda: tables.backup_lines(newest, workspace))
        rows = tables.database_rows(workspace)
        return show(
            params,
            lambda: tables.values(rows),
            lambda: [
                *tables.status_lines(rows),
                *drift_lines(newest_drift(workspace.catalog)),
                *missed_lines(known_jobs(workspace.catalog), workspace.clock(), workspace.schedule.zone),
            ],
        )


class Audit(Looking):
    """The whole chain, and every head that has left the catalog."""

    name = "audit"
    doc_purpose = "verify the catalog's hash chain and every stored head of it"
    cmd_options = (
        JSON,
        {"name": "head", "long": "head", "default": "", "help": "a hash that the chain must hold, kept elsewhere"},
        {"name": "catalog", "long": "catalog", "default": "", "help": "a published copy or a merged catalog instead"},
    )

    def _open_and_look(self, params: Any, args: list[str]) -> int:
        if not params["catalog"]:
            return super()._open_and_look(params, args)
        report = audit_copy(Path(str(params["catalog"])), str(params["head"]))
        show(params, report.as_json, report.lines)
        return 0 if report.ok else 1

    def look(self, workspace: Workspace, params: Any, args: list[str]) -> int:
        """Verify, name every fault, and fail when there is one."""
        report = audit_with_sidecars(workspace, str(params["head"]))
        show(params, report.as_json, report.lines)
        return 0 if report.ok else 1


class NoClean(Explained):
    """Closed: doit could remove nothing here, and must not learn to."""

    name = "clean"
    doc_purpose = "closed: backups are never removed by doit"
    cmd_options = ({**flag("cleanall", "as refused as without it"), "short": "a", "long": "clean-all"},)

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Refuse."""
        raise InvalidCommand("clean is closed: backups are never removed by doit")


class NoIgnore(Explained):
    """Closed: an ignored backup would be skipped silently for ever."""

    name = "ignore"
    doc_purpose = "closed: an ignored backup would be skipped silently for ever"

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Refuse."""
        raise InvalidCommand("ignore is closed: to leave a database out, list it under exclude_databases")


def show(params: Any, values: Callable[[], Any], lines: Callable[[], Sequence[str]]) -> int:
    """Print values as JSON where that was asked for, else lines; return exit status 0."""
    if params["json"]:
        sys.stdout.write(json.dumps(values(), indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines()))
    return 0


def find_key(workspace: Workspace, name: str) -> Key:
    """Return the database that a name means: as a key, as a task writes it, or short while that is unambiguous.

    Raises:
        UsageError: nothing is known of it.
    """
    keys = keys_in(workspace)
    by_name = {key.task: key for key in keys} | {str(key): key for key in keys}
    by_name |= {name: key for name, key in short_names(keys).items() if name not in by_name}
    if name not in by_name:
        raise UsageError(f"nothing is known of {name!r}", "See what is: doit databases")
    return by_name[name]
