"""Restores."""

from __future__ import annotations

from vya_backup.engines.contract import RestoreRequest, Steps


def restore(request: RestoreRequest) -> Steps:
    """Describe the restore, step by step."""
    yield from ()
