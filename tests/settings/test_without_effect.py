"""What nothing acts on is named by `config validate`, so that nobody relies on it."""

from __future__ import annotations

import pytest

from tests.settings.conftest import Project
from vya_backup.errors import ConfigurationError


def test_a_setting_without_effect_is_named_once_with_its_line(project: Project) -> None:
    """The operator learns it before the night that needs it."""
    (note,) = project.load("monitoring: {health_check: {enabled: true}}").notes
    assert note.startswith(f"{project.config}:1: monitoring.health_check.enabled is only noted: `doit catalog serve`")


def test_a_setting_that_says_the_default_is_not_named(project: Project) -> None:
    """Nobody changed anything."""
    assert project.load("storage: {retention: {daily_keep: 7}}\nnotifications: {email: {enabled: false}}").notes == ()


@pytest.mark.parametrize(
    "text",
    [
        "storage: {retention: {daily_keep: 3, shrink_alarm_percent: 30}}",
        "monitoring: {prometheus: {textfile: /srv/v.prom, pushgateway_url: 'http://x'}}",
        "drill: {max_age_days: 30}",
        "notifications: {email: {enabled: true, smtp_host: mail.example.org}}",
    ],
)
def test_what_is_heeded_is_not_called_without_effect(project: Project, text: str) -> None:
    """Pruned, written, pushed, asked for."""
    assert project.load(text).notes == ()


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("textfile: /srv/metrics.txt", "must end in .prom"),
        ("pushgateway_url: 'gateway:9091'", "must be an address such as https://"),
        ("pushgateway_url: 'http://'", "must be an address such as https://"),
        ("pushgateway_url: 'http://x:port'", "must be an address such as https://"),
    ],
)
def test_where_metrics_cannot_go_is_refused(project: Project, setting: str, complaint: str) -> None:
    """Before the night in which nobody would have seen them."""
    with pytest.raises(ConfigurationError, match=complaint):
        project.load(f"monitoring: {{prometheus: {{{setting}}}}}")


def test_backing_up_accounts_is_heeded(project: Project) -> None:
    """`users: true` is the default, and there is nothing to be warned of."""
    assert project.load("instances: [{id: s, type: mysql, host: localhost}]").notes == ()
