"""Brings a configuration file from an older schema to the newest, by changing nothing but the words that changed.

The rule: no key is lost and no comment moves; the file of before stays beside the new one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vya_backup.errors import ConfigurationError
from vya_backup.settings.editing import KEY, Edit, composed, edited, meaning
from vya_backup.settings.model import SCHEMA
from vya_backup.settings.nodes import Node, read_yaml
from vya_backup.settings.private_files import exists, rewrite
from vya_backup.settings.problems import Problem, refuse

if TYPE_CHECKING:
    import yaml


@dataclass(frozen=True)
class Migration:
    """What would become of a file; `before` and `after` are equal where there is nothing to do."""

    path: Path
    version: int
    before: str
    after: str

    @property
    def diff(self) -> str:
        """Return the change as a unified diff, empty where there is none."""
        before, after = (text.splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(before, after, str(self.path), f"{self.path} (schema {SCHEMA})"))

    @property
    def backup(self) -> Path:
        """Return where the file of before goes: the first of `.bak`, `.bak2`, … that is free."""
        names = (self.path.with_name(f"{self.path.name}.bak{number or ''}") for number in (0, *range(2, 1000)))
        return next(path for path in names if not exists(path))


def version_of(tree: Node) -> int:
    """Return the schema that a file says it is written in; one that says nothing is as old as can be.

    Raises:
        ConfigurationError: it is newer than this program knows.
    """
    node = tree.get(KEY)
    if node is None or type(node.value) is not int:  # what it is instead, the validation says
        return 1
    if node.value > SCHEMA:
        newer = f"this program knows schemas up to {SCHEMA}; upgrade vya-backupdb, or bring back the file of before"
        refuse([Problem(node.origin, newer, node.text)])
    return max(1, node.value)


def plan(path: Path) -> Migration:
    """Say what would become of a file; nothing is written.

    Raises:
        ConfigurationError: the file cannot be read, is newer than this program, or must be changed by hand.
    """
    problems: list[Problem] = []
    tree = read_yaml(path, problems)
    refuse(problems)
    before = path.read_bytes().decode("utf-8-sig")
    version = version_of(tree)
    after = _brought_over(before, version)
    if after is None:
        raise ConfigurationError(
            f"{path} cannot be brought to schema {SCHEMA} without changing what it means",
            "Change it by hand: `databases:` is now `instances:`, the keys of `storage.local` stand in `storage`, and "
            f"`{KEY}: {SCHEMA}` says so.",
        )
    return Migration(path, version, before, after)


def carry_out(migration: Migration) -> Path:
    """Replace the file, and return where the old one went.

    Raises:
        ConfigurationError: one of them cannot be written; the file is then as it was.
    """
    kept = migration.backup
    rewrite(kept, migration.path.read_bytes(), like=migration.path)
    rewrite(migration.path, migration.after.encode(), like=migration.path)
    return kept


def _to_2(text: str) -> str:
    """`databases:` becomes `instances:`, and what stands in `storage.local` moves up into `storage`."""
    import yaml

    edits = []
    for key, value in composed(text).value:
        if key.value == "databases":
            edits.append(Edit(key.start_mark.index, key.end_mark.index, "instances"))
        elif key.value == "storage" and isinstance(value, yaml.MappingNode):
            edits += _without_local(text, value)
    return _numbered(edited(text, edits), 2)


def _without_local(text: str, storage: yaml.MappingNode) -> Iterator[Edit]:
    for key, value in storage.value:
        is_here = value.start_mark.index > key.start_mark.index  # else it is an alias, which may stay
        if key.value != "local" or not is_here or isinstance(value.value, str):
            continue
        if not value.flow_style:
            yield from _dedented(text, key, value)
        elif storage.flow_style:
            yield Edit(key.start_mark.index, value.start_mark.index + 1)
            yield Edit(value.end_mark.index - 1, value.end_mark.index)
        else:
            pairs = [text[one.start_mark.index : other.end_mark.index] for one, other in value.value]
            lines = f"\n{' ' * key.start_mark.column}".join(pairs)
            yield Edit(key.start_mark.index, value.end_mark.index, lines)


def _dedented(text: str, key: yaml.Node, value: yaml.Node) -> Iterator[Edit]:
    """Take the line of a block's key away, and so much of the indentation of the lines below it; comments go along."""
    line = text.rfind("\n", 0, key.start_mark.index) + 1
    first = text.index("\n", key.start_mark.index) + 1
    comment = text[key.end_mark.index + 1 : first].strip()
    yield Edit(line, first, f"{text[line : key.start_mark.index]}{comment}\n" if comment else "")
    deeper = value.start_mark.column - key.start_mark.column
    position = first
    for row in text[first : value.end_mark.index].splitlines(keepends=True):
        spare = len(row) - len(row.lstrip(" ")) - key.start_mark.column
        yield Edit(position, position + max(0, min(deeper, spare)))
        position += len(row)


def _numbered(text: str, version: int) -> str:
    """Return the text with the schema's number: in its place, or on a line of its own before the first key."""
    top = composed(text)
    for key, value in top.value:
        if key.value == KEY:
            return edited(text, [Edit(value.start_mark.index, value.end_mark.index, str(version))])
    if top.flow_style:
        inside = top.start_mark.index + 1
        return edited(text, [Edit(inside, inside, f"{KEY}: {version}{', ' if top.value else ''}")])
    start = top.value[0][0].start_mark.index if top.value else len(text)
    return edited(text, [Edit(start, start, f"{KEY}: {version}\n")])


STEPS: tuple[Callable[[str], str], ...] = (_to_2,)
"""The first leads from schema 1 to 2, and so on."""


def _brought_over(before: str, version: int) -> str | None:
    """Return the text in the newest schema, or None where that would mean something else."""
    import yaml

    after = before
    try:
        for step in STEPS[version - 1 :]:
            after = step(after)
        return after if meaning(before) == meaning(after) else None
    except yaml.YAMLError:
        return None
