"""Making a store and renewing its key."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.settings.conftest import POSTGRESQL, Project
from vya_backup.errors import CredentialsError
from vya_backup.settings.encryption import encrypt, rotate
from vya_backup.settings.model import Instance
from vya_backup.settings.private_files import write_private

PG = Instance(id="pg", type="postgresql", host="localhost")
ACCOUNT = {"id": "pg", "username": "backup", "password": "hunter2hunter2"}
USABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), max_size=60)
MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


@MANY
@given(username=USABLE.filter(bool), password=USABLE)
def test_any_text_comes_out_as_it_went_in(project: Project, username: str, password: str) -> None:
    """Any unicode, quotes, backslashes, percent signs, blanks at either end."""
    project.encrypt({"id": "pg", "username": username, "password": password}, force=True)
    login = project.credentials().access(PG)
    assert (login.username, login.password.reveal()) == (username, password)


@MANY
@given(text=USABLE.filter(bool))
def test_any_text_of_the_configuration_comes_out_as_it_went_in(project: Project, text: str) -> None:
    """Quoted by YAML, names of databases above all."""
    data = {"instances": [{"id": "pg", "type": "postgresql", "host": "h", "databases": ["a", text]}]}
    loaded = project.load(yaml.safe_dump(data)).configuration
    assert loaded.instances[0].databases == ("a", text)


def test_the_store_and_its_key_are_private_from_the_first_moment(project: Project) -> None:
    """Files 0600, folder 0700, whatever the umask; nothing else is left in the folder."""
    before = os.umask(0)
    try:
        made = project.encrypt(ACCOUNT)
    finally:
        os.umask(before)
    assert (mode(project.store), mode(project.key), mode(project.store.parent)) == (0o600, 0o600, 0o700)
    assert sorted(path.name for path in project.store.parent.iterdir()) == ["credentials.json", "credentials.key"]
    assert (made.path, made.entries, made.kind, made.key_file) == (project.store, 1, "key-file", project.key)


def test_a_hidden_folder_that_others_may_enter_is_narrowed(project: Project) -> None:
    """`.secrets` made by hand with the usual umask."""
    project.store.parent.mkdir(mode=0o755)
    project.encrypt(ACCOUNT)
    assert mode(project.store.parent) == 0o700


def test_any_other_wide_folder_is_refused(project: Project) -> None:
    """It could hold more than secrets, so nobody's modes are changed behind his back."""
    project.folder.chmod(0o755)
    with pytest.raises(CredentialsError, match="has mode 0755") as caught:
        encrypt(project.plain(ACCOUNT), project.folder / "store.json", project.configuration())
    assert caught.value.hint == f"Run: chmod 0700 {project.folder}"


def test_no_secret_is_in_the_store_in_the_clear(project: Project) -> None:
    """Everything else is, so that the file can be read."""
    project.encrypt({**ACCOUNT, "type": "postgresql", "host": "db.example", "purpose": "backup"})
    text = project.store.read_text()
    entry = json.loads(text)["databases"][0]
    assert "hunter2" not in text
    assert {key: entry[key] for key in ("id", "type", "host", "purpose")} == {
        "id": "pg",
        "type": "postgresql",
        "host": "db.example",
        "purpose": "backup",
    }


def test_the_plain_file_stays_and_the_advice_says_to_delete_it(project: Project) -> None:
    """Deleting is the operator's; so is the copy of the key."""
    made = project.encrypt(ACCOUNT)
    assert (project.folder / "plain.json").exists()
    assert made.advice == (
        f"Delete the plain file now: shred -u {project.folder}/plain.json",
        f"Keep a copy of {project.key} elsewhere, away from the backups: without it the store never opens again.",
    )


def test_an_existing_store_is_replaced_only_by_force(project: Project) -> None:
    """And then with the key it has, so that no moment is without a store that opens."""
    project.encrypt(ACCOUNT)
    store, key = project.store.read_bytes(), project.key.read_bytes()
    with pytest.raises(CredentialsError) as caught:
        project.encrypt({**ACCOUNT, "username": "other"})
    assert str(caught.value) == f"{project.store} exists already. Add --force to replace it."
    assert project.store.read_bytes() == store
    project.encrypt({**ACCOUNT, "username": "other"}, force=True)
    assert project.key.read_bytes() == key
    assert project.credentials().access(PG).username == "other"


def test_a_store_that_appears_meanwhile_is_not_replaced_either(project: Project) -> None:
    """Two operators at once: the second write finds the first one's file under the final name."""
    project.encrypt(ACCOUNT)
    store = project.store.read_bytes()
    with pytest.raises(CredentialsError, match="exists already"):
        write_private(project.store, b"another", replace=False)
    assert project.store.read_bytes() == store
    assert not list(project.store.parent.glob(".*.partial"))


