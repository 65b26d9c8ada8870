"""What every section of the configuration has in common."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

_WITH_MORE = re.compile(r".*://.*|.*\s.*|[^:/]+:\d*|\[.*", re.DOTALL)


def bare_host(text: str) -> str:
    """Return the name or address of a server as it is.

    Raises:
        ValueError: something else is written with it: a port, the head of a web address.
    """
    if _WITH_MORE.fullmatch(text):
        raise ValueError("must be a name or an address alone; a port has a key of its own")
    return text


Host = Annotated[str, AfterValidator(bare_host)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _an_empty_section_is_its_default(cls, data: Any) -> Any:
        # YAML reads a heading whose lines are all commented out as null.
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or not cls._may_be_empty(key)}

    @classmethod
    def _may_be_empty(cls, key: str) -> bool:
        field = cls.model_fields.get(key)
        return field is not None and isinstance(field.default, (Section, tuple))
