"""`doit help` and `doit help NAME` in 80 columns: what there is to do and to see, and the options of one of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from doit.cmd_help import Help

from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import WIDTH, Usage, page
from vya_backup.command_line.options import OF_GROUP
from vya_backup.command_line.tasks import TASKS

LEFT = 16
DOITS_OWN = {
    "forget": "forget how a task ended last; backups stay",
    "help": "this page; or of a task or command: its options",
    "info": "show why a task is due",
    "list": "list the tasks; with --all those of each database",
    "tabcompletion": "write the completion script for a shell",
}


class TaskHelp(Help):  # type: ignore[misc]
    """Replaces doit's own `help`."""

    name = "help"

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Show a page; who has read enough may leave."""
        return guarded(lambda: self._show(params, args), only_looks=True)

    def _show(self, params: Any, args: Sequence[str]) -> int:
        group = args[0].partition(":")[0] if len(args) == 1 else ""
        if group not in OF_GROUP:
            return int(super().execute(params, args) or 0)
        print(page(f"{self.bin_name} {args[0]}", TASKS[group], [Usage("", "", OF_GROUP[group])]))
        return 0

    def print_usage(self, cmds: Mapping[str, Any]) -> None:
        """Print the front page."""
        print(f"{self.bin_name} backs up PostgreSQL, MySQL, MariaDB and SQLite databases.\n")
        print(f"To do, as in `{self.bin_name} backup` or `{self.bin_name} backup:INSTANCE/DATABASE`:")
        for name, words in TASKS.items():
            print(_line(name, words))
        print("\nTo see and to look after:")
        for name, command in sorted(cmds.items()):
            print(_line(name, DOITS_OWN.get(name, command.doc_purpose)))
        print(f"\nOptions of one of them: {self.bin_name} help NAME")


def _line(name: str, words: str) -> str:
    return textwrap.fill(words, WIDTH, initial_indent=f"  {name:{LEFT - 2}}", subsequent_indent=" " * LEFT)
