"""Who may reach the site: refused without a login where strangers could, and a login that holds."""

from __future__ import annotations

import http.client
import json
import os
import re
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from datasette_auth_passwords.utils import hash_password

from tests.project import Project, new_project
from tests.site.conftest import PATIENCE_SECONDS, WORD, RunningSite, open_folder, serving
from vya_backup.clock import nap
from vya_backup.settings.site_model import is_loopback


@pytest.fixture
def project(tmp_path: Path, copy: Path) -> Project:
    """Give a project whose published copy is the sample."""
    return new_project(tmp_path, f"catalog: {{published_path: {copy}}}\n")


def log_in(site: RunningSite, client: httpx.Client, word: str) -> httpx.Response:
    """Fill in the form."""
    form = client.get(f"{site.address}/-/login").text
    token = re.search(r'name="csrftoken" value="([^"]+)"', form)
    assert token
    return client.post(f"{site.address}/-/login", data={"username": "auditor", "password": word, "csrftoken": token[1]})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "backup.example.org"])
def test_without_a_login_it_listens_on_this_machine_alone(project: Project, host: str) -> None:
    """Anything else is refused, with the setting that is missing."""
    done = project.run("catalog", "serve", "--host", host)
    assert done.status == 3
    assert host in done.err
    assert "site.auditors" in done.err


@pytest.mark.parametrize(
    ("host", "is_local"), [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True)]
)
def test_loopback_is_known(host: str, is_local: bool) -> None:
    """In each of its spellings."""
    assert is_loopback(host) is is_local


def test_a_catalog_that_is_written_to_is_not_served(project: Project) -> None:
    """Whoever reads it could hold up the backups."""
    assert project.run("backup").status in {0, 1, 3}
    live = project.folder / "live.db"
    import sqlite3

    with sqlite3.connect(live) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    done = project.run("catalog", "serve", "--catalog", str(live))
    assert done.status == 1
    assert "doit catalog publish" in done.err


def test_a_missing_copy_is_one_clear_line(project: Project) -> None:
    """With the command that makes it."""
    done = project.run("catalog", "serve", "--catalog", "nowhere.db")
    assert done.status == 1
    assert "doit catalog publish" in done.err


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [("plain word", 0o640, "no password hash"), ("", 0o640, "is empty"), ("pbkdf2_sha256$1$a$b", 0o644, "by anyone")],
)
def test_a_useless_hash_is_refused(project: Project, content: str, mode: int, words: str) -> None:
    """Before anything listens."""
    file = project.folder / "hash"
    file.write_text(content)
    file.chmod(mode)
    project.configure(f"site: {{auditors: [{{name: auditor, password_hash_file: {file}}}]}}\n")
    done = project.run("catalog", "serve", "--host", "0.0.0.0")
    assert done.status == 3
    assert words in done.err


@pytest.mark.parametrize(
    "path",
    ["/", "/catalog", "/catalog/events", "/catalog/events.csv?_stream=on", "/catalog/coverage.json", "/questions"],
)
def test_with_a_login_nothing_is_shown_before_it(guarded: RunningSite, path: str) -> None:
    """A browser is sent to the form, a program is refused."""
    assert guarded.get(path).status_code == 403
    sent = guarded.get(path, headers={"accept": "text/html"})
    assert (sent.status_code, sent.headers["location"]) == (302, "/-/login")


def test_the_right_word_opens_and_the_wrong_one_does_not(guarded: RunningSite) -> None:
    """And what is denied to everyone stays denied."""
    with httpx.Client(timeout=PATIENCE_SECONDS) as client:
        assert "Invalid" in log_in(guarded, client, "wrong").text
        assert client.get(f"{guarded.address}/").status_code == 403
        opened = log_in(guarded, client, WORD)
        assert opened.status_code == 302
        assert "HttpOnly" in opened.headers["set-cookie"]
        assert client.get(f"{guarded.address}/").status_code == 200
        assert client.get(f"{guarded.address}/catalog/events").status_code == 200
        assert client.get(f"{guarded.address}/catalog?sql=select+1").status_code == 403
        assert client.get(f"{guarded.address}/-/metadata.json").status_code == 403
        assert client.post(f"{guarded.address}/catalog/events").status_code == 403


