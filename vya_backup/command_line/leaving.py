"""What every command does with the catalog when it leaves: copy it, publish it, tell it in metrics, a trace and mail.

The rule: whatever goes wrong here, the backups stay good. A catalog that was not copied is a failure of the command,
because history may be lost with the host; one that was not published is told, and recorded, and caught up with later.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from vya_backup.command_line.announcing import announce
from vya_backup.command_line.exporting import export
from vya_backup.errors import AlreadyRunning, BackupError, CatalogBusy, StorageFailed
from vya_backup.history.events import Failed
from vya_backup.jobs.copying import copy_out, unmounted
from vya_backup.jobs.publishing import RUN_PATIENCE_SECONDS, STEP, publish
from vya_backup.jobs.tracing import send_trace
from vya_backup.jobs.workspace import Workspace
from vya_backup.log.heard import say
from vya_backup.outlook.fitting import fitted
from vya_backup.transport.telemetry import endpoint

UNCOPIED: list[BackupError] = []
"""Why the catalog could not be copied at the end of the command that is on."""


def leave(workspace: Workspace) -> None:
    """Copy and publish what was appended; then tell it, the copy too; and last of all people, who may take a while.

    The published copy has what they were told with the next run.
    """
    _copy(workspace)
    if workspace.configuration.catalog.published_path is not None:
        _publish(workspace)
    export(workspace, print_error)
    _trace(workspace)
    announce(workspace)
    if not UNCOPIED:
        _copy(workspace)  # who was told what is history too


def _copy(workspace: Workspace) -> None:
    """Copy the catalog; when that fails the backups stay good, but the command must not end as if nothing were."""
    with workspace.catalog.aftermath() as run:
        try:
            if doubt := unmounted(workspace):
                # copies alone would make an empty place look like the tree, and its backups like lost ones
                raise StorageFailed(
                    doubt, "Mount it. Or run: doit backup --force; what is dumped there makes it the tree."
                )
            copy_out(workspace)
        except BackupError as error:
            print_error(
                type(error)(f"the catalog was not copied into the tree of backups: {error.message}", error.hint)
            )
            UNCOPIED.append(error)
            if run:
                with suppress(BackupError):  # the catalog itself may be what cannot be written
                    run.fail()


def _publish(workspace: Workspace) -> None:
    """Publish the catalog; a reader makes no run wait or fail, and neither does a copy that cannot be written."""
    try:
        publish(workspace, RUN_PATIENCE_SECONDS)
    except (CatalogBusy, AlreadyRunning) as error:
        told = f"note: the catalog is published with the next run: {error.message}"
        say(fitted(told, sys.stderr), sys.stderr)
    except BackupError as error:
        print_error(type(error)(f"the catalog was not published: {error.message}", error.hint))
        with workspace.catalog.aftermath(), suppress(BackupError):  # likewise
            workspace.catalog.append(Failed(step=STEP, code=error.code, message=error.message, hint=error.hint))


def _trace(workspace: Workspace) -> None:
    """Send the trace of the run that ended, where somebody asks for traces; nobody misses one that is lost."""
    url = endpoint(workspace.configuration.monitoring.opentelemetry.endpoint, os.environ)
    with workspace.catalog.aftermath() as run:
        if not (url and run and run.is_recorded):
            return
    try:
        send_trace(workspace, run.run_id, url)
    except BackupError as error:
        say(fitted(f"note: {error}", sys.stderr), sys.stderr)


def print_error(error: BackupError) -> None:
    """Print an expected failure on standard error."""
    hint = f"\n  {error.hint}" if error.hint else ""
    say(fitted(f"error: {error.message}{hint}", sys.stderr), sys.stderr)
