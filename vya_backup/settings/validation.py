"""Validates the tree against the models and says what is wrong in the operator's words.

The rule: every message names what is allowed, so that it can be mended without a manual.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vya_backup.settings.model import Configuration
from vya_backup.settings.nodes import Node
from vya_backup.settings.problems import Origin, Problem
from vya_backup.settings.section import Section

Location = tuple[int | str, ...]

_ACCOUNT_KEYS = frozenset({"username", "user", "password", "passwd"})

_WORDS = {
    "missing": "is missing; add it",
    "model_type": "must be a section with keys below it",
    "dict_type": "must be a section with keys below it",
    "tuple_type": "must be a list, such as [a, b]",
    "list_type": "must be a list, such as [a, b]",
    "string_type": "must be text; put it in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be a path",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must begin with a letter or a digit and hold only letters, digits, `_`, `.` and `-`",
    "value_error": "{error}",
}


def validate(tree: Node, problems: list[Problem]) -> Configuration | None:
    """Return the configuration, or None after appending everything that is wrong with it to `problems`."""
    try:
        return Configuration.model_validate(tree.plain())
    except ValidationError as error:
        problems.extend(_problem(tree, details) for details in error.errors(include_url=False))
        return None


def _problem(tree: Node, details: ErrorDetails) -> Problem:
    node, rest = tree.find(details["loc"])
    origin = node.origin.below(*rest)
    if details["type"] == "extra_forbidden":
        return Problem(origin, _unknown(details["loc"]))
    if details["input"] is None and details["type"] != "missing":
        return Problem(origin, "has no value; give it one or remove the line")
    words = _WORDS.get(details["type"])
    what = words.format(**details.get("ctx", {})) if words else details["msg"][:1].lower() + details["msg"][1:]
    is_scalar = not isinstance(node.value, dict | list) and not rest
    return Problem(origin, what, node.text if is_scalar and not _may_be_secret(origin) else None)


def _may_be_secret(origin: Origin) -> bool:
    return origin.key.rpartition(".")[2] in _ACCOUNT_KEYS | {"credentials", "key"}


def _unknown(location: Location) -> str:
    name = str(location[-1])
    if name in _ACCOUNT_KEYS:
        return "is not a key of the configuration; accounts belong into the credentials file (credentials.file)"
    section = section_at(location[:-1])
    near = get_close_matches(name, section.model_fields, n=1) if section else []
    if near:
        return f"is an unknown key; did you mean `{near[0]}`?"
    elsewhere = [path for path in key_paths(Configuration) if path.rpartition(".")[2] == name]
    if elsewhere:
        return f"is an unknown key here; it belongs to `{elsewhere[0]}`"
    allowed = ", ".join(section.model_fields) if section else "none"
    return f"is an unknown key; the keys here are {allowed}"


def section_at(location: Location) -> type[Section] | None:
    """Return the model that describes this place of the configuration, or None where there is none."""
    section: type[Section] | None = Configuration
    for step in location:
        if isinstance(step, int):
            continue
        field = section.model_fields.get(step) if section else None
        section = section_of(field.annotation) if field else None
    return section


def section_of(annotation: Any) -> type[Section] | None:
    """Return the section inside an annotation such as `Tls | None` or `tuple[Instance, ...]`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if get_origin(annotation) in {Union, types.UnionType, tuple}:
        return next((found for part in get_args(annotation) if (found := section_of(part))), None)
    return None


def key_paths(section: type[Section], prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every key, sections and the keys below them: `storage`, `storage.base_path`, …"""
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}"
        below = section_of(field.annotation)
        if below:
            yield from key_paths(below, f"{prefix}{name}.")
