"""The example configuration has every key, each with a comment, and loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from vya_backup.resources import resource
from vya_backup.settings.loading import load
from vya_backup.settings.model import Configuration
from vya_backup.settings.storage_model import RetentionRules
from vya_backup.settings.store_format import parse
from vya_backup.settings.validation import key_paths

EXAMPLE = resource("config/config.example.yaml")


def written(value: Any, prefix: str = "") -> set[str]:
    """Return the dotted paths of all keys in plain YAML, those of list items without their numbers."""
    if isinstance(value, list):
        return {path for item in value for path in written(item, prefix)}
    if not isinstance(value, dict):
        return set()
    own = {f"{prefix}{key}" for key in value}
    return own | {path for key, item in value.items() for path in written(item, f"{prefix}{key}.")}


def test_the_example_has_every_key_and_no_other() -> None:
    """A key added to a model must be explained there."""
    assert written(yaml.safe_load(EXAMPLE.read_text())) == set(key_paths(Configuration))


def test_every_key_of_the_example_has_a_comment() -> None:
    """On its line, or for a section on a line of its own above."""
    lines = EXAMPLE.read_text().splitlines()
    bare = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if ":" in line and "#" not in line and line.split(":")[1].strip() and not before.lstrip().startswith("#")
    ]
    repeated = {"type", "host", "databases"}  # explained with the first instance
    repeated |= set(RetentionRules.model_fields)  # in an override, explained above it
    assert [line for line in bare if line.strip(" -").split(":")[0] not in repeated | {"id"}] == []


def test_the_example_loads_and_shows_the_defaults() -> None:
    """Save for what can only be shown by examples, such as instances and overrides, all is as in an empty file."""
    configuration = load(EXAMPLE, {}).configuration
    storage = configuration.storage
    storage = storage.model_copy(update={"retention": storage.retention.model_copy(update={"overrides": ()})})
    drill = configuration.drill.model_copy(update={"assertions": ()})
    site = configuration.site.model_copy(update={"auditors": ()})
    scheduling = configuration.scheduling.model_copy(update={"blackout": ()})
    told = configuration.notifications
    email = told.email.model_copy(update={"lists": ()})
    notifications = told.model_copy(update={"email": email, "apprise": ()})
    examples = {
        "instances": (),
        "storage": storage,
        "drill": drill,
        "site": site,
        "scheduling": scheduling,
        "hooks": (),
        "notifications": notifications,
    }
    shown = configuration.model_copy(update={"catalog": Configuration().catalog, **examples})
    defaults = Configuration(credentials={"file": configuration.credentials.file})  # type: ignore[arg-type]
    assert shown == defaults
    assert {instance.type for instance in configuration.instances} == {"mysql", "postgresql", "mariadb", "sqlite"}


def test_the_example_of_the_plain_credentials_is_well_formed() -> None:
    """It names instances of the example configuration, one of them twice for the two purposes."""
    path = resource("config/credentials.example.json")
    document = parse(path, path.read_bytes())
    known = {instance.id for instance in load(EXAMPLE, {}).configuration.instances}
    assert {entry.id for entry in document.entries} <= known
    assert [entry.purpose for entry in document.entries].count("restore") == 1
    assert "gAAAA" not in json.dumps(Path(path).read_text())
