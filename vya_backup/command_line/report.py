"""doit's reporter: passes what doit knows on to the screen; the tasks themselves tell what they did."""

from __future__ import annotations

import sys
from typing import Any

from doit.exceptions import UnmetDependency
from doit.reporter import ConsoleReporter

from vya_backup.command_line.session import current
from vya_backup.decisions.naming import Key, database_of_task
from vya_backup.log.heard import say
from vya_backup.outlook.screen import Result, Screen

MEMBER_OF_BACKUP = "backup:"


class ScreenReporter(ConsoleReporter):  # type: ignore[misc]
    """Speaks only where no task does: what is up to date, and bugs with their traceback."""

    desc = "the project's own lines"

    def execute_task(self, task: Any) -> None:
        """Say nothing: a working task shows its own line."""

    def skip_uptodate(self, task: Any) -> None:
        """Note a database of which neither dump nor checksum had anything to do."""
        if task.name.startswith(MEMBER_OF_BACKUP) and "/" in task.name:
            instance, _, database = task.name.removeprefix(MEMBER_OF_BACKUP).partition("/")
            label = str(Key(instance, database_of_task(database)))
            if not self._screen.has_told_of(label):
                self._screen.result(Result(label, "current", "up to date"))

    def add_failure(self, task: Any, fail: Any) -> None:
        """Show a bug; expected failures were told by their task, and what depends on them is not told again."""
        if not fail.report or isinstance(fail, UnmetDependency):
            return
        self._screen.result(Result(task.name, "failed", fail.message))
        for line in fail.traceback or ():
            say(line.rstrip("\n"), sys.stderr)

    def complete_run(self) -> None:
        """Leave the summary to the run."""

    @property
    def _screen(self) -> Screen:
        session = current()
        return session.screen if session is not None else Screen()
