"""PURE: the events of hooks: the operator's own programs around backups, restores and runs."""

from __future__ import annotations

from vya_backup.history.event import Event
from vya_backup.history.fact import Exact


class HookRan(Event):
    """A hook was run, or refused; `output` is the beginning and the end of what it said, without secrets.

    Its arguments are not kept: they are in the configuration, and may hold what only the operator knows for a secret.
    `status` is its exit status, negative for a signal, None when it was not started or was ended; `problem` says in
    words why it counts as failed, and is empty when it did not. `path` is the artifact that it was told of.
    """

    type = "hook_ran"
    hook: Exact
    moment: Exact
    program: Exact
    status: int | None = None
    problem: str = ""
    duration_seconds: float = 0
    output: str = ""
    path: Exact = ""
