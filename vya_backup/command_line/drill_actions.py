"""What the drill tasks do: a rehearsed restore in, one line on the screen and doit's verdict out."""

from __future__ import annotations

from doit.exceptions import TaskFailed

from vya_backup.command_line.session import current
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.naming import Key
from vya_backup.errors import BackupError
from vya_backup.history.views import backup
from vya_backup.jobs.drilling import DrillOutcome, drill_database
from vya_backup.jobs.restore_source import Wish, choose
from vya_backup.outlook.figures import human_duration, human_speed
from vya_backup.outlook.screen import Result


def drill(task: str, key: Key) -> TaskFailed | None:
    """Rehearse the restore of a database's newest good backup, or of the one that was named."""
    session = current()
    if session is None:
        raise RuntimeError("a task of this project runs only inside `doit run`")
    screen, workspace = session.screen, session.workspace
    wanted = str(session.options(task).get("backup") or "")
    try:
        source = choose(workspace, Wish(key=key, backup=wanted, latest=True))
        row = backup(workspace.catalog, source.backup.backup_id) if source.backup else None
        assert row is not None  # noqa: S101  it was chosen from the catalog
        with screen.working(f"{key} (drill)", source.plain_bytes) as progress:
            done = drill_database(workspace, row, progress)
    except BackupError as error:
        screen.result(Result(str(key), "failed", str(error)))
        return TaskFailed(str(error), report=False)
    screen.result(_result(key, done))
    return None if done.verdict == "pass" else TaskFailed(done.reason, report=False)


def _result(key: Key, done: DrillOutcome) -> Result:
    if done.verdict != "pass":
        word = "the drill failed" if done.verdict == "fail" else "the drill cannot judge"
        return Result(str(key), "failed", f"{word}: {done.reason}")
    speed = human_speed(done.plain_bytes, done.seconds)
    asked = f", {counted(done.assertions, 'assertion')} held" if done.assertions else ""
    lines = [
        f"proved restorable in {human_duration(done.seconds)}, {speed}",
        f"       {counted(done.objects, 'object')} and {counted(done.rows, 'row')} are as dumped{asked}",
        f"       on {done.server}, sandbox: {done.sandbox}",
    ]
    return Result(str(key), "ok", "\n".join(lines), 0, done.plain_bytes, done.seconds)
