"""`doit help TASK`: the options of a task in 80 columns, without doit's own configuration file, which is not used."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from doit.cmd_help import Help
from doit.cmdparse import CmdOption

WIDTH, LEFT = 80, 25


class TaskHelp(Help):  # type: ignore[misc]
    """Replaces doit's own `help`."""

    name = "help"

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
