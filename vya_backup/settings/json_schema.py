"""The JSON Schema of the configuration, for editors: the models' own, with the comments of the example as descriptions.

The rule: nothing is described here; what a key means stands once, beside it in `config/config.example.yaml`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vya_backup.resources import resource
from vya_backup.settings.editing import composed
from vya_backup.settings.model import SCHEMA, Configuration
from vya_backup.settings.validation import section_at

if TYPE_CHECKING:
    import yaml

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Place = tuple[int | str, ...]


def as_text() -> str:
    """Return the schema as the file `config/config.schema.json` holds it."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def json_schema() -> dict[str, Any]:
    """Return the schema; other spellings that load are in it, marked as deprecated."""
    made = Configuration.model_json_schema()
    sections = made["$defs"] | {"Configuration": made}
    for place, comment in _comments(resource("config/config.example.yaml").read_text(encoding="utf-8")):
        section = section_at(place[:-1])
        known = sections[section.__name__]["properties"] if section else {}
        if place[-1] in known and comment:
            known[place[-1]].setdefault("description", comment)
    for section in sections.values():
        _let_headings_be_empty(section)
    _with_older_spellings(sections)
    return {"$schema": DIALECT, "title": f"VYA BackupDB configuration, schema {SCHEMA}", **_without(made, "title")}


def _let_headings_be_empty(section: dict[str, Any]) -> None:
    for name, known in section.get("properties", {}).items():
        if "$ref" in known:
            rest = _without(known, "$ref", "default")
            section["properties"][name] = {"anyOf": [{"$ref": known["$ref"]}, {"type": "null"}], **rest}


def _with_older_spellings(sections: dict[str, Any]) -> None:
    top, storage = sections["Configuration"]["properties"], sections["Storage"]["properties"]
    top["databases"] = top["instances"] | {"deprecated": True, "description": "the same as `instances`"}
    same = {"type": "object", "additionalProperties": False, "properties": dict(storage)}
    storage["local"] = same | {"deprecated": True, "description": "its keys may stand in `storage` itself"}


def _comments(text: str) -> Iterator[tuple[Place, str]]:
    """Yield each key's place with its comment: that on its line and those below it in the same column, or above."""
    lines = text.splitlines()
    for place, key in _keys(composed(text), ()):
        line = key.start_mark.line
        yield place, " ".join(_beside(lines, line) or _above(lines, line))


def _keys(node: yaml.Node, place: Place) -> Iterator[tuple[Place, yaml.Node]]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key
            yield from _keys(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _keys(item, (*place, number))


def _beside(lines: list[str], number: int) -> list[str]:
    before, mark, comment = lines[number].rpartition(" # ")
    if not mark:
        return []
    column = len(before) + 1
    found = [comment.strip()]
    for line in lines[number + 1 :]:
        if line[:column].strip() or not line[column:].startswith("# "):
            return found
        found.append(line[column + 2 :].strip())
    return found


def _above(lines: list[str], number: int) -> list[str]:
    found: list[str] = []
    while number and lines[number - 1].lstrip().startswith("# "):
        number -= 1
        found.insert(0, lines[number].strip()[2:])
    return found


def _without(known: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name not in names}
