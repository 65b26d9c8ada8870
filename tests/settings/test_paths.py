"""Where paths start, where the configuration is looked for, and which paths cannot work together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.settings.conftest import Project
from vya_backup.errors import ConfigurationError
from vya_backup.settings.keys import NO_KEY
from vya_backup.settings.loading import find, load, state_folder
from vya_backup.settings.places import SYSTEM, base_folder, of_file, of_user, to_begin


def test_relative_paths_start_above_a_folder_named_config(project: Project) -> None:
    """So that `config/config.yaml` and the rest of a checkout move together."""
    configuration = project.load(
        "storage: {base_path: backups}\n"
        "backup: {client_folders: [tools, /opt/tools]}\n"
        "instances: [{id: s, type: sqlite, path: data/*.db}]\n"
    ).configuration
    assert configuration.storage.base_path == project.folder / "backups"
    assert configuration.backup.client_folders == (project.folder / "tools", Path("/opt/tools"))
    assert configuration.instances[0].path == str(project.folder / "data/*.db")
    assert configuration.catalog.path == project.folder / "catalog" / "catalog.db"
    assert state_folder(configuration) == project.folder / "catalog" / "state"


def test_relative_paths_start_beside_a_file_in_any_other_folder(project: Project) -> None:
    """Such as a file named by `$VYA_CONFIG`."""
    file = project.folder / "settings.yaml"
    file.write_text("storage: {base_path: backups}")
    assert load(file, {}).configuration.storage.base_path == project.folder / "backups"
    assert load(None, {"VYA_CONFIG": str(file)}).path == file


def test_relative_paths_do_not_depend_on_the_working_folder(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timer and a shell see the same files."""
    project.write("storage: {base_path: backups}")
    monkeypatch.chdir(project.folder)
    here = load(None, {})
    monkeypatch.chdir(tmp_path)
    assert load(project.config, {}).configuration == here.configuration
    assert here.path == project.config


def test_an_installed_configuration_starts_in_etc() -> None:
    """Its own folder is not named `config`."""
    assert base_folder(SYSTEM.configuration) == Path("/etc/vya_backupdb")
    assert of_file(SYSTEM.configuration, {}).catalog == Path("/var/lib/vya_backupdb/catalog.db")


def test_a_users_own_installation_lies_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found from any folder, after the one that is worked in; what is relative there is beside it."""
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": "relative and so invalid"}
    file = tmp_path / ".config/vya_backupdb/config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("verification: {every_days: 7}")
    monkeypatch.chdir(file.parent.parent)

    configuration = load(None, environ).configuration

    assert configuration.verification.every_days == 7
    assert configuration.catalog.path == tmp_path / ".local/state/vya_backupdb/catalog.db"
    assert configuration.storage.base_path == tmp_path / ".local/share/vya_backupdb/backups"
    assert configuration.credentials.file == file.parent / ".secrets/credentials.json"
    file.write_text("storage: {base_path: there}")
    assert load(None, environ).configuration.storage.base_path == file.parent / "there"
    (file.parent.parent / "config").mkdir()
    (file.parent.parent / "config/config.yaml").write_text("verification: {every_days: 9}")
    assert load(None, environ).configuration.verification.every_days == 9


def test_a_first_configuration_goes_where_its_account_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the checkout that is worked in, to /etc for root, else to the user's own folders."""
    monkeypatch.chdir(tmp_path)
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert to_begin(environ, as_root=True) == SYSTEM
    assert of_user(environ).configuration == tmp_path / "xdg/vya_backupdb/config.yaml"
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.example.yaml").touch()
    (tmp_path / "dodo.py").touch()
    assert to_begin(environ, as_root=True).configuration == tmp_path / "config/config.yaml"


def test_without_any_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very first `doit list` works before anything is configured."""
    monkeypatch.chdir(tmp_path)
    found = find({})
    loaded = load(None, {})
    assert loaded.path == found
    assert loaded.configuration.instances == ()


def test_a_temp_path_in_another_file_system_is_refused_with_the_reason(project: Project) -> None:
    """A finished dump could not be published there in one step. /dev/shm is a file system of its own."""
    (line,) = project.errors(f"storage: {{base_path: {project.folder}, temp_path: /dev/shm/vya}}")
    assert line == (
        "line 1: storage.temp_path is '/dev/shm/vya', but lies in another file system than storage.base_path "
        f"({project.folder}), so a finished dump could not be published in one step; remove it, drafts then lie hidden "
        "beside their final place"
    )


def test_a_temp_path_in_the_same_file_system_is_used_even_before_it_exists(project: Project) -> None:
    """The nearest folder that exists decides."""
    configuration = project.load("storage: {local: {base_path: a/b, temp_path: a/b/temp}}").configuration
    assert configuration.storage.temp_path == project.folder / "a/b/temp"


def test_a_key_file_below_base_path_is_refused(project: Project) -> None:
    """Whoever copies the backups away would copy their key too; a link does not hide it."""
    (project.folder / "backups").mkdir()
    (project.folder / "elsewhere").symlink_to(project.folder / "backups")
    (line,) = project.errors("storage: {base_path: backups}\ncredentials: {key_file: elsewhere/store.key}\n")
    assert line.startswith(
        f"line 2: credentials.key_file is '{project.folder}/elsewhere/store.key', but lies below stor"
    )


def test_a_systemd_credential_is_the_key_file(project: Project, tmp_path: Path) -> None:
    """`LoadCredential=credentials.key:…` in the unit, and nothing in the configuration."""
    (tmp_path / "credentials.key").write_bytes(b"0" * 32)
    configuration = project.load("", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).configuration
    assert configuration.credentials.key_path == tmp_path / "credentials.key"


def test_what_stands_for_a_key_that_is_gone_is_none(project: Project, tmp_path: Path) -> None:
    """The failure unit is started without it too; then the key is looked for where it always is."""
    (tmp_path / "credentials.key").write_text(NO_KEY)
    configuration = project.load("", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).configuration
    assert configuration.credentials.key_path == project.folder / ".secrets/credentials.key"


def test_a_folder_in_place_of_the_file_is_one_clear_line(project: Project) -> None:
    """No traceback of the operating system's."""
    project.config.unlink()
    project.config.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(project.config, {})
