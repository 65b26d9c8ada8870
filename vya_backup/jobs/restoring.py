"""Carry out a prepared restore under the lock of its target, and append what came of it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from vya_backup import log
from vya_backup.clock import monotonic
from vya_backup.decisions.hooks import Occasion
from vya_backup.engines.contract import Unfinished
from vya_backup.errors import BackupError, RestoreFailed, RestoreRefused
from vya_backup.history import restore_events
from vya_backup.history.identifiers import new_id
from vya_backup.history.views import backup
from vya_backup.jobs import hooks
from vya_backup.jobs.facts import process_of
from vya_backup.jobs.mending import put_right
from vya_backup.jobs.restore_acts import Outcome, Say, Surroundings
from vya_backup.jobs.restore_plan import Prepared
from vya_backup.jobs.restore_steps import Undertaking
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline
from vya_backup.transport.limits import Limits
from vya_backup.transport.locks import hold


@dataclass(frozen=True)
class Finished:
    """A restore that stands, compared with its manifest."""

    target: str
    seconds: float
    plain_bytes: int
    compared: tuple[str, ...]
    warnings: tuple[str, ...]


def restore(workspace: Workspace, prepared: Prepared, say: Say, progress: pipeline.Progress) -> Finished:
    """Carry a prepared restore out under the lock of its target.

    Raises:
        BackupError: it failed, which is in the catalog as `restore_failed`; the message says where the old database is.
    """
    where = {"target_instance": prepared.target.id, "target_database": prepared.request.database}
    with log.about(**where), Restoring(workspace, prepared, say, progress) as restoring:
        while (finished := restoring.advance()) is None:
            pass
    return finished


class Restoring:
    """A restore under way, under the lock of its target: from `restore_started` to whatever came of it."""

    def __init__(self, workspace: Workspace, prepared: Prepared, say: Say, progress: pipeline.Progress) -> None:
        self.prepared = prepared
        self._workspace, self._restore_id, self._outcome = workspace, new_id(), Outcome()
        self._around = _surroundings(prepared, say, progress)
        self._seconds, self._lock = 0.0, ExitStack()
        self._steps: Undertaking | None = None
        self._ended: BackupError | Finished | None = None
        path = str(prepared.source.store.path(prepared.source.path))
        where = (prepared.target.id, prepared.request.database)
        self._occasion = Occasion(*where, restore_id=self._restore_id, path=path)

    def __enter__(self) -> Restoring:
        """Take the lock and say in the catalog that it began.

        Raises:
            AlreadyRunning: another process works on the target.
            HookFailed: a hook in front of it failed; nothing was touched.
            RestoreRefused: the backup was pruned meanwhile.
        """
        workspace, prepared, key = self._workspace, self.prepared, self.prepared.target_key
        self._lock.enter_context(hold(workspace.state / "locks", key, f"restore of {key}"))
        try:
            hooks.before(workspace, "before_restore", self._occasion)
            workspace.catalog.append_decided(lambda: [_started(workspace, prepared, self._restore_id)])
        except BaseException as error:
            self._ended = error if isinstance(error, BackupError) else None
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._tell_hooks()
        finally:
            self._lock.close()

    def _tell_hooks(self) -> None:
        ended, occasion = self._ended, self._occasion
        if isinstance(ended, Finished):
            hooks.after(self._workspace, "after_restore", occasion.ended("ok"))
            return
        error = ended or RestoreFailed(f"{self.prepared.target_key}: the restore did not come to its end")
        hooks.after(self._workspace, "after_restore", occasion.ended("failed", error.code, error.message))
        hooks.failed(self._workspace, occasion, error)

    def advance(self, *, patiently: bool = False) -> Finished | None:
        """Go on to the next gate (None) or to the end.

        Raises:
            Waits: with `patiently`, something of another database is missing yet; call again.
            RestoreFailed: it failed, which is in the catalog.
        """
        began = monotonic()
        try:
            if self._steps is None:
                self._steps = Undertaking(self.prepared.request, self._around, self._outcome)
            is_done = self._steps.advance(patiently=patiently)
        except BackupError as error:
            raise self._failure(error) from error
        finally:
            self._seconds += monotonic() - began  # what it waited for others is not its own
        if not is_done:
            return None
        self._workspace.catalog.append(_restored(self.prepared, self._restore_id, self._seconds, self._outcome))
        compared, warnings = tuple(self._outcome.compared), tuple(self._outcome.warnings)
        plain_bytes = self.prepared.source.plain_bytes
        self._ended = finished = Finished(self.prepared.target_key, self._seconds, plain_bytes, compared, warnings)
        return finished

    def give_up(self, cause: BackupError) -> RestoreFailed:
        """Take back what was done and return the failure, which is in the catalog."""
        if self._steps is not None:
            self._steps.take_back()
        return self._failure(cause)

    def _failure(self, error: BackupError) -> RestoreFailed:
        self._workspace.catalog.append(_failed(self.prepared, self._restore_id, error, self._outcome))
        self._workspace.keep_words(self._restore_id, error.stderr)
        self._ended = told = _told(self.prepared, error, self._outcome)
        return told


def _surroundings(prepared: Prepared, say: Say, progress: pipeline.Progress) -> Surroundings:
    return Surroundings(
        engine=prepared.engine,
        access=prepared.access,
        server=prepared.server,
        source=prepared.source,
        manifest=prepared.request.manifest,
        limits=Limits(idle_seconds=prepared.access.answer_seconds),  # an index takes hours, a hung server for ever
        progress=progress,
        say=say,
        put_right=lambda: put_right(prepared.engine, _unfinished(prepared)),
    )


def _unfinished(prepared: Prepared) -> Unfinished:
    request = prepared.request
    place = prepared.engine.place(request)
    return Unfinished(
        prepared.access, request.database, request.staging, request.retired, place, created=not request.exists
    )


def _started(workspace: Workspace, prepared: Prepared, restore_id: str) -> restore_events.RestoreStarted:
    """Return the event that keeps the backup from being pruned; it is asked for under the catalog's write lock.

    Raises:
        RestoreRefused: the backup was pruned while the restore was prepared.
    """
    request, row = prepared.request, prepared.source.backup
    now = backup(workspace.catalog, row.backup_id) if row else None
    if row and now and now.state == "pruned":
        raise RestoreRefused(f"backup {row.backup_id} was pruned meanwhile; nothing was touched", "Choose another.")
    return restore_events.RestoreStarted(
        **_columns(prepared),
        restore_id=restore_id,
        target_instance=prepared.target.id,
        target_database=request.database,
        staging=request.staging,
        retired=request.retired,
        place=prepared.engine.place(request),
        created=not request.exists,
        source_path=prepared.source.path,
        requested=prepared.requested,
        process=process_of(workspace),
        stage=request.stage,
        recovery_id=prepared.recovery_id,
    )


def _restored(prepared: Prepared, restore_id: str, seconds: float, outcome: Outcome) -> restore_events.Restored:
    return restore_events.Restored(
        **_columns(prepared),
        restore_id=restore_id,
        target_instance=prepared.target.id,
        target_database=prepared.request.database,
        duration_seconds=seconds,
        rows=prepared.request.manifest.total_rows(),
        plain_bytes=prepared.source.plain_bytes,
        compared=tuple(outcome.compared),
        left="; ".join(outcome.uncleaned),
        stage=prepared.request.stage,
        recovery_id=prepared.recovery_id,
    )


def _failed(prepared: Prepared, restore_id: str, error: BackupError, outcome: Outcome) -> restore_events.RestoreFailed:
    return restore_events.RestoreFailed(
        **_columns(prepared),
        restore_id=restore_id,
        target_instance=prepared.target.id,
        target_database=prepared.request.database,
        code=error.code,
        message=error.message,
        hint=error.hint,
        differences=tuple(outcome.differences),
        left=outcome.left,
        mended=outcome.mended,
    )


def _columns(prepared: Prepared) -> dict[str, Any]:
    """Return where the artifact came from; a file is known by its sidecar, so that it is not pruned meanwhile."""
    source = prepared.source
    known = source.backup or source.sidecar
    return {
        "instance": source.key.instance if source.key else None,
        "database": source.key.database if source.key else None,
        "backup_id": known.backup_id if known else None,
    }


def _told(prepared: Prepared, error: BackupError, outcome: Outcome) -> RestoreFailed:
    if outcome.left:
        hint = f"It could not all be taken back. Finish by hand:\n{outcome.left}"
    elif outcome.mended:
        hint = (
            f"Nobody knows whether the server did what it was told last, so that it was looked at and put right:"
            f" {'; '.join(outcome.mended)}. Either the old or the restored database stands, whole: compare."
        )
    elif prepared.request.exists:
        hint = f"{prepared.target_key} is as it was before."
    else:
        hint = "What had been created was removed again."
    return RestoreFailed(f"{prepared.target_key} was not restored: {error}", hint)
