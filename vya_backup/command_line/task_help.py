"""`doit help` and `doit help TASK` in 80 columns: what there is to do and to see, and the options of a task.

doit's own pages tell of its dodo files and of a configuration file that is not used here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from doit.cmd_help import Help
from doit.cmdparse import CmdOption

from vya_backup.command_line.tasks import TASKS

WIDTH, LEFT = 80, 25
SHORT_LEFT = 16
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

    def _execute(self, pos_args: Sequence[str]) -> bool:
        task = next((task for task in self.task_list if task.name == pos_args[0]), None)
        if task is None:
            return False
        print(f"{self.bin_name} {task.name}\n  {task.doc}\n")
        for declared in task.params:
            print(option_line(declared))
        return True


def option_line(declared: dict[str, Any]) -> str:
    """Return an option with what it does, folded to the width."""
    shown = str(CmdOption(dict(declared)).help_param())
    return textwrap.fill(declared["help"], WIDTH, initial_indent=f"  {shown:{LEFT - 3}} ", subsequent_indent=" " * LEFT)


def _line(name: str, words: str) -> str:
    return textwrap.fill(words, WIDTH, initial_indent=f"  {name:{SHORT_LEFT - 2}}", subsequent_indent=" " * SHORT_LEFT)
