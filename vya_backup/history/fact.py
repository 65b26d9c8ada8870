"""PURE: what a value inside an event is: frozen, without unknown fields, storable as UTF-8, and free of secrets."""

from __future__ import annotations

import threading
from datetime import UTC
from pathlib import PurePath
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, model_validator

from vya_backup.clock import rfc3339
from vya_backup.redaction import scrub

Instant = Annotated[
    AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC)), PlainSerializer(rfc3339, return_type=str)
]

EXACT: Final = "exact"
"""Marks fields that identify something and were made by this program: scrubbing `test` out of a path would lose it."""
Exact = Annotated[str, EXACT]
ExactList = Annotated[tuple[str, ...], EXACT]

_building = threading.RLock()


class Fact(BaseModel):
    """A value inside an event: frozen, without unknown fields, its texts storable as UTF-8."""

    # 30 validators take 0.1 s to build, and `doit list` needs none of them
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def model_rebuild(cls, **options: Any) -> bool | None:
        """Build the validator at its first use, in one thread at a time: pydantic's own building is not atomic."""
        with _building:
            return super().model_rebuild(**options)

    @model_validator(mode="before")
    @classmethod
    def _texts_are_storable(cls, data: Any) -> Any:
        return {name: _storable(value) for name, value in data.items()} if isinstance(data, dict) else data

    def scrubbed(self, *leave_out: str) -> dict[str, Any]:
        """Return the fields as JSON values, every known secret in them replaced by the mask; exact ones as they are."""
        fields = type(self).model_fields
        values = self.model_dump(mode="json", exclude=set(leave_out))
        return {name: value if EXACT in fields[name].metadata else _scrub(value) for name, value in values.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, str | PurePath):
        return str(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list | tuple):
        return tuple(_storable(item) for item in value)
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {key: _scrub(item) for key, item in value.items()}
    return value
