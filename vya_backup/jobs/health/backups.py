"""Is every database covered, do its backups stand, were they proved, and is their history whole?"""

from __future__ import annotations

from datetime import timedelta

from vya_backup.decisions.manifest import counted
from vya_backup.decisions.naming import Key
from vya_backup.decisions.slots import is_overdue
from vya_backup.decisions.turns import overdue as unread
from vya_backup.errors import CatalogMissing
from vya_backup.history.audit import audit
from vya_backup.history.verifiable import verifiable
from vya_backup.history.views import backups, newest_good
from vya_backup.history.watching import WatchedRow
from vya_backup.jobs.copying import copied_position, own_folder, strangers, unmounted
from vya_backup.jobs.health.finding import Finding, failure, ok, some, warning
from vya_backup.jobs.health.subject import Subject


def overdue(subject: Subject) -> Finding:
    """Every database has a good backup of its last interval and a half, and its newest attempt did not fail."""
    try:
        rows = subject.watched
    except CatalogMissing as error:
        return failure(f"nothing was ever backed up: {error.message}", "Run: doit backup")
    schedule = subject.workspace.schedule
    late = [_name(row) for row in rows if is_overdue(row.newest_good_at, subject.at, schedule)]
    seen = {row.instance for row in rows}
    late += [f"all of {instance.id}" for instance in subject.instances if instance.id not in seen]
    if late:
        return failure(f"overdue: {some(late)}", "Run: doit backup. What stands against it is in: doit databases")
    if failing := [_name(row) for row in rows if row.failing]:
        hint = "See why: doit databases. Then run: doit backup, with --force where an older good one is still fresh"
        return failure(f"the newest attempt failed: {some(failing)}", hint)
    return ok(f"{counted(len(rows), 'database')} covered, {schedule}")


def verification(subject: Subject) -> Finding:
    """What is stored is what was written, as far as it was read again, and it was read again in time."""
    newest = newest_good(subject.catalog)
    lost = backups(subject.catalog, states=("damaged", "missing"))
    bare = [
        one
        for one in lost
        if (good := newest.get((one.instance, one.database))) is None or one.sequence > good.sequence
    ]
    if bare:
        what = some([f"{one.key} ({one.state})" for one in bare])
        return failure(
            f"the newest backup is lost: {what}", "Bring the file back and run: doit verify; or: doit backup"
        )
    if lost:
        what = some([f"{one.key} of {one.started_at:%Y-%m-%d} ({one.state})" for one in lost])
        return warning(f"older backups are lost: {what}", "Bring the files back and run: doit verify")
    differing = [one.key for one in backups(subject.catalog, states=("good",)) if one.verdict == "fail"]
    if differing:
        return warning(f"a sidecar differs: {some(differing)}", "See why: doit verify. Mend it as the manual says.")
    every_days = subject.configuration.verification.every_days
    if late := unread(verifiable(subject.catalog), every_days=every_days, now=subject.at):
        what = f"{counted(len(late), 'backup')} not read within verification.every_days ({every_days})"
        return warning(what, "Run every night: doit verify --rolling")
    return ok("every stored backup is intact, as far as it was read again")


def drills(subject: Subject) -> Finding:
    """What was restored on trial came back, and no proof is older than `drill.max_age_days`."""
    rows = [row for row in subject.watched if row.newest_good_at]
    if failed := [f"{_name(row)}: {row.drill_reason or 'it differs'}" for row in rows if row.drill_verdict == "fail"]:
        return failure(f"the newest drill failed: {some(failed)}", "Look at what differs, and run it again: doit drill")
    days = subject.configuration.drill.max_age_days
    if days and (old := [_name(row) for row in rows if not _is_proved(row, subject, days)]):
        return failure(f"not proved within drill.max_age_days ({days:g}): {some(old)}", "Run: doit drill")
    if doubtful := [_name(row) for row in rows if row.drill_verdict == "cannot judge"]:
        return warning(f"the newest drill could not judge: {some(doubtful)}", "See why: doit drill:INSTANCE/DATABASE")
    proved = sum(row.proved_at is not None for row in rows)
    return ok(f"{proved:,} of {counted(len(rows), 'database')} proved restorable")


def chain(subject: Subject) -> Finding:
    """History follows itself without a gap, and is what was copied out of it."""
    report = audit(subject.catalog)
    if report.faults:
        return failure(some(report.faults), "See all of it: doit audit. What to do stands in docs/operations.md.")
    if others := strangers(subject.workspace):
        what = f"copies of another catalog lie in {some(others)}: it was lost, and a new one begun"
        return failure(
            what, "Move the new one away with its -wal and -shm, then run: doit catalog rebuild. It unites both."
        )
    copied = copied_position(subject.workspace, own_folder(subject.workspace))
    if doubt := unmounted(subject.workspace):
        return failure(doubt, "Mount it. If it was lost, run: doit backup")
    if not copied and report.head.position > 1:
        return warning("no copy of the catalog lies in the tree of backups", "Run: doit backup")
    return ok(f"{counted(report.events, 'event')}, copied up to position {copied:,}")


def _is_proved(row: WatchedRow, subject: Subject, days: float) -> bool:
    return row.proved_at is not None and subject.at - row.proved_at <= timedelta(days=days)


def _name(row: WatchedRow) -> str:
    return str(Key(row.instance, row.database))
