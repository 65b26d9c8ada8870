"""`doit users …`: list the accounts of a backup, compare two states, say who may do what; and back up or restore them.

The last two are the tasks of `INSTANCE/@users` under another name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from doit.cmdparse import CmdOption, CmdParse, CmdParseError

from vya_backup.command_line.commands import JSON, show
from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained, Usage
from vya_backup.command_line.options import (
    OF_GROUP,
    Declaration,
    Selection,
    flag,
    fresh,
    option,
    what_is_wrong,
    written,
)
from vya_backup.command_line.run import Run
from vya_backup.command_line.session import keys_in, looking
from vya_backup.decisions.accounts import differences
from vya_backup.decisions.naming import USERS, Key, database_of_task
from vya_backup.errors import UsageError
from vya_backup.jobs.accounts_rights import rights_on
from vya_backup.jobs.accounts_states import LIVE, instances_with_accounts, listed_states, state_at, the_instance
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook import account_tables

AS_TASK: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "backup": (
        "Back up accounts, roles and grants, of one instance or of all.",
        ("instance", "all", "dry_run", "force", "compression"),
    ),
    "restore": (
        "Bring accounts back, all or some.",
        (
            *("instance", "all", "user", "exclude_user", "file", "backup", "at", "latest"),
            *("target_instance", "dry_run", "force", "yes"),
        ),
    ),
}
"""The words that are tasks: what each does, and those of its options that are about accounts."""


@dataclass(frozen=True)
class Look:
    """A word that looks: what it shows, in a sentence; who shows it; its options; and the names that it takes."""

    about: str
    show: Callable[[Workspace, Mapping[str, Any], list[str]], int]
    options: tuple[Declaration, ...]
    names: str = ""


def list_accounts(workspace: Workspace, options: Mapping[str, Any], names: list[str]) -> int:
    """Show the accounts of the newest good backups, or of one backup or file."""
    states = listed_states(workspace, names, str(options["backup"]), str(options["file"]))
    return show(
        options,
        lambda: account_tables.account_values(states),
        lambda: account_tables.account_lines(states, workspace),
    )


def show_grants(workspace: Workspace, options: Mapping[str, Any], names: list[str]) -> int:
    """Show who may do what on one database."""
    rights = rights_on(workspace, _database(workspace, options))
    return show(
        options,
        lambda: account_tables.right_values(rights),
        lambda: account_tables.right_lines(rights, workspace),
    )


def diff(workspace: Workspace, options: Mapping[str, Any], names: list[str]) -> int:
    """Show what happened to the accounts of an instance between two states."""
    if not (options["from"] and options["to"]):
        raise UsageError(
            "users diff compares two states", "Say --from and --to, each a time, a backup's id, or `live`."
        )
    instance = the_instance(workspace, names)
    before = state_at(workspace, instance, str(options["from"]), "--from")
    after = state_at(workspace, instance, str(options["to"]), "--to")
    found = differences(before.accounts, after.accounts)
    show(
        options,
        lambda: account_tables.difference_values(found, before, after),
        lambda: account_tables.difference_lines(found, before, after),
    )
    return 1 if found and options["exit_code"] else 0


def _database(workspace: Workspace, options: Mapping[str, Any]) -> Key:
    name, instance = database_of_task(str(options["database"])), str(options["instance"])
    if not name:
        raise UsageError("users show-grants names no database", "Say --database DATABASE.")
    if "/" in name and not instance:
        instance, _, name = name.partition("/")
    if instance:
        return Key(instance, name)
    owners = [key for key in keys_in(workspace) if key.database == name]
    if len(owners) == 1:
        return owners[0]
    known = instances_with_accounts(workspace)
    if not owners and len(known) == 1:
        return Key(known[0], name)
    which = ", ".join(key.instance for key in owners) or "none that is known"
    raise UsageError(f"it is not said which instance's {name} is meant", f"Say --instance; it is on: {which}.")


LOOKS: Mapping[str, Look] = {
    "list": Look(
        "List the accounts of the newest good backups, of one backup, or of one file.",
        list_accounts,
        (JSON, option("backup", "of this backup, by its id or the beginning of it"), option("file", "of this file")),
        names="[INSTANCE]",
    ),
    "show-grants": Look(
        "Show who may do what on one database.",
        show_grants,
        (JSON, option("database", "on this database"), option("instance", "on this instance")),
    ),
    "diff": Look(
        "Show what happened to the accounts of an instance between two states.",
        diff,
        (
            JSON,
            option("from", "the earlier state: a time, a backup's id, or `live`"),
            option("to", f"the later state, `{LIVE}` is the server now"),
            flag("exit_code", "exit with 1 where something differs, as `git diff --exit-code` does"),
        ),
        names="[INSTANCE]",
    ),
}


class Users(Explained):
    """The accounts of database servers."""

    name = "users"
    doc_purpose = "accounts: list, compare, who may do what; back them up, restore them"

    def __init__(self, **surroundings: Any) -> None:
        """Keep what a run needs."""
        super().__init__(**surroundings)
        self._surroundings = surroundings

    def usages(self) -> list[Usage]:
        """Return each word with its own options."""
        looks = [Usage(f"{word} {look.names}".rstrip(), look.about, look.options) for word, look in LOOKS.items()]
        return looks + [Usage(f"{word} [INSTANCE]", AS_TASK[word][0], task_options(word)) for word in AS_TASK]

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Look, or hand over to a run."""
        words: list[str] = []
        status = guarded(lambda: self._act(list(args), words), only_looks=True)
        return int(Run(**self._surroundings).parse_execute(words) or 0) if words else status

    def _act(self, args: list[str], task: list[str]) -> int:
        """Do what the first word says; for a task only fill in its words."""
        word = args[0] if args else ""
        if word in AS_TASK:
            task += as_task(word, args[1:])
            return 0
        if word not in LOOKS:
            known = ", ".join(f"doit users {one}" for one in (*LOOKS, *AS_TASK))
            raise UsageError("users needs to be told what to do", f"There is: {known}.")
        look = LOOKS[word]
        options, names = parsed(f"users {word}", look.options, args[1:])
        if len(names) > len(look.names.split()):
            raise UsageError(f"users {word} does not take {names[-1]!r}")
        with looking() as workspace:
            return look.show(workspace, options, names)


