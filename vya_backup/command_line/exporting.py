"""Metrics at the end of each run: written last, so that they tell of the run itself and of the copy of the catalog.

The rule: what goes wrong here is printed and recorded, and changes nothing about how the run ended.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from vya_backup.errors import BackupError
from vya_backup.history.events import Failed
from vya_backup.jobs.exporting import STEP, deliver
from vya_backup.jobs.workspace import Workspace


def export(workspace: Workspace, tell: Callable[[BackupError], None]) -> None:
    """Write and push the metrics, where that is configured; `tell` prints what did not work."""
    if not workspace.configuration.monitoring.prometheus.is_wanted:
        return
    for error in _failures(workspace):
        tell(error)
        with suppress(BackupError):  # the catalog itself may be what cannot be written
            _record(workspace, error)


def _failures(workspace: Workspace) -> list[BackupError]:
    try:
        from vya_backup.outlook import metrics  # 0.1 s, paid only where metrics are wanted

        return deliver(workspace.configuration, metrics.registry(workspace.catalog, workspace.clock()))
    except BackupError as error:
        return [error]
    except Exception as error:  # noqa: BLE001 - the backups are made, and a bug here must not say otherwise
        return [BackupError(f"metrics could not be made: {type(error).__name__}: {error}", "Please report this bug.")]


def _record(workspace: Workspace, error: BackupError) -> None:
    event = Failed(step=STEP, code=error.code, message=error.message, hint=error.hint)
    with workspace.catalog.aftermath() as run:
        if run and run.is_recorded:
            workspace.catalog.append(event)
            return
    workspace.catalog.append(event)  # a run that did nothing else is not begun for this
