"""`VYA_…` variables and `.env` override the file; what is misspelled is refused."""

from __future__ import annotations

from pathlib import Path

from tests.settings.conftest import Project


def test_the_environment_wins_over_dotenv_and_dotenv_over_the_file(project: Project) -> None:
    """Three places, one value."""
    (project.folder / ".env").write_text("VYA_BACKUP__RETRIES=5\nVYA_BACKUP__PARALLEL=6\nOTHER=1\n")
    environ = {"VYA_BACKUP__RETRIES": "7", "PATH": "/bin"}
    backup = project.load("backup: {retries: 1, parallel: 1, timeout_minutes: 9}", environ).configuration.backup
    assert (backup.retries, backup.parallel, backup.timeout_minutes) == (7, 6, 9)


def test_the_spelling_of_the_specification_can_be_overridden(project: Project) -> None:
    """`storage.local.base_path` in the file is the same key."""
    text = "storage: {local: {base_path: /a}}"
    for name in ("VYA_STORAGE__BASE_PATH", "VYA_STORAGE__LOCAL__BASE_PATH"):
        assert project.load(text, {name: "/b"}).configuration.storage.base_path == Path("/b")


def test_lists_and_whole_sections_are_written_as_json(project: Project) -> None:
    """A list is replaced as a whole, a section key by key."""
    environ = {
        "VYA_INSTANCES": '[{"id": "m", "type": "mysql", "host": "h", "databases": ["a", "b"]}]',
        "VYA_BACKUP": '{"retries": 4}',
        "VYA_NOTIFICATIONS__EMAIL__ERROR_RECIPIENTS": '["a@example.org"]',
    }
    configuration = project.load("backup: {parallel: 3}", environ).configuration
    assert configuration.instances[0].databases == ("a", "b")
    assert (configuration.backup.retries, configuration.backup.parallel) == (4, 3)
    assert configuration.notifications.email.error_recipients == ("a@example.org",)


def test_an_empty_variable_overrides_nothing(project: Project) -> None:
    """Unset and empty are the same to most shells' users."""
    assert project.load("backup: {retries: 1}", {"VYA_BACKUP__RETRIES": ""}).configuration.backup.retries == 1


def test_wrong_variables_are_refused_by_name_together_with_the_errors_of_the_file(project: Project) -> None:
    """Unknown section, unknown key, wrong value, no JSON: each says which variable."""
    environ = {
        "VYA_BACKUP__RETRIES": "many",
        "VYA_BACKUP__RETRYS": "1",
        "VYA_STORAG__BASE_PATH": "/x",
        "VYA_INSTANCES": "pg",
    }
    assert project.errors("backup: {parallel: 0}", environ) == [
        "line 1: backup.parallel is '0', but must be at least 1",
        "environment: VYA_BACKUP__RETRIES is 'many', but must be a whole number",
        "environment: VYA_BACKUP__RETRYS is an unknown key; did you mean `retries`?",
        'environment: VYA_INSTANCES holds a list that is no JSON; write ["a", "b"]',
        "environment: VYA_STORAG__BASE_PATH names no section of the configuration; did you mean VYA_STORAGE?",
    ]


def test_an_error_in_dotenv_says_so(project: Project) -> None:
    """The place is the file, not the environment."""
    (project.folder / ".env").write_text("VYA_BACKUP__RETRIES=-1\n")
    assert project.errors("") == [".env: VYA_BACKUP__RETRIES is '-1', but must be at least 0"]


def test_variables_of_other_meaning_are_left_alone(project: Project) -> None:
    """`VYA_CONFIG` and the suite's own variables are no keys."""
    environ = {"VYA_CONFIG": "/elsewhere", "VYA_TEST_SERVERS": "containers"}
    assert project.load("backup: {retries: 1}", environ).configuration.backup.retries == 1
