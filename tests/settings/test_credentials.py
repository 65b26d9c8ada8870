"""Accounts come out of the encrypted store as they went in, to nobody but the account that owns it."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.settings.conftest import POSTGRESQL, Project
from vya_backup.errors import ConfigurationError, CredentialsError
from vya_backup.redaction import scrub
from vya_backup.settings.model import Instance

PG = Instance(id="pg", type="postgresql", host="localhost")
ACCOUNT = {"id": "pg", "username": "backup", "password": "hunter2hunter2"}


def refused(project: Project, instance: Instance = PG) -> CredentialsError:
    """Ask for an account that cannot be had."""
    with pytest.raises(CredentialsError) as caught:
        project.credentials().access(instance)
    return caught.value


def hostname_store(project: Project, hostname: str) -> None:
    """Write a store as the specification describes it, without this program."""
    cipher = Fernet(base64.urlsafe_b64encode(hashlib.sha256(hostname.encode()).digest()))
    entry = {**ACCOUNT, **{key: cipher.encrypt(ACCOUNT[key].encode()).decode() for key in ("username", "password")}}
    encryption = {"method": "fernet", "key_derivation": "hostname-based"}
    project.write_store({"version": "1.0", "encryption": encryption, "databases": [entry]})


def test_an_account_comes_out_as_it_went_in(project: Project) -> None:
    """The password as a secret that no representation shows and every log scrubs."""
    project.encrypt(ACCOUNT)
    login = project.credentials().access(PG)
    assert (login.username, login.password.reveal()) == ("backup", "hunter2hunter2")
    assert "hunter2" not in repr(login)
    assert scrub("password=hunter2hunter2") == "password=******"


def test_a_store_made_by_the_specification_opens_on_its_host(project: Project) -> None:
    """The Fernet key is base64url(sha256(host name)); `application.hostname` stands in for the host's own."""
    hostname_store(project, "wfdb02")
    project.write(f"{POSTGRESQL}application: {{hostname: wfdb02}}\n")
    assert project.credentials().access(PG).password.reveal() == "hunter2hunter2"


def test_the_hosts_own_name_opens_a_store_when_none_is_configured(project: Project) -> None:
    """As a newcomer has it."""
    hostname_store(project, os.uname().nodename)
    assert project.credentials().access(PG).username == "backup"


def test_a_wrong_host_name_says_so(project: Project) -> None:
    """Not "InvalidToken"."""
    hostname_store(project, "wfdb02")
    project.write(f"{POSTGRESQL}application: {{hostname: other}}\n")
    assert str(refused(project)) == (
        f"{project.store} was encrypted under another host name than 'other'. Set application.hostname to the name it "
        "was encrypted under, or run `doit credentials encrypt` again."
    )


def test_a_wrong_key_file_says_so(project: Project) -> None:
    """With the setting that names the right one."""
    project.encrypt(ACCOUNT)
    project.key.write_bytes(Fernet.generate_key())
    assert str(refused(project)).startswith(
        f"the key file {project.key} does not open {project.store}. Set credentials.k"
    )


def test_a_damaged_token_is_no_traceback(project: Project) -> None:
    """One flipped character in the store."""
    project.encrypt(ACCOUNT)
    text = project.store.read_text()
    place = text.index("gAAAA") + 40
    project.store.write_text(text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :])
    assert "does not open" in refused(project).message


def test_a_missing_key_file_is_named(project: Project) -> None:
    """A store without its key never opens."""
    project.encrypt(ACCOUNT)
    project.key.unlink()
    assert refused(project).message == f"{project.key} does not exist"


def test_a_key_file_that_holds_no_key_says_what_it_must_hold(project: Project) -> None:
    """An editor may have touched it."""
    project.encrypt(ACCOUNT)
    project.key.write_bytes(b"not a key\n")
    assert str(refused(project)).startswith(f"the key file {project.key} holds no key. It must hold 32 bytes, or their")


def test_a_key_of_32_bare_bytes_opens_too(project: Project) -> None:
    """Made with `head -c32 /dev/urandom`, or given by systemd."""
    project.store.parent.mkdir(mode=0o700)
    project.key.write_bytes(os.urandom(32))
    project.key.chmod(0o600)
    project.encrypt(ACCOUNT)
    assert project.credentials().access(PG).username == "backup"


def test_a_password_in_the_clear_is_refused_without_being_shown(project: Project) -> None:
    """Somebody edited the store by hand."""
    project.encrypt(ACCOUNT)
    project.write_store({"databases": [ACCOUNT]})
    error = refused(project)
    assert error.message == f"{project.store}:1: databases[0].username is not encrypted"
    assert "hunter2" not in str(error)


def test_a_restore_takes_its_own_account_where_there_is_one(project: Project) -> None:
    """So that the nightly timer's account need not be able to write."""
    project.encrypt(ACCOUNT, {**ACCOUNT, "username": "restorer", "purpose": "restore"})
    store = project.credentials()
    assert store.access(PG).username == "backup"
    assert store.access(PG, "restore").username == "restorer"


