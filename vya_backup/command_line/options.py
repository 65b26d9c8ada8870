"""The options of the tasks, and what the command line says with them.

doit parses options for a task alone: a group's never reach its members. So a run reads its own command line first, with
doit's own parser and the same declarations, and every task is told what was meant.
"""

from __future__ import annotations

import getopt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from doit.cmdparse import CmdOption, CmdParseError, TaskParse

from vya_backup.errors import UsageError

Declaration = dict[str, Any]


def option(name: str, help_text: str, **more: Any) -> Declaration:
    """Declare an option; without more it takes a text."""
    return {"name": name, "long": name.replace("_", "-"), "default": "", "help": help_text, **more}


def flag(name: str, help_text: str) -> Declaration:
    """Declare an option without a value."""
    return option(name, help_text, type=bool, default=False)


def _number(name: str, help_text: str) -> Declaration:
    return option(name, help_text, type=int, default=0)


def _names(name: str, help_text: str) -> Declaration:
    """Declare an option that may be said several times."""
    return option(name, help_text, type=list, default=[])


BACKUP: tuple[Declaration, ...] = (
    option("instance", "only this instance"),
    option("database", "only these databases: A,B"),
    flag("all", "every database of every instance (the default)"),
    flag("dry_run", "show what is due and why, touch nothing"),
    flag("force", "dump although a fresh backup exists; nothing is overwritten"),
    _number("compression", "level 1 to 9, for this run only"),
    _number("workers", "dumps at once (default: backup.parallel)"),
    flag("parallel", "several dumps at once (the default)"),
    flag("list_databases", "list what is found and what is left out, then stop"),
    flag("verbose", "show up-to-date databases too, however many"),
)

RESTORE: tuple[Declaration, ...] = (
    option("at", "the newest good backup at or before this time, in the configured zone"),
    option("datetime", "the same as --at"),
    flag("latest", "the newest good backup, even if it is suspiciously small"),
    option("backup", "this backup, by its id or the beginning of it"),
    option("file", "this file, also one that the catalog has never seen"),
    option("to", "restore under this name"),
    option("target_database", "the same as --to"),
    option("target_instance", "restore onto this instance"),
    flag("dry_run", "check everything and show what would be done, touch nothing"),
    flag("force", "replace what is there; the old one survives until the new one stands"),
    flag("interactive", "pick the backup from a list"),
    flag("yes", "answer the question that --force asks on a terminal"),
    flag("drop_slots", "PostgreSQL: replication slots of the replaced database may be dropped"),
    flag("list", "list what can be restored, touch nothing"),
    flag("all", "with --force and a pattern: restore every database that matches"),
    _names("user", "@users: only this account, `alice` or `app@10.%`; several times for several"),
    _names("exclude_user", "@users: all but these, A,B; may be said several times"),
    option("instance", "with a bare `restore`: of this instance"),
    option("database", "with a bare `restore`: this database"),
    option("date", "with --list: of this day only"),
    _number("limit", "with --list: so many at most"),
)

PRUNE: tuple[Declaration, ...] = (flag("dry_run", "show what would go and what stays, with reasons, touch nothing"),)

VERIFY: tuple[Declaration, ...] = (
    flag("all", "every backup of what is named (the default)"),
    flag("rolling", "tonight's share, so that all are read within verification.every_days"),
    _number("limit", "so many at most: never verified ones first, then longest ago"),
    _number("max_minutes", "begin no further backup after so many minutes"),
    _number("workers", "files read at once (default: backup.parallel)"),
    flag("dry_run", "list what would be read, in order; read nothing"),
    flag("drill", "restore the newest good backup of each on a private server, and compare"),
    option("backup", "with --drill: this backup, by its id or the beginning of it"),
)

RECOVER: tuple[Declaration, ...] = (
    option("target_instance", "recover onto this instance (the gone one itself, where it was set up anew)"),
    option("at", "as of this time: the newest good backups at or before it, in the configured zone"),
    flag("latest", "the newest good backups, even those that are suspiciously small"),
    option("exclude_database", "leave these databases out: A,B"),
    _number("workers", "databases at once (default: backup.parallel)"),
    flag("dry_run", "show what would be done, how much and how long, touch nothing"),
    flag("force", "replace what is there; an old one survives until the new one stands"),
    flag("yes", "answer the question that --force asks on a terminal"),
)

