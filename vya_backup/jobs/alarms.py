"""What stops the pruning of a database, and a suspicious restore: gathered from the catalog, decided in one place."""

from __future__ import annotations

from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import rules_for
from vya_backup.decisions.shrinking import Shrink, shrunk
from vya_backup.history.event import Event
from vya_backup.history.events import Abandoned, Damaged, Failed, Missing
from vya_backup.history.keeping import RetainedRow, alarms, retained
from vya_backup.history.reading import Reads
from vya_backup.jobs.workspace import Workspace


def barred(workspace: Workspace, key: Key, rows: list[RetainedRow]) -> str:
    """Return why nothing of a database may be pruned, or an empty text; `rows` are its backups, newest first."""
    rules = rules_for(workspace.configuration.storage.retention, key)
    return barred_by(workspace.catalog, key, rows, rules.shrink_alarm_percent)


def barred_by(reads: Reads, key: Key, rows: list[RetainedRow], shrink_alarm_percent: int, origin: str = "") -> str:
    """Return the same to whoever has a catalog and no configuration; a merged one has several origins."""
    found = alarms(reads, key.instance, key.database, origin)
    if found.trouble:
        return f"its newest attempt is no good backup: {_told(found.trouble)}"
    good = [row for row in rows if row.state == "good"]
    shrink = shrunk(good, found.looked_event, shrink_alarm_percent)
    return str(shrink) if shrink else ""


def shrink_of(workspace: Workspace, key: Key) -> Shrink | None:
    """Return the loss of a database that nobody has looked at."""
    rows = retained(workspace.catalog, key.instance, key.database)
    looked_event = alarms(workspace.catalog, key.instance, key.database).looked_event
    rules = rules_for(workspace.configuration.storage.retention, key)
    return shrunk([row for row in rows if row.state == "good"], looked_event, rules.shrink_alarm_percent)


def _told(event: Event) -> str:
    match event:
        case Failed(message=words):
            return f"failed, {words}"
        case Abandoned(reason=words):
            return f"abandoned, {words}"
        case Damaged(reason=words):
            return f"damaged, {words}"
        case Missing(path=path):
            return f"missing, {path}"
    return event.type
