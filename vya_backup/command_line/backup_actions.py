"""What the dump and checksum tasks do: jobs in, lines on the screen and doit's verdicts out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from doit.exceptions import TaskFailed
from doit.task import Task

from vya_backup.command_line.session import Session, current
from vya_backup.decisions.hooks import Occasion
from vya_backup.decisions.naming import Key
from vya_backup.decisions.plan import Work
from vya_backup.errors import BackupError, Interrupted
from vya_backup.history.drift import changed_in
from vya_backup.history.views import BackupRow, newest_published_of, unread_of
from vya_backup.jobs import hooks
from vya_backup.jobs.checking import check as check_backup
from vya_backup.jobs.dumping import Dump, Order, dump_database
from vya_backup.jobs.planning import Planned
from vya_backup.outlook.figures import human_duration, human_size, human_speed
from vya_backup.outlook.screen import Result
from vya_backup.transport.processes import stop


@dataclass
class Ticket:
    """One database's way through a run, shared by its dump and its checksum task."""

    key: Key
    planned: Planned | None = None
    path: str = ""
    """The dump that the checksum is about, relative to `base_path`."""
    dump: Dump | None = None
    check_task: Task | None = field(default=None, repr=False)

    @classmethod
    def of_plan(cls, session: Session, planned: Planned) -> Ticket:
        """Take the final path from the plan."""
        return cls(planned.key, planned, planned.artifact.dump)

    def needs_no_dump(self, task: Task, values: dict[str, Any]) -> bool:
        """Say whether the plan finds nothing to dump; doit asks before it would run the task."""
        return self.planned is None or self.planned.decision.work is not Work.DUMP

    def files(self) -> list[str]:
        """Return the file that the checksum depends on, as an absolute path."""
        session = current()
        return [str(session.workspace.store.path(self.path))] if session and self.path else []

    def settle(self, path: str) -> None:
        """Make the checksum depend on another file than was planned."""
        self.path = path
        if self.check_task is not None:
            self.check_task.file_dep = set(self.files())


def dump(ticket: Ticket) -> TaskFailed | None:
    """Dump one database; a failure is on the screen and in the catalog before doit hears of it."""
    session, planned = _session(), ticket.planned
    if stop.requested:
        return _not_started(session, ticket)
    if planned is None:
        return TaskFailed(f"{ticket.key} is not planned in this run")
    options = session.options(f"backup:{ticket.key.task}")
    order = Order(planned, forced=bool(options.get("force")), level=options.get("compression") or None)  # type: ignore[arg-type]
    estimate = planned.decision.backup.plain_bytes if planned.decision.backup else 0
    try:
        with session.screen.working(str(ticket.key), estimate) as progress:
            ticket.dump = dump_database(session.workspace, order, progress)
    except BackupError as error:
        return _failed(session, ticket, error)
    ticket.settle(ticket.dump.path if ticket.dump else _newest(session, ticket).path or "")
    return None


def check(ticket: Ticket) -> TaskFailed | None:
    """Read the dump back; with it the backup is good, or damaged. So is each before it that nobody came to."""
    session = _session()
    if stop.requested:
        return _not_started(session, ticket)
    try:
        row = _newest(session, ticket)
        failed = _check_earlier(session, ticket, row)
        with session.screen.working(f"{ticket.key} (check)", row.size_bytes or 0) as progress:
            seconds = check_backup(session.workspace, row, progress)
    except BackupError as error:
        return _failed(session, ticket, error)
    session.screen.result(_result(ticket, row, seconds))
    if ticket.key.is_users:
        _tell_drift(session, row)
    return failed


def tell_failed_discovery(instance: str) -> TaskFailed | None:
    """Fail in the name of an instance that could not be asked what it holds."""
    session = _session()
    for discovery in session.discoveries:
        if discovery.instance.id == instance and discovery.error is not None:
            session.screen.result(Result(instance, "failed", str(discovery.error)))
            hooks.failed(session.workspace, Occasion(instance), discovery.error)
            return TaskFailed(str(discovery.error), report=False)
    return None


def _session() -> Session:
    session = current()
    if session is None:
        raise RuntimeError("a task of this project runs only inside `doit run`")
    return session


def _newest(session: Session, ticket: Ticket) -> BackupRow:
    row = newest_published_of(session.workspace.catalog, ticket.key.instance, ticket.key.database)
    if row is None:
        raise BackupError(f"{ticket.key} has no published backup to check")
    return row


def _check_earlier(session: Session, ticket: Ticket, newest: BackupRow) -> TaskFailed | None:
    """Read back what a crash left unread and a newer dump has superseded: no later plan would ever ask for it."""
    failed = None
    for row in unread_of(session.workspace.catalog, ticket.key.instance, ticket.key.database):
        if row.sequence < newest.sequence:
            try:
                with session.screen.working(f"{ticket.key} (check)", row.size_bytes or 0) as progress:
                    check_backup(session.workspace, row, progress)
            except BackupError as error:
                failed = _failed(session, ticket, error)
    return failed


def _tell_drift(session: Session, row: BackupRow) -> None:
    """Say at once that accounts are not what they were; the event has it in words."""
    if changed := changed_in(session.workspace.catalog, row.backup_id):
        what = "could not be compared with" if changed.problem else "changed since"
        session.screen.line(f"       accounts {what} the backup before: {changed.sentence}")


def _result(ticket: Ticket, row: BackupRow, check_seconds: float) -> Result:
    size, plain = row.size_bytes or 0, row.plain_bytes or 0
    if ticket.dump is None:
        return Result(str(ticket.key), "ok", f"{human_size(size)} read back and intact", size, size, check_seconds)
    seconds = ticket.dump.seconds + check_seconds
    note = f"{human_size(size)} in {human_duration(seconds)}, {human_speed(plain, seconds)}"
    warnings = "".join(f"\n       warning: {warning}" for warning in ticket.dump.warnings)
    return Result(str(ticket.key), "ok", note + warnings, size, plain, seconds)


def _failed(session: Session, ticket: Ticket, error: BackupError) -> TaskFailed:
    session.screen.result(Result(str(ticket.key), "failed", str(error)))
    return TaskFailed(str(error), report=False)


def _not_started(session: Session, ticket: Ticket) -> TaskFailed:
    if not session.screen.has_told_of(str(ticket.key)):
        session.screen.result(Result(str(ticket.key), "skipped", "interrupted before it started"))
    return TaskFailed(Interrupted.code, report=False)
