"""Times that cannot work together are refused with their place and the remedy; the spellings of people load."""

from __future__ import annotations

import pytest

from tests.settings.conftest import Project

OFFICE = 'blackout: [{from: "08:00", to: "18:00"}]'
NIGHT = 'blackout: [{from: "22:00", to: "01:00"}]'
ALWAYS = 'blackout: [{from: "00:00", to: "24:00"}], verify: {enabled: false}, drill: {enabled: false}'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            f'calendar: ["09:00", "12:30"], {OFFICE}',
            "calendar is '09:00, 12:30', but lies wholly in scheduling.blackout",
        ),
        (f'verify: {{calendar: "23:00"}}, {NIGHT}', "verify.calendar is '23:00', but lies wholly in"),
        (f"{ALWAYS}", "lies wholly in scheduling.blackout (00:00 to 24:00)"),
        (f"method: interval, {ALWAYS}", "covers the whole week"),
        ('blackout: [{from: "08:00", to: "08:00"}]', "begins when it ends"),
        ("randomized_delay_minutes: 30", "is no less than scheduling.tolerance_minutes (30)"),
        ("interval_minutes: 10", "interval_minutes expects every 10 minutes: one counts as missed 5 minutes after"),
        ("method: interval, interval_minutes: 12", "expects every 12 minutes: one counts as missed 6 minutes after"),
        ('verify: {calendar: ["04:00", "04:08"]}', "scheduling.verify.calendar expects every 8 minutes"),
        ('interval_minutes: 60, calendar: ["01:30"]', "starts 1 backups a day, where"),
        ('method: interval, calendar: ["01:30"]', "has no effect with scheduling.method interval"),
        ("method: interval, weekdays: [mon]", "has no effect with scheduling.method interval"),
        ('calendar: ["25:00"]', 'must be a time of day such as "01:30"'),
        ('calendar: ["24:00"]', 'from "00:00" to "23:59"'),
        ("digest: {calendar: 24:00}", 'from "00:00" to "23:59"'),  # YAML reads 1440
        ('blackout: [{from: "24:00", to: "06:00"}]', 'from "00:00" to "23:59"'),
        ("calendar: [14]", 'must be a time of day such as "01:30"'),  # the hour, not 00:14
        ("weekdays: [someday]", "must be a weekday: mon, tue, wed, thu, fri, sat, sun"),
    ],
)
def test_a_clash_is_refused_with_place_and_remedy(project: Project, text: str, complaint: str) -> None:
    """No run could ever keep such times."""
    (error,) = project.errors(f"scheduling: {{{text}}}")
    assert error.startswith("line 1: scheduling")
    assert complaint in error


@pytest.mark.parametrize(
    "text",
    [
        "weekdays: Monday, calendar: 18:00, method: cron",
        "enabled: true, method: systemd, interval_minutes: 1440, timezone: America/Sao_Paulo",
        'calendar: ["01:30", "09:00"], blackout: [{from: "08:00", to: "18:00", weekdays: [mon]}]',
        "calendar: [1:00, 0:45, 23:59], blackout: [{from: 20:00, to: 24:00}]",
        "interval_minutes: 15",
        "interval_minutes: 10, method: cron",  # which delays nothing
        "interval_minutes: 10, randomized_delay_minutes: 3",
        'digest: {calendar: "09:00"}, blackout: [{from: "08:00", to: "18:00"}]',
    ],
)
def test_what_can_be_kept_loads_without_a_note(project: Project, text: str) -> None:
    """In part in a blackout is meant so, and a message burdens nobody."""
    assert project.load(f"scheduling: {{{text}}}").notes == ()
