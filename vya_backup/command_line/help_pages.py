"""The pages that tell of a task or a command, in 80 columns, and the commands that show theirs when they are asked.

doit's own pages tell of a configuration file that is not used here, and know `help NAME` only, not `NAME --help`.
"""

from __future__ import annotations

import textwrap
from abc import ABC
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from doit.cmd_base import Command
from doit.cmdparse import CmdOption, CmdParseError

from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.leaving import print_error
from vya_backup.command_line.options import Declaration, what_is_wrong
from vya_backup.errors import UsageError

WIDTH, LEFT = 80, 28
HELP = frozenset({"-h", "--help"})


@dataclass(frozen=True)
class Usage:
    """One way to say a command: the words behind its name, what that does, and the options that it takes."""

    words: str
    about: str
    options: Sequence[Declaration] = ()


class Explained(Command, ABC):  # type: ignore[misc]
    """A command that shows its page for `--help`, and answers a mistyped option with one line."""

    def parse_execute(self, in_args: Sequence[str]) -> int:
        """Run, or explain."""
        if asks_for_help(in_args):
            return guarded(self._explain, only_looks=True)
        try:
            return int(super().parse_execute(list(in_args)) or 0)
        except CmdParseError as error:
            refused = UsageError(f"{self.name}: {what_is_wrong(error)}", f"See: {self.bin_name} help {self.name}")
            print_error(refused)
            return refused.exit_status

    def _explain(self) -> int:
        print(self.help())
        return 0

    def usages(self) -> list[Usage]:
        """Return the ways to say this command; those with several words have several."""
        return [Usage(self.doc_usage, self.doc_description or "", self.cmd_options)]

    def help(self) -> str:
        """Return the page, which `help NAME` prints too."""
        about = f"{self.doc_purpose[0].upper()}{self.doc_purpose[1:]}."
        return page(f"{self.bin_name} {self.name}", about, self.usages())


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Say whether one of the words is `-h` or `--help`."""
    return not HELP.isdisjoint(arguments)


def page(name: str, about: str, usages: Iterable[Usage]) -> str:
    """Return the page of a task or command."""
    lines = [name, _folded(about, 2)]
    for usage in usages:
        lines.append("")
        if usage.words or not usage.options:
            lines.append(_folded(f"{name} {usage.words}".rstrip(), 2, deeper=4))
        if usage.about:
            lines.append(_folded(usage.about, 4 if usage.words else 2))
        lines += [_option(declared) for declared in usage.options]
    return "\n".join(lines)


def _option(declared: Declaration) -> str:
    shown = f"    {CmdOption(dict(declared)).help_param()}"
    begin, left = (shown + "\n", " " * LEFT) if len(shown) > LEFT - 2 else ("", f"{shown:{LEFT}}")
    about = declared["help"].replace("[default: %(default)s]", "")  # doit's own, which is not the one in force
    return begin + textwrap.fill(about, WIDTH, initial_indent=left, subsequent_indent=" " * LEFT)


def _folded(text: str, left: int, *, deeper: int = 0) -> str:
    indent = " " * left
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + " " * deeper)
