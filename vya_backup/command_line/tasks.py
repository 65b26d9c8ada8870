"""The doit tasks: for each database a dump, its checksum, its restore, its pruning; for each backup its verification.

Tasks are made at load time. In a run they follow the plan that the run has made; everything else (`doit list`, `help`)
makes them from the catalog's memory and contacts no server.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from doit.exceptions import InvalidDodoFile
from doit.task import Task

from vya_backup.command_line import (
    backup_actions,
    drill_actions,
    prune_actions,
    recover_actions,
    restore_actions,
    verify_actions,
)
from vya_backup.command_line.backup_actions import Ticket
from vya_backup.command_line.options import BACKUP, DRILL, PRUNE, RECOVER, RESTORE, VERIFY
from vya_backup.command_line.session import current, known_keys
from vya_backup.decisions.naming import Key, task_name
from vya_backup.decisions.plan import short_names
from vya_backup.errors import BackupError
from vya_backup.history.verifiable import VerifiableRow

TASKS = {
    "backup": "Bring every due database up to date.",
    "restore": "Bring one database back: doit restore:INSTANCE/DATABASE.",
    "recover": "Bring a whole server back: doit recover:INSTANCE --target-instance ID.",
    "verify": "Read the stored backups of every database again and compare them.",
    "drill": "Rehearse the restore of every database.",
    "prune": "Remove what no database needs any more.",
}
"""What there is to do, in the order of its need."""
QUIET = {"io": {"capture": False}, "verbosity": 1}
"""Under threads doit's capture swaps the standard streams of the whole process: off."""


def task_backup() -> Iterator[Task]:
    """Dump and check every database that is due."""
    tickets = _tickets()
    with_tickets = {ticket.key.instance for ticket in tickets}
    without = [instance for instance in _asked_instances() if instance not in with_tickets]
    groups = [f"backup:{instance}" for instance in sorted(with_tickets.union(without))]
    yield _group("backup", groups, doc=TASKS["backup"], params=BACKUP, has_subtask=True)
    for instance, members in groupby(tickets, key=lambda ticket: ticket.key.instance):
        yield from _instance_tasks(instance, list(members))
    for instance in _failed_instances():
        yield _discovery_task(instance)
    for instance in without:  # it can be named, whatever it answered
        yield from _instance_tasks(instance, [])


def task_restore() -> Iterator[Task]:
    """Bring a database back."""
    keys = _keys()
    yield Task(
        "restore",
        [(restore_actions.restore_named, ["restore", None])],
        params=RESTORE,
        has_subtask=True,
        doc=TASKS["restore"],
        **QUIET,
    )
    full = {key.task: key for key in keys}
    short = {task_name(name): key for name, key in short_names(keys).items()}
    for name, key in (short | full).items():  # a short name that is also a full one means the latter
        yield _restore_task(name, key)


def task_prune() -> Iterator[Task]:
    """Apply the retention policy."""
    keys = _keys()
    instances = sorted({key.instance for key in keys})
    members = [f"prune:{instance}" for instance in instances]
    yield _group("prune", members, doc=TASKS["prune"], params=PRUNE, has_subtask=True)
    for instance, owned in groupby(sorted(keys), key=lambda key: key.instance):
        yield from _prune_tasks(instance, list(owned))


def _prune_tasks(instance: str, keys: list[Key]) -> Iterator[Task]:
    names, doc = [f"prune:{key.task}" for key in keys], f"Apply the retention policy to {instance}."
    yield _group(f"prune:{instance}", names, doc=doc, params=PRUNE, subtask_of="prune", has_subtask=True)
    session = current()
    dumped = {planned.key for planned in session.planned} if session else set()
    for key in keys:
        yield Task(
            f"prune:{key.task}",
            [(prune_actions.prune_named, [key])],
            params=PRUNE,
            task_dep=[f"backup:{key.task}"] if key in dumped else [],  # in one run: first the new one, then the old
            subtask_of="prune",
            doc=f"Apply the retention policy to {key}.",
            **QUIET,
        )


def task_verify() -> Iterator[Task]:
    """Read stored backups again, and compare them with what the catalog says."""
    session = current()
    chosen = session.verifying if session else {name: [] for name in _verify_names(_keys())}
    yield _verify_group("verify", chosen.get("verify", []), has_subtask=True)
    for name, rows in chosen.items():
        if name != "verify":
            yield _verify_group(name, rows, subtask_of="verify")
    yield from map(_verify_task, {row.backup_id: row for rows in chosen.values() for row in rows}.values())