@pytest.mark.parametrize("key", ["username", "password"])
def test_a_line_break_is_refused_with_the_reason(project: Project, key: str) -> None:
    """All of them at once; no value is shown, and nothing is written."""
    with pytest.raises(CredentialsError) as caught:
        project.encrypt({**ACCOUNT, key: "first\nsecond"}, {"id": "b", "username": "x\0", "password": "y\r"})
    lines = caught.value.message.replace(str(project.folder), "").splitlines()
    assert lines == [
        f"/plain.json:1: databases[0].{key} holds a line break, which cannot reach PostgreSQL through any file: its "
        "password file goes by line; choose another one on the server",
        "/plain.json:1: databases[1].password holds a line break, which cannot reach PostgreSQL through any file: its "
        "password file goes by line; choose another one on the server",
        "/plain.json:1: databases[1].username holds a zero byte, which ends the text for every database client; choose "
        "another one on the server",
    ]
    assert not project.store.exists()
    assert not project.key.exists()


def test_a_store_is_not_encrypted_twice(project: Project) -> None:
    """The tokens themselves would become the passwords."""
    project.encrypt(ACCOUNT)
    with pytest.raises(CredentialsError, match="is encrypted already; give the plain file"):
        encrypt(project.store, project.store.with_name("other.json"), project.configuration())


def test_the_plain_file_is_never_overwritten(project: Project) -> None:
    """Not even by force."""
    plain = project.plain(ACCOUNT)
    with pytest.raises(CredentialsError, match="is the plain file itself"):
        encrypt(plain, plain, project.configuration(), force=True)


def test_the_plain_file_may_say_which_key(project: Project) -> None:
    """As the specification's does; an explicit word outranks it."""
    plain = project.plain(ACCOUNT, encryption={"method": "fernet", "key_derivation": "hostname-based"})
    assert encrypt(plain, project.store, project.configuration()).kind == "hostname-based"
    made = encrypt(plain, project.store, project.configuration(), kind="key-file", force=True)
    assert made.kind == json.loads(project.store.read_text())["encryption"]["key_derivation"] == "key-file"


def test_no_key_is_written_below_base_path(project: Project) -> None:
    """The backups would carry the key to what they hold."""
    project.write(f"{POSTGRESQL}storage: {{base_path: .secrets}}\n")
    with pytest.raises(CredentialsError, match="lies below storage"):
        project.encrypt(ACCOUNT)
    assert not project.store.exists()


def test_rotation_gives_a_new_key_and_keeps_every_account(project: Project) -> None:
    """The old key opens nothing any more."""
    project.encrypt(ACCOUNT, {**ACCOUNT, "username": "restorer", "purpose": "restore"})
    old_key, old_store = project.key.read_bytes(), project.store.read_text()
    rotated = rotate(project.configuration())
    store = project.credentials()
    assert (rotated.entries, rotated.key_file) == (2, project.key)
    assert (store.access(PG).username, store.access(PG, "restore").username) == ("backup", "restorer")
    assert not set(old_store.split()) & {word for word in project.store.read_text().split() if "gAAAA" in word}
    assert project.key.read_bytes() != old_key
    project.key.write_bytes(old_key)
    with pytest.raises(CredentialsError, match="does not open"):
        project.credentials().access(PG)


def test_rotation_gives_a_hostname_based_store_a_key_file(project: Project) -> None:
    """The way out of the weaker kind."""
    project.encrypt(ACCOUNT, kind="hostname-based")
    assert not project.key.exists()
    assert rotate(project.configuration()).kind == "key-file"
    assert project.credentials().access(PG).password.reveal() == "hunter2hunter2"
    assert project.credentials().findings(project.configuration()) == ()


def test_a_rotation_cut_off_at_any_write_leaves_a_store_that_opens(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its three writes fails in turn, as on a full disk; the next rotation goes through."""
    project.encrypt(ACCOUNT)
    real_replace = Path.replace
    for allowed in range(3):
        done = 0

        def replace(path: Path, target: Path, limit: int = allowed) -> Path:
            nonlocal done
            if done == limit:
                raise OSError(28, "No space left on device")
            done += 1
            return real_replace(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            with pytest.raises(CredentialsError, match="cannot be written: No space left on device"):
                rotate(project.configuration())
        assert project.credentials().access(PG).password.reveal() == "hunter2hunter2"
        assert not list(project.store.parent.glob("*.partial"))
        assert not list(project.store.parent.glob(".*.partial"))
    rotate(project.configuration())
    assert len(project.key.read_bytes().split()) == 1
    assert project.credentials().access(PG).password.reveal() == "hunter2hunter2"


def test_a_rotation_of_a_store_that_does_not_open_changes_nothing(project: Project) -> None:
    """The wrong key is found before the first write."""
    project.encrypt(ACCOUNT)
    store = project.store.read_bytes()
    project.key.write_bytes(os.urandom(32))
    key = project.key.read_bytes()
    with pytest.raises(CredentialsError, match="does not open"):
        rotate(project.configuration())
    assert (project.store.read_bytes(), project.key.read_bytes()) == (store, key)


def test_rotation_of_a_missing_store_names_the_command(project: Project) -> None:
    """There is nothing to renew."""
    with pytest.raises(CredentialsError, match=r"does not exist\. Run `doit credentials encrypt` first"):
        rotate(project.configuration())
