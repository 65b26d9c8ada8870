"""`config show` prints what is in force, and nothing secret."""

from __future__ import annotations

import json

import yaml

from tests.settings.conftest import Project
from vya_backup.settings.showing import as_data, as_json, as_yaml


def test_every_section_is_shown_with_its_defaults(project: Project) -> None:
    """YAML and JSON say the same."""
    configuration = project.load("backup: {retries: 7}").configuration
    shown = yaml.safe_load(as_yaml(configuration))
    assert shown == json.loads(as_json(configuration)) == as_data(configuration)
    assert shown["backup"]["retries"] == 7
    assert shown["scheduling"]["interval_minutes"] == 1440


def test_what_is_shown_loads_again(project: Project) -> None:
    """The output is a configuration."""
    configuration = project.load("instances: [{id: s, type: sqlite, path: data/*.db}]").configuration
    assert project.load(as_yaml(configuration)).configuration == configuration


def test_no_account_in_a_url_is_shown(project: Project) -> None:
    """Neither before the host nor as a parameter."""
    configuration = project.load(
        "monitoring: {prometheus: {pushgateway_url: 'https://bob:hunter2@push.example/x?team=a&token=abc123'}}"
    ).configuration
    for text in (as_yaml(configuration), as_json(configuration)):
        assert "hunter2" not in text
        assert "abc123" not in text
        assert "https://******@push.example/x?team=a&token=******" in text


def test_the_credentials_store_is_named_and_never_opened(project: Project) -> None:
    """Neither tokens nor what they hold turn up."""
    project.encrypt({"id": "pg", "username": "backup-account", "password": "hunter2hunter2"})
    text = as_yaml(project.configuration())
    assert str(project.store) in text
    assert not [secret for secret in ("hunter2", "gAAAA", "backup-account") if secret in text]
