"""Close drills whose process died: what they left on a configured instance goes, and their backups may be pruned again.

What a private server left goes by its folder alone (`drill_ground.sweep`).
"""

from __future__ import annotations

from vya_backup.decisions.naming import Key
from vya_backup.errors import AlreadyRunning, BackupError, CatalogError
from vya_backup.history.events import DrillAbandoned
from vya_backup.history.unfinished_drills import UnfinishedDrill, unfinished_drills
from vya_backup.jobs.drill_ground import clear
from vya_backup.jobs.workspace import Workspace
from vya_backup.transport.liveness import ProcessIdentity, is_gone
from vya_backup.transport.locks import hold


def close_drills(workspace: Workspace) -> list[str]:
    """Clear up after each drill whose process of this host is gone, and close it; return a sentence where one matters.

    One whose server cannot be reached stays open, and is tried again by the next run.
    """
    return [sentence for drill in _dead(workspace) if (sentence := _close(workspace, drill))]


def _dead(workspace: Workspace) -> list[UnfinishedDrill]:
    host = workspace.configuration.application.host()
    return [one for one in unfinished_drills(workspace.catalog) if is_gone(ProcessIdentity(**one.process), host)]


def _close(workspace: Workspace, drill: UnfinishedDrill) -> str:
    key, place = Key(drill.instance, drill.database), drill.target_instance
    try:
        with hold(workspace.state / "locks", f"drill of {key}", f"closing of a drill of {key}"):
            if drill not in _dead(workspace):
                return ""  # another run was faster
            left = _cleared(workspace, place)
            reason = "its process is gone"
            workspace.catalog.append(DrillAbandoned(reason=reason, target_instance=place, left=left, **drill.columns))
    except AlreadyRunning:
        return ""  # whoever drills there now drops what is left, or a later run does
    except CatalogError:
        raise
    except BackupError as error:
        return f"a drill of {key} on {place} is not cleared up yet, and the next run tries again: {error}"
    done = f"By hand: {left}" if left else "what it left there is dropped"
    return f"a drill of {key} on {place} was cut off on its way. {done}" if place else ""


def _cleared(workspace: Workspace, place: str) -> str:
    """Drop the copies on a configured instance; return what is left to a person."""
    if not place:
        return ""
    if place not in {instance.id for instance in workspace.configuration.instances}:
        return f"{place} is no longer configured; drop the databases there that begin with vya_drill_"
    clear(workspace, workspace.instance(place))
    return ""
