"""Places that cannot be looked at are no bug: the account is another one, or the name is impossible."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.settings.conftest import Project
from vya_backup.errors import ConfigurationError
from vya_backup.settings.loading import load
from vya_backup.settings.places import of_user

UNLOOKABLE = "x" * 300  # no file system takes such a name, so that even root gets an error instead of "not there"


def test_a_key_that_cannot_be_looked_at_does_not_end_in_a_traceback(project: Project) -> None:
    """The store says so where it is opened."""
    text = f"credentials: {{file: {UNLOOKABLE}.json}}"

    (error,) = project.errors(text)
    assert "File name too long" in error


def test_a_temp_path_that_cannot_be_looked_at_is_judged_by_the_folder_above_it(project: Project) -> None:
    """Which is where it would be made."""
    assert project.load(f"storage: {{base_path: b, temp_path: {UNLOOKABLE}}}").configuration.storage.temp_path


def test_a_configuration_in_a_folder_that_cannot_be_looked_into_is_one_line(tmp_path: Path) -> None:
    """That of root, named by somebody else: neither it nor the `.env` beside it is theirs to read."""
    with pytest.raises(ConfigurationError, match="File name too long"):
        load(tmp_path / UNLOOKABLE / "config.yaml", {})


def test_an_account_that_is_a_number_alone_has_places_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run as such, and nobody says where its home is."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert of_user({}).configuration == Path("/.config/vya_backupdb/config.yaml")
