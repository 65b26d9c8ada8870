"""How a restore is divided where several databases come back side by side, since views may look across databases.

The rule: an engine whose databases cannot look into each other knows only `WHOLE`, and never stops at a gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """What of a database a restore brings; `TABLES` and then `PROGRAMS` come to the same as `WHOLE`."""

    WHOLE = ""
    TABLES = "tables"
    """Tables with their rows, and sequences. They stand by themselves, and a crash later on does not take them back."""
    PROGRAMS = "programs"
    """What is built on tables: routines, views, triggers, events. The tables are there and stay untouched."""


@dataclass(frozen=True)
class Gate:
    """Where a restore beside others waits until all of them came as far; a restore by itself goes on at once."""

    purpose: str
