"""What the verify tasks do: the job in, a line on the screen and doit's verdict out."""

from __future__ import annotations

from shlex import quote

from doit.exceptions import TaskFailed

from vya_backup.clock import monotonic
from vya_backup.command_line.session import Session, current
from vya_backup.command_line.verify_choosing import label
from vya_backup.decisions.naming import Key
from vya_backup.errors import AlreadyRunning, BackupError, Interrupted
from vya_backup.history.verifiable import VerifiableRow
from vya_backup.history.views import BackupRow, restorable
from vya_backup.jobs.verifying import Verification, verify
from vya_backup.outlook.figures import human_size
from vya_backup.outlook.screen import Result
from vya_backup.transport.processes import stop

OUTCOMES = {"pass": "ok", "fail": "failed", "cannot judge": "unjudged"}


def verify_backup(row: VerifiableRow) -> TaskFailed | None:
    """Verify one backup, unless the time is over or the run was stopped."""
    session = current()
    if session is None:
        raise RuntimeError("a task of this project runs only inside `doit run`")
    name, screen = label(session, row), session.screen
    if stop.requested:
        screen.result(Result(name, "later"))
        return TaskFailed(Interrupted.code, report=False)
    if session.verify_until is not None and monotonic() >= session.verify_until:
        screen.result(Result(name, "later"))
        return None
    try:
        with screen.working(name, row.plain_bytes or 0) as progress:
            found = verify(session.workspace, row.backup_id, progress)
    except BackupError as error:
        verdict = "unjudged" if isinstance(error, AlreadyRunning) else "failed"
        screen.result(Result(name, verdict, str(error)))
        return TaskFailed(str(error), report=False)
    if found is None:
        screen.result(Result(name, "current", "removed meanwhile"))
        return None
    screen.result(_result(session, name, found))
    return None if found.judgement.verdict == "pass" else TaskFailed(found.judgement.reason, report=False)


def _result(session: Session, name: str, found: Verification) -> Result:
    size, plain = (found.row.size_bytes or 0, found.row.plain_bytes or 0) if found.was_read else (0, 0)
    return Result(name, OUTCOMES[found.judgement.verdict], _note(session, found), size, plain, found.seconds)


def _note(session: Session, found: Verification) -> str:
    judgement, row = found.judgement, found.row
    if judgement.verdict == "cannot judge":
        return f"cannot judge: {judgement.reason}"
    if judgement.verdict == "pass":
        again = f" again, after it was {row.state}" if row.state in {"damaged", "missing"} else ""
        return f"{human_size(row.size_bytes or 0)} intact{again}"
    if judgement.is_missing:
        return f"MISSING: {judgement.reason}. {_again(session, row)}"
    if judgement.is_damaged:
        return f"DAMAGED: {judgement.reason}. {_again(session, row)}"
    dump = "is intact and can be restored" if judgement.is_intact else "has no known fault"
    return f"{judgement.reason}. The dump itself {dump}; docs/operations.md says how a sidecar is mended"


def _again(session: Session, row: BackupRow) -> str:
    """Return a remedy that does something: what a good backup covers is dumped again by force alone."""
    good = restorable(session.workspace.catalog, row.instance, row.database, limit=1)
    words = "It is restored from no more; bring its file back"
    if good and good[0].sequence > row.sequence:
        return f"{words}. A newer good backup is there"
    task = quote(Key(row.instance, row.database).task)
    return f"{words}, or run: doit backup:{task}{' --force' if good else ''}"