def test_a_form_from_elsewhere_does_not_log_in(guarded: RunningSite) -> None:
    """A browser that has been here sends a cookie along, and the other page cannot know the token."""
    data, cookies = {"username": "auditor", "password": WORD}, {"ds_csrftoken": "known"}
    answer = httpx.post(f"{guarded.address}/-/login", data=data, cookies=cookies)
    assert answer.status_code == 403


def test_monitoring_on_this_machine_needs_no_login(guarded: RunningSite) -> None:
    """Nobody gives a scraper a password."""
    assert guarded.get("/health/live").json() == {"alive": True}
    assert guarded.get("/metrics").status_code == 200
    assert set(guarded.get("/health").json()) == {"status", "timestamp"}


def test_a_connection_that_rested_is_still_served(site: RunningSite) -> None:
    """A proxy that keeps its connections open, as they all do, never asks on one that is being closed."""
    longer_than_by_default_seconds = 5.5
    connection = http.client.HTTPConnection(site.address.removeprefix("http://"), timeout=PATIENCE_SECONDS)
    connection.auto_open = 0
    connection.connect()
    with closing(connection):
        for rest in (longer_than_by_default_seconds, 0):
            connection.request("GET", "/health/live")
            assert json.load(connection.getresponse()) == {"alive": True}
            nap(rest)


def test_the_hash_is_nowhere_in_sight(guarded: RunningSite) -> None:
    """Neither on a page nor in the command line."""
    shown = "".join(guarded.get(path).text for path in ("/-/login", "/-/metadata.json", "/", "/metrics"))
    shown += Path(f"/proc/{guarded.process.pid}/cmdline").read_text()
    assert "pbkdf2" not in shown


def test_a_session_outlives_a_restart_and_not_a_new_password(copy: Path) -> None:
    """Where a secret is kept in a file."""
    first, second = hash_password(WORD, iterations=1000), hash_password("another", iterations=1000)
    with open_folder("vya-site-secret-") as folder:
        secret = folder / "secret"
        secret.write_text("s" * 64)
        if os.geteuid() == 0:
            import shutil

            shutil.chown(secret, "nobody")
        secret.chmod(0o600)
        said = f"site: {{secret_file: {secret}, auditors: [{{name: auditor, password_hash_variable: AUDITOR_HASH}}]}}\n"
        with httpx.Client(timeout=PATIENCE_SECONDS) as client:
            with serving(copy, configuration=said, AUDITOR_HASH=first) as site:
                assert log_in(site, client, WORD).status_code == 302
            with serving(copy, configuration=said, AUDITOR_HASH=first) as site:
                assert client.get(f"{site.address}/").status_code == 200
            with serving(copy, configuration=said, AUDITOR_HASH=second) as site:
                assert client.get(f"{site.address}/").status_code == 403


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("datasette", ""),
        ("datasette_auth_passwords", "site: {auditors: [{name: a, password_hash_variable: AUDITOR_HASH}]}\n"),
    ],
)
def test_a_missing_extra_is_one_clear_line(project: Project, copy: Path, module: str, more: str) -> None:
    """With the command that installs it."""
    (project.folder / "absent").mkdir()
    (project.folder / f"absent/{module}.py").write_text("raise ModuleNotFoundError(__name__)\n")
    project.configure(f"catalog: {{published_path: {copy}}}\n{more}")
    argv = project.command("catalog", "serve")
    environment = {"PYTHONPATH": str(project.folder / "absent"), "AUDITOR_HASH": hash_password(WORD, iterations=1000)}
    done = project.outcome(argv, **environment)
    assert done.status == 3, done.said
    assert "pip install 'vya-backupdb[auditors]'" in done.err
    assert "serving" not in done.err
    assert "Traceback" not in done.err
