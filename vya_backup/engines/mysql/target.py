"""Checks a restore's target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vya_backup.engines.contract import Finding, RestoreRequest

if TYPE_CHECKING:
    from sqlalchemy import Connection

WORDS: dict[str, str] = {}


def check_target(connection: Connection, request: RestoreRequest) -> tuple[Finding, ...]:
    """Say what stands against loading there."""
    return ()