def task_options(word: str) -> list[Declaration]:
    """Return the options of a word that is a task: those of the task that are about accounts."""
    every = {declared["name"]: declared for declared in OF_GROUP[word]}
    return [every[name] for name in AS_TASK[word][1]]


def as_task(word: str, args: list[str]) -> list[str]:
    """Return the words of the task that `users backup` or `users restore` means.

    Raises:
        UsageError: an option is unknown, or nothing says what is meant.
    """
    options, names = parsed(f"users {word}", task_options(word), args)
    said = {one["name"]: options.get(one["name"], one["default"]) for one in OF_GROUP[word]}
    instance = names[0] if names else str(said["instance"])
    said |= {"instance": "", "all": False}
    if instance:
        return written([Selection(f"{word}:{Key(instance, USERS).task}", said)])
    if word == "backup":
        return written([Selection(word, said | {"database": USERS})])
    if not (said["file"] or said["backup"]):
        raise UsageError("users restore names nothing to restore from", "Say --instance ID, --backup ID or --file F.")
    return written([Selection(word, said)])


def parsed(command: str, declared: Sequence[Declaration], args: list[str]) -> tuple[Mapping[str, Any], list[str]]:
    """Return options and names, in whatever order they stand.

    Raises:
        UsageError: an option is unknown or lacks its value.
    """
    parser = CmdParse([CmdOption(dict(option, default=fresh(option))) for option in declared])
    names: list[str] = []
    try:
        options, rest = parser.parse(args)
        while rest:
            names.append(rest[0])
            options, rest = parser.parse_only(rest[1:], options)
    except CmdParseError as error:
        takes = ", ".join(f"--{option['long']}" for option in declared)
        raise UsageError(f"{command}: {what_is_wrong(error)}", f"It takes {takes}.") from error
    return options, names
