"""Carry out a prepared restore under the lock of its target, and append what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vya_backup.clock import monotonic
from vya_backup.engines.contract import Unfinished
from vya_backup.errors import BackupError, RestoreFailed, RestoreRefused
from vya_backup.history import restore_events
from vya_backup.history.identifiers import new_id
from vya_backup.history.views import backup
from vya_backup.jobs.facts import process_of
from vya_backup.jobs.mending import put_right
from vya_backup.jobs.restore_plan import Prepared
from vya_backup.jobs.restore_steps import Outcome, Say, Surroundings, carry_out
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport import pipeline
from vya_backup.transport.limits import UNLIMITED
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
    key = prepared.target_key
    with hold(workspace.state / "locks", key, f"restore of {key}"):
        restore_id = new_id()
        workspace.catalog.append_decided(lambda: [_started(workspace, prepared, restore_id)])
        began, outcome = monotonic(), Outcome()
        try:
            carry_out(prepared.request, _surroundings(prepared, say, progress), outcome)
        except BackupError as error:
            workspace.catalog.append(_failed(prepared, restore_id, error, outcome))
            workspace.keep_words(restore_id, error.stderr)
            raise _told(prepared, error, outcome) from error
        seconds = monotonic() - began
        workspace.catalog.append(_restored(prepared, restore_id, seconds, outcome))
    plain_bytes = prepared.source.plain_bytes
    return Finished(key, seconds, plain_bytes, tuple(outcome.compared), tuple(outcome.warnings))


def _surroundings(prepared: Prepared, say: Say, progress: pipeline.Progress) -> Surroundings:
    return Surroundings(
        engine=prepared.engine,
        access=prepared.access,
        server=prepared.server,
        source=prepared.source,
        manifest=prepared.request.manifest,
        limits=UNLIMITED,
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
