"""Places that cannot be looked at are no bug: the account is another one, or the name is impossible."""

from __future__ import annotations

from tests.settings.conftest import Project

UNLOOKABLE = "x" * 300  # no file system takes such a name, so that even root gets an error instead of "not there"


def test_a_key_that_cannot_be_looked_at_does_not_end_in_a_traceback(project: Project) -> None:
    """The store says so where it is opened."""
    text = f"credentials: {{file: {UNLOOKABLE}.json}}"

    (error,) = project.errors(text)
    assert "File name too long" in error


def test_a_temp_path_that_cannot_be_looked_at_is_judged_by_the_folder_above_it(project: Project) -> None:
    """Which is where it would be made."""
    assert project.load(f"storage: {{base_path: b, temp_path: {UNLOOKABLE}}}").configuration.storage.temp_path
