"""What no single value shows: clashes between instances and between paths, and keys that this version can only note."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from pathlib import Path

from vya_backup.settings.model import Configuration
from vya_backup.settings.nodes import Node
from vya_backup.settings.private_files import exists
from vya_backup.settings.problems import Problem

_ONLY_NOTED = {
    ("application", "name"): "nothing depends on it",
    ("application", "version"): "nothing depends on it",
    ("backup", "verify_integrity"): "every dump is read back before it is called good",
    ("monitoring", "health_check", "enabled"): "`doit catalog serve` answers it for as long as it runs",
    ("monitoring", "prometheus", "push_interval"): "metrics are pushed once, after each run",
    ("storage", "checksums", "enabled"): "SHA-256 is always computed, because no backup is good without it",
    ("storage", "checksums", "store_file"): "the .sha256 file is always written",
    ("storage", "metadata", "enabled"): "the .metadata.json is always written, because the catalog is rebuilt from it",
    ("storage", "metadata", "include_schema_hash"): "the schema hash is always written",
    ("storage", "retention", "apply_per_database"): "retention always counts per database",
    ("storage", "idrive", "enabled"): "what watches base_path never sees a half-written file under a final name",
}


def notes(configuration: Configuration, tree: Node) -> Iterator[str]:
    """Yield one sentence for each key that was set to something else than its default, though nothing acts on it."""
    for location, sentence in _ONLY_NOTED.items():
        node = tree.get(*location)
        if node is not None and _at(configuration, location) != _at(Configuration(), location):
            yield f"{node.origin.place()}: {node.origin.key} is only noted: {sentence}"


def _at(configuration: Configuration, location: tuple[str, ...]) -> object:
    return reduce(getattr, location, configuration)


def refuse_twin_ids(tree: Node, problems: list[Problem]) -> None:
    """Find instances whose ids are equal, or differ only by case and would share a folder on some file systems."""
    first: dict[str, Node] = {}
    instances = tree.get("instances")
    for instance in instances.value if instances and isinstance(instances.value, list) else ():
        node = instance.get("id")
        if node is None or not isinstance(node.value, str):
            continue
        twin = first.setdefault(node.value.casefold(), node)
        if twin is not node:
            how = "is also" if twin.value == node.value else f"differs only by case from {twin.value!r},"
            what = f"{how} the id at {twin.origin.place()}; give each instance its own id"
            problems.append(Problem(node.origin, what, node.text))


def refuse_clashing_paths(configuration: Configuration, tree: Node, problems: list[Problem]) -> None:
    """Find paths that cannot work together; all paths are absolute."""
    storage, credentials = configuration.storage, configuration.credentials
    if storage.temp_path and _device(storage.temp_path) != _device(storage.base_path):
        what = (
            f"lies in another file system than storage.base_path ({storage.base_path}), so a finished dump could not "
            "be published in one step; remove it, drafts then lie hidden beside their final place"
        )
        problems.append(Problem(tree.find(("storage", "temp_path"))[0].origin, what, str(storage.temp_path)))
    _refuse_published_path(configuration, tree, problems)
    key = credentials.key_path
    if (credentials.key_file or exists(key)) and lies_below(key, storage.base_path):
        what = "lies below storage.base_path, so whoever gets the backups gets the key; move it elsewhere"
        problems.append(Problem(tree.find(("credentials", "key_file"))[0].origin, what, str(key)))


def _refuse_published_path(configuration: Configuration, tree: Node, problems: list[Problem]) -> None:
    """Find a published copy where its readers could not, or should not, get to it."""
    published, live = configuration.catalog.published_path, configuration.catalog.path
    if published is None:
        return
    what = ""
    if lies_below(published, configuration.storage.base_path):
        what = (
            "lies below storage.base_path, where nobody but the backup account may look, and off-site copies would "
            "take it while it is written; give it a folder of its own"
        )
    elif live is not None and published.parent.resolve() == live.parent.resolve():
        what = (
            f"lies in the folder of the catalog itself ({live.parent}), where no reader may look; "
            "give it a folder of its own"
        )
    if what:
        problems.append(Problem(tree.find(("catalog", "published_path"))[0].origin, what, str(published)))


def lies_below(path: Path, folder: Path) -> bool:
    """Say whether the path lies in the folder or below it, with symbolic links followed."""
    return path.resolve().is_relative_to(folder.resolve())


def _device(path: Path) -> int:
    """Return the file system of a path, or of the nearest folder above it that can be looked at."""
    while path != path.parent:
        try:
            return path.stat().st_dev
        except OSError:
            path = path.parent
    return path.stat().st_dev
