"""PURE: which databases the command line means, and which of its names exist."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import replace

from vya_backup.command_line.options import Selection
from vya_backup.decisions.naming import Key, database_of_task, task_name
from vya_backup.decisions.plan import matches, short_names
from vya_backup.errors import UsageError

BACKUP_GROUPS = frozenset({"backup", "dump", "checksum"})
SHOWN = 10  # so many known names are listed in a message


def backups(selections: Iterable[Selection]) -> list[Selection]:
    """Return the selections that ask for backups."""
    return [s for s in selections if s.group in BACKUP_GROUPS]


def instances_meant(selections: Iterable[Selection], known: Sequence[str]) -> list[str]:
    """Return the instances that the backup selections touch, in the configured order.

    Raises:
        UsageError: one of them is not configured or not enabled.
    """
    if not known:
        raise UsageError(
            "no instance is enabled in the configuration",
            "Add one below `instances`, as config/config.example.yaml shows.",
        )
    meant: set[str] = set()
    for selection in backups(selections):
        named = selection.member.partition("/")[0] or str(selection.options.get("instance") or "*")
        found = [i for i in known if i == named or (_is_pattern(named) and fnmatch.fnmatchcase(i, named))]
        if not found:
            raise UsageError(f"there is no enabled instance {named!r}", _there_are(known))
        meant.update(found)
    return [instance for instance in known if instance in meant]


def covers(selection: Selection, key: Key) -> bool:
    """Say whether a backup selection means this database."""
    if selection.group not in BACKUP_GROUPS:
        return False
    member, options = selection.member, selection.options
    if member in {"", key.instance}:
        wanted_instance, wanted = str(options.get("instance") or ""), str(options.get("database") or "")
        names = [database_of_task(name.strip()) for name in wanted.split(",") if name.strip()]
        return wanted_instance in {"", key.instance} and (
            not names or any(matches(key.database, name) for name in names)
        )
    return member == key.task or (_is_pattern(member) and fnmatch.fnmatchcase(key.task, member))


def demand_found(selections: Iterable[Selection], keys: Sequence[Key]) -> None:
    """Accept that every backup selection means at least one database.

    Raises:
        UsageError: one means none; the message lists the known ones.
    """
    for selection in backups(selections):
        names_database = "/" in selection.member or selection.options.get("database")
        if names_database and not any(covers(selection, key) for key in keys):
            asked = selection.member or selection.options["database"]
            raise UsageError(f"there is no database {asked!r}", _there_are([key.task for key in keys]))


def restores(selections: Sequence[Selection], keys: Sequence[Key]) -> list[Selection]:
    """Return the selections with every restore pattern replaced by the tasks that it means.

    Raises:
        UsageError: a name or a pattern means nothing or something ambiguous, or a pattern means several databases and
            `--all --force` was not said.
    """
    return [one for selection in selections for one in _restores_of(selection, keys)]


def verified(selection: Selection, keys: Sequence[Key]) -> list[Key]:
    """Return the databases whose backups a `verify` selection means, sorted.

    Raises:
        UsageError: a name or a pattern means nothing or something ambiguous.
    """
    member = selection.member
    short = {task_name(name): key for name, key in short_names(keys).items()}
    found = [key for key in keys if member in {"", key.instance, key.task}] or [
        key for name, key in short.items() if name == member
    ]
    if not found and _is_pattern(member):
        found = [key for key in keys if fnmatch.fnmatchcase(key.task, member)]
    if member and not found:
        raise UsageError(f"nothing is known of {member!r} to verify", _why_unknown(member, keys, "verify"))
    return sorted(found)


def _restores_of(selection: Selection, keys: Sequence[Key]) -> list[Selection]:
    member = selection.member
    if selection.group != "restore" or not member:
        return [selection]
    short = {Key(key.instance, name).task.partition("/")[2]: key for name, key in short_names(keys).items()}
    names = [key.task for key in keys] + list(short)
    if member in names:
        return [selection]
    if not _is_pattern(member):
        raise UsageError(f"nothing is known of {member!r} to restore", _why_unknown(member, keys, "restore"))
    found = [key.task for key in keys if fnmatch.fnmatchcase(key.task, member)]
    if not found:
        raise UsageError(f"{member!r} matches no database", _there_are([key.task for key in keys]))
    if len(found) > 1 and not (selection.options.get("all") and selection.options.get("force")):
        raise UsageError(f"{member!r} means {len(found)} databases: {_some(found)}", "Say --all --force to mean it.")
    return [replace(selection, task=f"restore:{name}") for name in found]


def prunes(selections: Sequence[Selection], keys: Sequence[Key]) -> list[Selection]:
    """Return the selections with short names of databases to prune written out.

    Raises:
        UsageError: a name means nothing, or several databases.
    """
    finds_more = bool(backups(selections))  # a backup in the same run may yet discover what is named
    return [selection if finds_more else _prune_of(selection, keys) for selection in selections]


def _prune_of(selection: Selection, keys: Sequence[Key]) -> Selection:
    member = selection.member
    known = {key.task for key in keys} | {key.instance for key in keys}
    if selection.group != "prune" or not member or member in known or _is_pattern(member):
        return selection
    short = {Key(key.instance, name).task.partition("/")[2]: key for name, key in short_names(keys).items()}
    if member not in short:
        raise UsageError(f"nothing is known of {member!r} to prune", _why_unknown(member, keys, "prune"))
    return replace(selection, task=f"prune:{short[member].task}")


def _why_unknown(member: str, keys: Sequence[Key], group: str) -> str:
    owners = [key.task for key in keys if key.task.partition("/")[2] == member]
    if owners:
        return f"Several instances have it; say which: {_some([f'{group}:{o}' for o in owners])}."
    return _there_are([key.task for key in keys])


def _there_are(names: Sequence[str]) -> str:
    return f"There are: {_some(names)}." if names else "There are none yet; run: doit backup"


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more (doit databases)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _is_pattern(name: str) -> bool:
    return any(c in name for c in "*?[")
