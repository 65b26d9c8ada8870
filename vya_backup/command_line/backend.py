"""doit's memory of its tasks, kept as events in the catalog: no second state file exists, `doit forget` is an event.

doit constructs the backend itself, so the session says beforehand which catalog is meant: `use`. Only tasks with file
dependencies need a memory; for all others nothing is recorded, so that a run that did nothing leaves no trace.
"""

from __future__ import annotations

import json
from typing import Any

from vya_backup.history.catalog import Catalog
from vya_backup.history.run_events import TaskForgotten, TaskRecorded
from vya_backup.history.views import task_states

_LAST_KEY = "deps:"  # what doit's save_success sets last

_catalog: Catalog | None = None


def use(catalog: Catalog | None) -> None:
    """Make this catalog the memory of every backend constructed from here on; None: nothing is remembered."""
    global _catalog  # noqa: PLW0603 (doit offers no other way to hand something to a backend)
    _catalog = catalog


class CatalogBackend:
    """What doit expects of a dependency backend. All calls come from doit's main thread."""

    desc = "the catalog of backups (append-only)"

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        del codec, module_name  # the catalog encodes its own events
        self.name = name
        self._catalog = _catalog
        self._recorded = task_states(_catalog) if _catalog else {}
        self._pending: dict[str, dict[str, Any]] = {}

    def get(self, task: str, key: str) -> Any:
        """Return what is known of a task under this key, or None."""
        return self._state(task).get(key)

    def set(self, task: str, key: str, value: Any) -> None:
        """Note a value; with the last one of a success, append what is new."""
        state = self._pending.setdefault(task, dict(self._recorded.get(task, {})))
        state[key] = value
        if key == _LAST_KEY:
            self._record(task, value)

    def in_(self, task: str) -> bool:
        """Say whether anything is known of a task."""
        return bool(self._state(task))

    def remove(self, task: str) -> None:
        """Forget a task: `doit forget`, and every task that failed."""
        self._pending.pop(task, None)
        if self._recorded.pop(task, None) is not None and self._catalog:
            self._catalog.append(TaskForgotten(task=task))

    def remove_all(self) -> None:
        """Forget every task, in one transaction."""
        if self._catalog:
            self._catalog.append(*(TaskForgotten(task=task) for task in sorted(self._recorded)))
        self._recorded.clear()
        self._pending.clear()

    def dump(self) -> None:
        """Do nothing: each success was appended when it came."""

    def _state(self, task: str) -> dict[str, Any]:
        return self._pending.get(task) or self._recorded.get(task, {})

    def _record(self, task: str, dependencies: Any) -> None:
        state = json.loads(json.dumps(self._pending[task]))  # tuples become lists, as they will come back
        if not self._catalog or not dependencies or state == self._recorded.get(task):
            return
        self._catalog.append(TaskRecorded(task=task, state=state))
        self._recorded[task] = state
