"""`doit forget`, with the catalog as its memory: what is forgotten is an event, and costs one more reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import doit.cmd_forget

from vya_backup.command_line import backend
from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained
from vya_backup.command_line.run import is_ours
from vya_backup.command_line.session import configured, opened
from vya_backup.errors import UsageError


class Forget(Explained, doit.cmd_forget.Forget):  # type: ignore[misc]
    """Replaces doit's own `forget` for this project's tasks."""

    name = "forget"

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Forget the named tasks; in others' folders doit does it as it always does."""
        if not is_ours(self, params):
            return int(super().execute(params, args) or 0)
        return guarded(lambda: self._forget(params, args))

    def _forget(self, params: Any, args: Sequence[str]) -> int:
        if not args and not params["forget_all"]:
            raise UsageError("forget names no task", "Say: doit forget checksum:INSTANCE/DATABASE, or --all")
        with opened(configured(), read_only=False) as workspace:
            backend.use(workspace.catalog)
            try:
                return int(super().execute(params, args) or 0)
            finally:
                backend.use(None)