def task_drill() -> Iterator[Task]:
    """Rehearse the restore of a database."""
    keys = _keys()
    names = [f"drill:{key.task}" for key in keys]
    yield _group("drill", names, doc=TASKS["drill"], params=DRILL, has_subtask=True)
    for name, key in zip(names, keys, strict=True):
        actions = [(drill_actions.drill, [name, key])]
        yield Task(name, actions, params=DRILL, subtask_of="drill", doc=f"Rehearse a restore of {key}.", **QUIET)


def task_recover() -> Iterator[Task]:
    """Bring a whole instance back: accounts, every database, grants."""
    yield Task(
        "recover",
        [(recover_actions.recover_instance, ["recover", ""])],
        params=RECOVER,
        has_subtask=True,
        doc=TASKS["recover"],
        **QUIET,
    )
    for instance in sorted({key.instance for key in _keys()}):
        name = f"recover:{instance}"
        actions = [(recover_actions.recover_instance, [name, instance])]
        yield Task(name, actions, params=RECOVER, subtask_of="recover", doc=f"Bring all of {instance} back.", **QUIET)


def _tickets() -> list[Ticket]:
    session = current()
    if session is not None:
        return [Ticket.of_plan(session, planned) for planned in session.planned]
    return [Ticket(key) for key in _keys()]


def _keys() -> list[Key]:
    try:
        return known_keys()
    except BackupError as error:
        raise InvalidDodoFile(str(error)) from error


def _asked_instances() -> list[str]:
    session = current()
    return [d.instance.id for d in session.discoveries] if session else []


def _failed_instances() -> list[str]:
    session = current()
    return [d.instance.id for d in session.discoveries if d.error is not None] if session else []


def _instance_tasks(instance: str, tickets: list[Ticket]) -> Iterator[Task]:
    needs = [f"discover:{instance}"] if instance in _failed_instances() else []
    names = [f"backup:{ticket.key.task}" for ticket in tickets]
    doc = f"Bring every due database of {instance} up to date."
    yield _group(f"backup:{instance}", needs + names, doc=doc, params=BACKUP, subtask_of="backup", has_subtask=True)
    for ticket in tickets:
        yield from _database_tasks(ticket, needs)


def _database_tasks(ticket: Ticket, needs: list[str]) -> Iterator[Task]:
    dump, checksum = f"dump:{ticket.key.task}", f"checksum:{ticket.key.task}"
    yield Task(
        dump,
        [(backup_actions.dump, [ticket])],
        uptodate=[ticket.needs_no_dump],
        task_dep=needs,
        subtask_of="backup",
        doc=f"Dump {ticket.key}.",
        **QUIET,
    )
    check = Task(
        checksum,
        [(backup_actions.check, [ticket])],
        file_dep=ticket.files(),
        task_dep=[dump],
        subtask_of="backup",
        doc=f"Read the newest dump of {ticket.key} back from the disk.",
        **QUIET,
    )
    ticket.check_task = check
    yield check
    yield _group(
        f"backup:{ticket.key.task}",
        [dump, checksum],
        doc=f"Dump and check {ticket.key} if it is due.",
        params=BACKUP,
        subtask_of="backup",
    )


def _discovery_task(instance: str) -> Task:
    actions = [(backup_actions.tell_failed_discovery, [instance])]
    return Task(f"discover:{instance}", actions, subtask_of="backup", doc=f"Ask {instance} what it holds.", **QUIET)


def _restore_task(name: str, key: Key) -> Task:
    return Task(
        f"restore:{name}",
        [(restore_actions.restore_named, [f"restore:{name}", key])],
        params=RESTORE,
        subtask_of="restore",
        doc=f"Restore {key} from its newest good backup.",
        **QUIET,
    )


def _verify_names(keys: list[Key]) -> list[str]:
    instances = dict.fromkeys(key.instance for key in keys)
    return [f"verify:{instance}" for instance in instances] + [f"verify:{key.task}" for key in keys]


def _verify_group(name: str, rows: list[VerifiableRow], **more: Any) -> Task:
    doc = f"Read the stored backups of {name.partition(':')[2] or 'every database'} again and compare them."
    return _group(name, [_verify_name(row) for row in rows], doc=doc, params=VERIFY, **more)


def _verify_task(row: VerifiableRow) -> Task:
    return Task(_verify_name(row), [(verify_actions.verify_backup, [row])], subtask_of="verify", **QUIET)


def _verify_name(row: VerifiableRow) -> str:
    return f"verify:{Key(row.instance, row.database).task}:{row.backup_id}"


def _group(name: str, members: list[str], **more: Any) -> Task:
    # `uptodate` keeps doit from recording a success for a task that does nothing itself
    return Task(name, None, task_dep=members, uptodate=[True], **more)
