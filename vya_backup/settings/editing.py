"""Changes the text of a configuration file at the places that the YAML parser names: comments, order and layout stay.

The rule: what comes out must mean what was intended, and is read again to prove it; otherwise nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vya_backup.settings.merging import spelled_our_way
from vya_backup.settings.nodes import grown
from vya_backup.settings.problems import Origin, Problem, refuse

KEY = "schema_version"


@dataclass(frozen=True)
class Edit:
    """Characters `start` to `end` of the text become `new`."""

    start: int
    end: int
    new: str = ""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with the edits made; they must not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text


def composed(text: str) -> Any:
    """Return the YAML nodes of the text, with their marks; an empty text is an empty mapping."""
    import yaml

    top = yaml.compose(text, Loader=yaml.SafeLoader)  # the C loader counts its marks in bytes
    return top if top is not None else yaml.MappingNode("tag:yaml.org,2002:map", [])


def meaning(text: str) -> dict[str, Any]:
    """Return what a text says, in our spelling and without the number of its schema.

    Raises:
        yaml.YAMLError: it is no YAML.
        ConfigurationError: it says one thing twice, in two spellings.
    """
    import yaml

    problems: list[Problem] = []
    tree = spelled_our_way(grown(yaml.safe_load(text) or {}, Origin("")), problems)
    refuse(problems)
    return {key: value for key, value in tree.plain().items() if key != KEY}


def with_instance(text: str, entry: str) -> str | None:
    """Return the text with one more item at the end of `instances`, or None where it cannot be put there.

    `entry` is a flow mapping on one line: `{id: …, type: …}`.
    """
    import yaml

    try:
        after = _with_instance(text, entry)
        wanted = [*(meaning(text).get("instances") or []), yaml.safe_load(entry)]
        return after if meaning(after) == meaning(text) | {"instances": wanted} else None
    except yaml.YAMLError:
        return None


def _with_instance(text: str, entry: str) -> str:
    for key, value in composed(text).value:
        if key.value not in {"instances", "databases"}:
            continue
        if isinstance(value.value, str):  # an empty heading
            return edited(text, [Edit(key.end_mark.index + 1, key.end_mark.index + 1, f"\n  - {entry}")])
        if value.flow_style:
            place = value.end_mark.index - 1
            return edited(text, [Edit(place, place, f", {entry}" if value.value else entry)])
        indent = " " * value.start_mark.column
        place = _end_of_content(text, value.end_mark.index)
        return edited(text, [Edit(place, place, f"\n{indent}- {entry}")])
    return f"{text.rstrip()}\n\ninstances:\n  - {entry}\n"


def _end_of_content(text: str, index: int) -> int:
    """Return the end of the last line before `index` that is neither empty nor a comment alone."""
    lines = text[:index].splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        index -= len(lines.pop())
    return index - (len(lines[-1]) - len(lines[-1].rstrip("\r\n"))) if lines else index
