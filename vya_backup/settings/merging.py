"""Brings other spellings of the configuration into the one that the models know.

The rule: a value keeps the origin it was written at, and nothing that was written is dropped silently.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vya_backup.errors import CredentialsError
from vya_backup.settings.nodes import Node, grown, merged
from vya_backup.settings.private_files import exists, read_private
from vya_backup.settings.problems import Origin, Problem, line_of_id

ACCOUNT_KEYS = frozenset({"username", "password", "purpose"})


def spelled_our_way(tree: Node, problems: list[Problem]) -> Node:
    """Return the tree with `databases` as `instances`, and the keys of `storage.local` in `storage`."""
    top = dict(tree.value)
    _rename(top, "databases", "instances", problems)
    storage = top.get("storage")
    if storage is not None and isinstance(storage.value, dict):
        top["storage"] = Node(_without_local(storage.value, problems), storage.origin)
    return Node(top, tree.origin)


def _rename(section: dict[str, Node], old: str, new: str, problems: list[Problem]) -> None:
    if old not in section:
        return
    if new in section:
        problems.append(Problem(section[old].origin, f"means the same as `{new}`, which is given too; remove one"))
    section.setdefault(new, section[old])
    del section[old]


def _without_local(storage: dict[str, Node], problems: list[Problem]) -> dict[str, Node]:
    local = storage.get("local")
    if local is None:
        return storage
    flat = {key: node for key, node in storage.items() if key != "local"}
    for key, node in (local.value if isinstance(local.value, dict) else {}).items():
        if key in flat:
            problems.append(Problem(node.origin, f"means the same as `storage.{key}`, which is given too; remove one"))
        flat.setdefault(key, node)
    return flat


def with_instances_of(store: Path, tree: Node, problems: list[Problem]) -> tuple[Node, list[str]]:
    """Add the instances that entries of the credentials file define; return the tree, and notes on who won.

    An entry with `type` and `host` defines an instance; where both name an id, the configuration file wins.
    """
    listed = tree.value.get("instances", Node([], tree.origin))
    if not isinstance(listed.value, list):
        return tree, []
    known = {node.value["id"].value for node in listed.value if isinstance(node.value, dict) and "id" in node.value}
    instances, notes = list(listed.value), []
    for entry in _definitions(store, problems):
        name = entry.value["id"].value
        if name in known:
            notes.append(f"{name} is defined in the configuration and in {store.name}; the configuration wins")
        else:
            instances.append(entry)
    return Node({**tree.value, "instances": Node(instances, listed.origin)}, tree.origin), notes


def _definitions(store: Path, problems: list[Problem]) -> list[Node]:
    if not exists(store):
        return []
    try:
        text = read_private(store).decode("utf-8")
        entries = json.loads(text).get("databases", [])
    except CredentialsError as error:
        problems.append(Problem(Origin(""), str(error)))
        return []
    except (ValueError, AttributeError):
        return []  # the credentials store itself says what is wrong with it, with its line
    found: dict[str, Node] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict) and entry.get("id") and entry.get("type") and entry.get("host"):
            origin = Origin(str(store), line_of_id(text, entry["id"]), f"databases[{number}]")
            found.setdefault(str(entry["id"]), _definition(entry, origin))
    return list(found.values())


def _definition(entry: dict[str, Any], origin: Origin) -> Node:
    kept = {key: value for key, value in entry.items() if key not in ACCOUNT_KEYS}
    if "databases" not in kept and "database" in kept:  # with both, the validation refuses the second
        kept["databases"] = kept.pop("database")
    return grown(kept, origin)


def overridden(tree: Node, overrides: Node, problems: list[Problem]) -> Node:
    """Return the tree with the overrides laid over it."""
    return merged(tree, spelled_our_way(overrides, problems))
