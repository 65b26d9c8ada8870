"""Put right what restores left whose process died: staging goes, and the old or the new database stands.

The rule: nothing is closed before it is right, so that a server that cannot be reached is asked again by the next run.
"""

from __future__ import annotations

from typing import Any

from vya_backup.decisions.naming import USERS, show
from vya_backup.engines.contract import Access, Engine, Unfinished
from vya_backup.engines.steps import Ask, Run, Sql
from vya_backup.errors import AlreadyRunning, BackupError, CatalogError
from vya_backup.history.recorded import recorded
from vya_backup.history.restore_events import RestoreCleaned, RestoreFailed, RestoreStarted
from vya_backup.history.restores import RestoreRow, unfinished_restores, untidy_restores
from vya_backup.jobs.restore_acts import Mended, ask, execute
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline
from vya_backup.transport.limits import UNLIMITED
from vya_backup.transport.liveness import ProcessIdentity, is_gone
from vya_backup.transport.locks import hold

ACCOUNTS_STAND = "accounts that were made stand; the same command makes the others"
"""Each statement of a restore of accounts is whole by itself, and a second run leaves alone what is there."""


def mend_restores(workspace: Workspace) -> list[str]:
    """Put right and close every restore whose process of this host is gone, and that did not end or left something.

    Returns a sentence for each, for people; one that could not be put right yet stays open, and is tried again.
    """
    return [sentence for restore in _dead(workspace) if (sentence := _mend(workspace, restore))]


def _dead(workspace: Workspace) -> list[RestoreRow]:
    host = workspace.configuration.application.host()
    candidates = unfinished_restores(workspace.catalog) + untidy_restores(workspace.catalog)
    return [one for one in candidates if one.process and is_gone(ProcessIdentity(**one.process), host)]


def _mend(workspace: Workspace, restore: RestoreRow) -> str:
    target = f"{restore.target_instance}/{show(restore.target_database)}"
    try:
        with hold(workspace.state / "locks", target, f"mending of a restore of {target}"):
            if restore.restore_id not in {one.restore_id for one in _dead(workspace)}:
                return ""  # another run was faster
            mended = _put_right(workspace, restore)
            if restore.state == "running":
                workspace.catalog.append(_closed(restore, target, mended))
            elif not mended.left:
                workspace.catalog.append(_cleaned(restore, mended))
    except AlreadyRunning:
        return ""  # whoever works there now has seen to it, or a later run will
    except CatalogError:
        raise
    except BackupError as error:
        return f"a restore of {target} is not put right yet, and the next run tries again: {error}"
    done = "; ".join(mended.done) or "nothing was left of it"
    what = "was cut off on its way" if restore.state == "running" else "had left something behind"
    return f"a restore of {target} {what}: {done}{f'. By hand: {mended.left}' if mended.left else ''}"


def _put_right(workspace: Workspace, restore: RestoreRow) -> Mended:
    if restore.target_database == USERS:
        return Mended((ACCOUNTS_STAND,), "")
    instance = workspace.instance(restore.target_instance)
    access = workspace.access(instance, "restore")
    return put_right(workspace.engine(instance), _unfinished(workspace, restore, access))


def put_right(engine: Engine, left: Unfinished) -> Mended:
    """Look at what a restore has left, and make the old or the restored database stand, whole and alone.

    Raises:
        BackupError: a step failed; it can be tried again at any time.
    """
    steps = engine.mend(left)
    done: list[str] = []
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return Mended(tuple(done), end.value or "")
        answer = _act(step, engine, left.access)
        if not isinstance(step, Ask):
            done.append(step.purpose)


def _act(step: Sql | Run | Ask, engine: Engine, access: Access) -> Any:
    match step:
        case Sql():
            return execute(step, engine, access)
        case Run():
            return pipeline.run(step.command, engine=engine, limits=UNLIMITED)
        case Ask():
            return ask(step, engine, access)


def _unfinished(workspace: Workspace, restore: RestoreRow, access: Access) -> Unfinished:
    (begun,) = recorded(workspace.catalog, "id = ?", [restore.sequence])
    began = begun.event
    if not isinstance(began, RestoreStarted):
        raise CatalogError(f"event {begun.id} of the catalog began no restore", "Run: doit audit.")
    return Unfinished(access, began.target_database, began.staging, began.retired, began.place, began.created)


def _columns(restore: RestoreRow) -> dict[str, Any]:
    """Return what each event about a restore repeats."""
    names = ("instance", "database", "backup_id", "restore_id", "target_instance", "target_database")
    return {name: getattr(restore, name) for name in names}


def _cleaned(restore: RestoreRow, mended: Mended) -> RestoreCleaned:
    return RestoreCleaned(
        **_columns(restore),
        mended=mended.done,
    )


def _closed(restore: RestoreRow, target: str, mended: Mended) -> RestoreFailed:
    return RestoreFailed(
        **_columns(restore),
        code="abandoned",
        message=f"the process that restored {target} is gone",
        left=mended.left,
        mended=mended.done,
    )
