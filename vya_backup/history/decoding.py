"""PURE: reads an event back out of a row of the catalog; a type that this program does not know reads as `Unknown`."""

from __future__ import annotations

import json
from typing import Any, Final

from vya_backup.history import (
    events,
    hook_events,
    notice_events,
    recovery_events,
    restore_events,
    run_events,
    schedule_events,
)
from vya_backup.history.event import Event

_MODULES: Final = {
    module.__name__
    for module in (
        events,
        hook_events,
        notice_events,
        recovery_events,
        restore_events,
        run_events,
        schedule_events,
    )
}
BY_TYPE: Final[dict[str, type[Event]]] = {
    kind.type: kind for kind in Event.__subclasses__() if kind.__module__ in _MODULES
}


class Unknown(Event):
    """An event of a newer program: kept as it is, shown, never interpreted."""

    type = "unknown"
    recorded_type: str
    content: dict[str, Any]


def decode(recorded_type: str, columns: dict[str, str | None], data: str) -> Event:
    """Return the event of a catalog row; fields that a newer program added are left out.

    Raises:
        ValueError: the data is not of the shape that its type demands.
    """
    content = json.loads(data)
    kind = BY_TYPE.get(recorded_type)
    if kind is None:
        return Unknown(recorded_type=recorded_type, content=content, **columns)
    known = {name: value for name, value in content.items() if name in kind.model_fields}
    return kind.model_validate({**known, **columns})
