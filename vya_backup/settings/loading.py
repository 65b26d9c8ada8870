"""Reads the configuration: file, `.env`, environment and credentials entries become one validated value.

The rule: all errors are reported at once, each with its place, key, value and remedy; after loading every path is
absolute. Relative paths start at the base: the configuration file's folder, or the one above it when that is `config`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vya_backup.errors import ConfigurationError
from vya_backup.settings.checks import notes, refuse_clashing_paths, refuse_twin_ids
from vya_backup.settings.keys import NO_KEY
from vya_backup.settings.merging import overridden, spelled_our_way, with_instances_of
from vya_backup.settings.migrating import version_of
from vya_backup.settings.model import Configuration, Credentials, Instance, Section
from vya_backup.settings.nodes import Node, read_yaml
from vya_backup.settings.overrides import read_overrides
from vya_backup.settings.places import base_folder, of_file, of_user, searched
from vya_backup.settings.private_files import exists
from vya_backup.settings.problems import Origin, Problem, refuse
from vya_backup.settings.scheduling_checks import refuse_clashing_times
from vya_backup.settings.validation import validate

AnySection = TypeVar("AnySection", bound=Section)


@dataclass(frozen=True)
class Loaded:
    """The configuration, where it came from (None: no file, only defaults and the environment), and what to know."""

    configuration: Configuration
    path: Path | None
    notes: tuple[str, ...] = ()


def find(environ: Mapping[str, str]) -> Path | None:
    """Return the configuration file; None when there is none.

    It is `$VYA_CONFIG`, else `config/config.yaml`, else the user's own, else that in /etc.
    """
    if environ.get("VYA_CONFIG"):
        return Path(environ["VYA_CONFIG"])
    return next((path for path in searched(environ) if exists(path)), None)


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Load and validate everything; without a path it is looked for as `find` says.

    Raises:
        ConfigurationError: a named file is missing, or something in it is wrong; one line for each error.
    """
    environ = os.environ if environ is None else environ
    path = path or find(environ)
    if path is not None and not exists(path):
        raise ConfigurationError(
            f"the configuration file {path} does not exist",
            "Copy config/config.example.yaml to it, or make one with `init`.",
        )
    path = path.absolute() if path else None
    base = base_folder(path)
    problems: list[Problem] = []
    tree = read_yaml(path, problems) if path else Node({}, Origin("configuration"))
    version_of(tree)  # one that is newer would be refused for keys that it is right about
    tree = spelled_our_way(tree, problems)
    tree = overridden(tree, read_overrides(environ, base / ".env", problems), problems)
    tree, who_won = with_instances_of(_store(tree, base), tree, problems)
    configuration = _validated(tree, path, environ, problems)
    return Loaded(configuration, path, (*notes(configuration, tree), *who_won))


def written_at(path: Path, instance_id: str) -> str:
    """Return where a configuration file has an instance, or what it says of its `path`: `line 12 of FILE`."""
    tree = read_yaml(path, [])
    listed = tree.get("instances")
    for node in listed.value if listed and isinstance(listed.value, list) else ():
        named = node.get("id")
        if named and named.value == instance_id:
            line = (node.get("path") or node).origin.line
            return f"line {line} of {path}" if line else str(path)
    return str(path)


NEEDED_TO_TELL = ("application", "credentials", "notifications")


def load_notifications(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Load what it takes to tell somebody that the rest does not load; what is wrong elsewhere is passed over.

    Raises:
        ConfigurationError: there is no file, or these sections are wrong too.
    """
    environ = os.environ if environ is None else environ
    path = path or find(environ)
    if path is None or not exists(path):
        raise ConfigurationError("there is no configuration file", "Copy config/config.example.yaml to it.")
    path, elsewhere, problems = path.absolute(), list[Problem](), list[Problem]()
    tree = read_yaml(path, problems)
    tree = overridden(tree, read_overrides(environ, base_folder(path) / ".env", elsewhere), elsewhere)
    kept = {name: node for name, node in tree.value.items() if name in NEEDED_TO_TELL}
    configuration = validate(Node(kept, tree.origin), problems)
    refuse(problems)
    return Loaded(_made_absolute(configuration or Configuration(), path, environ), path)


def state_folder(configuration: Configuration) -> Path:
    """Return the local folder for locks and tool logs: `state`, beside the catalog."""
    catalog = configuration.catalog.path
    if catalog is None:
        raise ConfigurationError("catalog.path is not set", "Load the configuration with `load`, which sets it.")
    return catalog.parent / "state"


def _store(tree: Node, base: Path) -> Path:
    node = tree.get("credentials", "file")
    written = node.value if node and isinstance(node.value, str) else Credentials().file
    return _joined(base, Path(written))


def _validated(tree: Node, path: Path | None, environ: Mapping[str, str], problems: list[Problem]) -> Configuration:
    refuse_twin_ids(tree, problems)
    validated = validate(tree, problems)
    configuration = _made_absolute(validated or Configuration(), path, environ)
    if validated:
        refuse_clashing_paths(configuration, tree, problems)
        refuse_clashing_times(configuration, tree, problems)
    refuse(problems)
    return configuration


def _made_absolute(configuration: Configuration, path: Path | None, environ: Mapping[str, str]) -> Configuration:
    storage = configuration.storage
    if path and path == of_user(environ).configuration and "base_path" not in storage.model_fields_set:
        storage = storage.model_copy(update={"base_path": of_file(path, environ).backups})
    configuration = _absolute(configuration.model_copy(update={"storage": storage}), base_folder(path))
    catalog = configuration.catalog.path or _default_catalog(path, environ)
    key_file = configuration.credentials.key_file or _systemd_key(configuration.credentials, environ)
    return configuration.model_copy(
        update={
            "catalog": configuration.catalog.model_copy(update={"path": catalog}),
            "credentials": configuration.credentials.model_copy(update={"key_file": key_file}),
        }
    )


def _default_catalog(path: Path | None, environ: Mapping[str, str]) -> Path:
    return of_file(path, environ).catalog if path else base_folder(None) / "catalog" / "catalog.db"


def _systemd_key(credentials: Credentials, environ: Mapping[str, str]) -> Path | None:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    key = Path(folder) / credentials.key_path.name if folder else None
    return key if key and exists(key) and key.read_bytes() != NO_KEY.encode() else None


def _absolute(section: AnySection, base: Path) -> AnySection:
    values = {name: _absolute_value(getattr(section, name), base) for name in type(section).model_fields}
    if isinstance(section, Instance) and section.path:
        values["path"] = str(_joined(base, Path(section.path)))
    return section.model_copy(update=values)


def _absolute_value(value: Any, base: Path) -> Any:
    if isinstance(value, Section):
        return _absolute(value, base)
    if isinstance(value, tuple):
        return tuple(_absolute_value(item, base) for item in value)
    return _joined(base, value) if isinstance(value, Path) else value


def _joined(base: Path, path: Path) -> Path:
    return base / path.expanduser()
