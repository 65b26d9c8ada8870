"""The `drill` section: where restores are rehearsed, behind which walls, and what must be true of the copy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from vya_backup.settings.section import Section

Scalar = bool | int | float | str


class Assertion(Section):
    """A question to the restored copy of one database, and the answer that it must give."""

    database: str
    """`INSTANCE/DATABASE`, or a glob over such keys."""
    sql: str
    """One SELECT; the first column of its first row is the answer."""
    expect: Scalar

    @field_validator("database")
    @classmethod
    def _is_a_key(cls, key: str) -> str:
        if "/" not in key:
            raise ValueError("must be INSTANCE/DATABASE, or a glob over such keys, for example prod-*/shop")
        return key


class DrillLimits(Section):
    """What a drill's programs may take of this machine, so that a hostile or broken dump cannot take it along."""

    memory_mb: int = Field(default=8192, ge=1024)
    """Address space of each process; a server maps more than it uses."""
    file_mb: int = Field(default=102_400, ge=64)
    """The longest file that any of them may write."""
    processes: int = Field(default=512, ge=32)
    """Processes and threads of a drill together."""
    min_free_mb: int = Field(default=1024, ge=0)
    """What stays free where the private server lives: it is ended before it takes more."""


class Drill(Section):
    """How restores are rehearsed."""

    sandbox: Literal["bubblewrap", "none"] = "bubblewrap"
    instance: str = ""
    folder: Path | None = None
    limits: DrillLimits = DrillLimits()
    max_age_days: float = Field(default=0, ge=0)
    assertions: tuple[Assertion, ...] = ()
