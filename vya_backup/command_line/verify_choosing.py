"""Which backups a run verifies: names and options of the command line, turned into backups in their turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vya_backup.clock import monotonic
from vya_backup.command_line import selecting
from vya_backup.command_line.options import Selection
from vya_backup.command_line.session import SECONDS_PER_MINUTE, Session, keys_in
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.naming import Key
from vya_backup.decisions.turns import in_turn, nightly_share, overdue
from vya_backup.errors import UsageError
from vya_backup.history.verifiable import VerifiableRow, verifiable
from vya_backup.outlook.figures import human_size, local_time

GROUP = "verify"
DRILL = "drill"
NOT_WITH_DRILL = ("rolling", "limit", "max_minutes", "dry_run")


def choose(session: Session) -> None:
    """Find what the `verify` selections mean, and put tasks that exist in the place of short names and patterns.

    Raises:
        UsageError: a name means nothing, or options cannot be combined.
    """
    selections = [s for s in session.selections if s.group == GROUP]
    if not selections:
        return
    for selection in selections:
        _demand_sense(selection)
    minutes = [int(s.options["max_minutes"]) for s in selections if s.options["max_minutes"]]
    session.verify_until = monotonic() + min(minutes) * SECONDS_PER_MINUTE if minutes else None
    keys, rows = keys_in(session.workspace), verifiable(session.workspace.catalog)
    session.selections = [
        one
        for selection in session.selections
        for one in (_chosen(session, selection, keys, rows) if selection.group == GROUP else [selection])
    ]
    is_drill = any(selection.group == DRILL for selection in session.selections)
    if not is_drill and not any(session.verifying.values()):
        session.screen.line("there is no stored backup to verify")


def lines(session: Session) -> list[str]:
    """Return what would be read, in order, and how much that is."""
    rows = list({row.backup_id: row for rows in session.verifying.values() for row in rows}.values())
    total = human_size(sum(row.size_bytes or 0 for row in rows))
    return [*(_line(session, row) for row in rows), f"{counted(len(rows), 'backup')} would be read, {total}"]


def confess_overdue(session: Session) -> None:
    """Say which backups the nightly share did not reach in time, because the runs had too little of it."""
    if not any(one.options["rolling"] for one in session.selections if one.group == GROUP):
        return
    workspace = session.workspace
    every_days = workspace.configuration.verification.every_days
    late = overdue(verifiable(workspace.catalog), every_days=every_days, now=workspace.clock())
    if late:
        were = "backup was" if len(late) == 1 else "backups were"
        session.screen.line(
            f"warning: {len(late):,} {were} not read within verification.every_days ({every_days}), "
            f"the longest ago {label(session, late[0])}: give the nights more (--max-minutes, --limit), or raise it"
        )


def label(session: Session, row: VerifiableRow) -> str:
    """Return a backup's name on the screen: its database, and when its dump started."""
    started = row.started_at.astimezone(session.workspace.schedule.zone)
    return f"{Key(row.instance, row.database)} {started:%Y-%m-%d %H:%M:%S}"


def _line(session: Session, row: VerifiableRow) -> str:
    looked_at = row.looked_at.astimezone(session.workspace.schedule.zone) if row.looked_at else None
    last = f"last verified {local_time(looked_at)}" if looked_at else "never verified"
    return f"{label(session, row)}  {human_size(row.size_bytes or 0)}, {last}"


def _chosen(
    session: Session, selection: Selection, keys: Sequence[Key], rows: Sequence[VerifiableRow]
) -> list[Selection]:
    meant = selecting.verified(selection, keys)
    if selection.options["drill"]:
        of_each = {"backup": selection.options["backup"]}
        names = [f"{DRILL}:{key.task}" for key in meant] if selection.member else [DRILL]
        return [Selection(name, of_each) for name in names]
    wanted = set(meant)
    chosen = _in_turn(session, selection, [row for row in rows if Key(row.instance, row.database) in wanted])
    if selection.member in {"", *(key.instance for key in keys)}:
        session.verifying[selection.task] = chosen
        return [selection]
    for key in meant:
        of_key = [row for row in chosen if Key(row.instance, row.database) == key]
        session.verifying[f"{GROUP}:{key.task}"] = of_key
    return [replace(selection, task=f"{GROUP}:{key.task}") for key in meant]


def _in_turn(session: Session, selection: Selection, rows: Sequence[VerifiableRow]) -> list[VerifiableRow]:
    if selection.options["rolling"]:
        every_days = session.workspace.configuration.verification.every_days
        ordered = nightly_share(rows, every_days=every_days, now=session.workspace.clock())
    else:
        ordered = in_turn(rows)
    return ordered[: selection.options["limit"] or None]


def _demand_sense(selection: Selection) -> None:
    options = selection.options
    for name in ("limit", "max_minutes", "workers"):
        if options[name] < 0:
            word = name.replace("_", "-")
            raise UsageError(f"{selection.task}: --{word}={options[name]} is less than nothing", "Say at least 1.")
    besides = [f"--{name.replace('_', '-')}" for name in NOT_WITH_DRILL if options[name]]
    if options["drill"] and besides:
        raise UsageError(
            f"{selection.task}: --drill and {besides[0]} cannot be combined", "Name the databases to drill instead."
        )
    if options["backup"] and not options["drill"]:
        raise UsageError(
            f"{selection.task}: --backup is for --drill", "Without it every backup of what is named is read."
        )
    less = [f"--{name}" for name in ("rolling", "limit") if options[name]]
    if options["all"] and less:
        raise UsageError(f"{selection.task}: --all and {less[0]} cannot be combined", "Say one of the two.")
