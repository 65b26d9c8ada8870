"""What is configured for and not built yet is named by `config validate`, so that nobody relies on it."""

from __future__ import annotations

import pytest

from tests.settings.conftest import Project


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("monitoring: {prometheus: {textfile: /srv/v.prom}}", "monitoring.prometheus.textfile"),
        ("monitoring: {prometheus: {pushgateway_url: 'http://x'}}", "monitoring.prometheus.pushgateway_url"),
        ("monitoring: {health_check: {enabled: true}}", "monitoring.health_check.enabled"),
        ("notifications: {email: {enabled: true}}", "notifications.email.enabled"),
    ],
)
def test_a_setting_without_effect_is_named_once_with_its_line(project: Project, text: str, key: str) -> None:
    """The operator learns it before the night that needs it."""
    (note,) = project.load(text).notes
    assert note.startswith(f"{project.config}:1: {key} has no effect yet: ")


def test_a_setting_that_says_the_default_is_not_named(project: Project) -> None:
    """Nobody changed anything."""
    assert project.load("storage: {retention: {daily_keep: 7}}\nnotifications: {email: {enabled: false}}").notes == ()


def test_what_is_heeded_is_not_called_without_effect(project: Project) -> None:
    """Retention is carried out by `doit prune`."""
    assert project.load("storage: {retention: {daily_keep: 3, shrink_alarm_percent: 30}}").notes == ()


def test_backing_up_accounts_is_heeded(project: Project) -> None:
    """`users: true` is the default, and there is nothing to be warned of."""
    assert project.load("instances: [{id: s, type: mysql, host: localhost}]").notes == ()