DRILL: tuple[Declaration, ...] = (option("backup", "this backup, by its id or the beginning of it"),)

OF_GROUP: Mapping[str, tuple[Declaration, ...]] = {
    "backup": BACKUP,
    "restore": RESTORE,
    "prune": PRUNE,
    "verify": VERIFY,
    "drill": DRILL,
    "recover": RECOVER,
}

DEFAULT_TASK = "backup"


@dataclass(frozen=True)
class Selection:
    """One task of the command line with its options by name."""

    task: str
    options: Mapping[str, Any]

    @property
    def group(self) -> str:
        """Return the part before the colon."""
        return self.task.partition(":")[0]

    @property
    def member(self) -> str:
        """Return the part after the colon, or an empty text."""
        return self.task.partition(":")[2]


def spelled_for_doit(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `restore list` written as the option that it is."""
    words = list(arguments)
    if words[:2] == ["restore", "list"]:
        words[1] = "--list"
    return words


def demand_no_blanks(words: Sequence[str]) -> None:
    """Refuse what a variable that is not set leaves behind: it would mean another database, or the newest backup.

    Raises:
        UsageError: a word is empty, or an option has `=` and no value.
    """
    for before, word in pairwise(["", *words]):
        if not word or (word.startswith("--") and word.find("=") == len(word) - 1):
            what = f"{word.rstrip('=')} has an empty value" if word else f"an argument is empty, behind {before!r}"
            raise UsageError(what, "Give it one, or leave it out. Is a variable of the shell empty?")


def read(arguments: Sequence[str]) -> list[Selection]:
    """Return the selected tasks with their options, in order; without arguments the default task.

    Raises:
        UsageError: an option is unknown, ambiguous or lacks its value.
    """
    demand_no_blanks(arguments)
    rest = list(arguments) or [DEFAULT_TASK]
    selections = []
    while rest:
        task = rest.pop(0)
        if task.startswith("-"):
            raise UsageError(f"{task} stands before any task", "Options follow the task they are meant for.")
        declared = OF_GROUP.get(task.partition(":")[0], ())
        options, rest = _parsed(task, declared, rest)
        selections.append(Selection(task, options))
    return selections


def written(selections: Sequence[Selection]) -> list[str]:
    """Return arguments that doit reads as these selections; every task gets its own options."""
    words: list[str] = []
    for selection in selections:
        words.append(selection.task)
        for declared in OF_GROUP.get(selection.group, ()):
            value = selection.options[declared["name"]]
            if value and declared.get("type") is bool:
                words.append(f"--{declared['long']}")
            elif declared.get("type") is list:
                words += [f"--{declared['long']}={one}" for one in value]
            elif value:
                words.append(f"--{declared['long']}={value}")
    return words


def _parsed(task: str, declared: Sequence[Declaration], rest: list[str]) -> tuple[Mapping[str, Any], list[str]]:
    parser = TaskParse([CmdOption(dict(option, default=fresh(option))) for option in declared])
    try:
        options, left = parser.parse(rest)
    except CmdParseError as error:
        raise UsageError(f"{task}: {what_is_wrong(error)}", _takes(declared)) from error
    _demand_own_values(task, declared, rest[: len(rest) - len(left)])
    return {option["name"]: options[option["name"]] for option in declared}, left


def _demand_own_values(task: str, declared: Sequence[Declaration], words: Sequence[str]) -> None:
    """Refuse an option that has lost its value and would take the next option for it: `--to --force`."""
    takers = {f"--{option['long']}" for option in declared if option.get("type") is not bool}
    for word, value in pairwise(words):
        if word in takers and value.startswith("--"):
            raise UsageError(f"{task}: {word} has no value before {value}", f"If that is the value: {word}={value}")


def fresh(option: Declaration) -> Any:
    """Return an option's default; for a list one of its own, since doit's parser appends to it."""
    return list(option["default"]) if option.get("type") is list else option["default"]


def what_is_wrong(error: CmdParseError) -> str:
    """Return what is wrong, without doit's list of option objects."""
    cause = error.__context__
    return cause.msg if isinstance(cause, getopt.GetoptError) else str(error)


def _takes(declared: Sequence[Declaration]) -> str:
    if not declared:
        return "It takes no options."
    return "It takes " + ", ".join(f"--{option['long']}" for option in declared) + "."