def test_a_restore_takes_the_only_account_there_is(project: Project) -> None:
    """Two accounts are an offer, not a duty."""
    project.encrypt({**ACCOUNT, "purpose": "backup"})
    assert project.credentials().access(PG, "restore").username == "backup"


def test_an_account_for_restores_never_backs_up(project: Project) -> None:
    """The message says what there is."""
    project.encrypt({**ACCOUNT, "purpose": "restore"})
    expected = f"{project.store} has no account for pg to back up with, only one whose purpose is restore"
    assert refused(project).message == expected


def test_sqlite_needs_no_store(project: Project) -> None:
    """A file is opened by whoever may read it."""
    assert project.credentials().access(Instance(id="s", type="sqlite", path="x")).username == ""


def test_a_missing_store_names_the_command(project: Project) -> None:
    """The first error of every newcomer."""
    error = refused(project)
    assert error.message == f"{project.store}, with the account for pg, is missing"
    assert error.hint.endswith(f"doit credentials encrypt --input FILE --output {project.store}.")


@pytest.mark.parametrize(
    ("which", "mode", "remedy"),
    [("store", 0o640, "0600"), ("store", 0o604, "0600"), ("key", 0o644, "0600"), ("folder", 0o750, "0700")],
)
def test_what_others_may_read_is_refused(project: Project, which: str, mode: int, remedy: str) -> None:
    """Store, key and folder; the message is the chmod that mends it."""
    project.encrypt(ACCOUNT)
    path = {"store": project.store, "key": project.key, "folder": project.store.parent}[which]
    path.chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        project.credentials().access(PG)
    assert str(caught.value) == f"{path} has mode {mode:04o}, so others may read it. Run: chmod {remedy} {path}"


def test_the_configuration_does_not_take_instances_from_a_store_that_others_may_read(project: Project) -> None:
    """It says so along with its other errors."""
    project.encrypt({**ACCOUNT, "id": "m", "type": "mysql", "host": "h"})
    project.store.chmod(0o644)
    assert project.errors("backup: {retries: -1}") == [
        f"{project.store} has mode 0644, so others may read it. Run: chmod 0600 {project.store}",
        "line 1: backup.retries is '-1', but must be at least 0",
    ]


def test_a_systemd_credential_may_have_group_bits(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd opens it to the unit's account by an ACL, which shows as 0440."""
    project.encrypt(ACCOUNT)
    given = tmp_path / "given"
    given.mkdir()
    project.key.rename(given / "credentials.key").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    loaded = project.load(POSTGRESQL, {"CREDENTIALS_DIRECTORY": str(given)}).configuration
    assert type(project.credentials()).load(loaded).access(PG).username == "backup"


def test_ids_are_compared_with_the_configuration_both_ways(project: Project) -> None:
    """An instance without account fails; an account without instance is only worth a look."""
    project.encrypt({**ACCOUNT, "id": "old"})
    lacking, foreign = project.credentials().findings(project.configuration())
    assert lacking.fails
    assert lacking.message == f"{project.store} has no account for pg"
    assert not foreign.fails
    assert foreign.message == f"{project.store}:9: old is no instance of the configuration"


def test_a_hostname_based_store_is_a_finding(project: Project) -> None:
    """Health warns; nothing fails."""
    project.encrypt(ACCOUNT, kind="hostname-based")
    (finding,) = project.credentials().findings(project.configuration())
    assert not finding.fails
    assert "opens for whoever knows the host name" in finding.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", ":1: is no valid JSON: expecting property name"),
        ("[]", ':1: must be {"databases": [ … ]}'),
        ('{"databases": [],\n "encryption": {"method": "rot13"}}', ":1: encryption.method must be fernet"),
        (
            '{"databases": [], "encryption": {"key_derivation": "x"}}',
            ":1: encryption.key_derivation must be key-file or",
        ),
        ('{"databases": [], "version": "2.0"}', ":1: version is newer than this program knows (1.0); update the pro"),
        ('{"databases": [], "instances": []}', ":1: instances is an unknown key; "),
        ('{"databases": [\n{"id": "a"}]}', ":2: databases[0].username is missing; add it"),
        (
            '{"databases": [{"id": "a", "usrname": "x"}]}',
            ":1: databases[0].usrname is an unknown key; did you mean `use",
        ),
        ('{"databases": [{"id": "a", "username": 5}]}', ":1: databases[0].username must be text; put it in quotes"),
        (
            '{"databases": [{"id": "a", "username": "x", "purpose": "y"}]}',
            ":1: databases[0].purpose must be backup or res",
        ),
        ('{"databases": ["a"]}', ": databases[0] must be {"),
        (
            '{"databases": [{"id": "a", "username": "x"},\n{"id": "a", "username": "y"}]}',
            ":2: databases[1] is a again, as databases[0]; remove one, or give them different purposes",
        ),
    ],
)
def test_a_malformed_store_is_refused_with_line_and_remedy(project: Project, text: str, message: str) -> None:
    """Whatever an editor can do to it."""
    project.write_store(text)
    with pytest.raises(CredentialsError) as caught:
        project.credentials()
    assert f"{project.store}{message}" in caught.value.message
