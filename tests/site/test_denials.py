"""Nothing of the site writes, runs free SQL or hands out the file: every route that could is asked, and refuses."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing

import pytest

from tests.site.conftest import CLIENT, RunningSite
from vya_backup.outlook.site import guard
from vya_backup.outlook.site.shelf import VIEWABLE

DENIED = [
    "/catalog?sql=select+1",
    "/catalog.json?sql=select+*+from+events",
    "/catalog.csv?sql=select+1",
    "/catalog/coverage?sql=select+1",
    "/catalog/events?_where=1",
    "/catalog/events.json?_where=id+%3E+1",
    "/catalog/events?_wher%65=1",
    "/catalog.db",
    "/catalog%2Edb",
    "/-/metadata",
    "/-/metadata.json",
    "/-/versions.json",
    "/-/plugins.json",
    "/-/settings.json",
    "/-/config.json",
    "/-/threads.json",
    "/-/databases.json",
    "/-/actor.json",
    "/-/auth-token?token=x",
    "/-/messages",
    "/-/allow-debug",
    "/-/permissions",
    "/-/patterns",
    "/-/logout",
    "/-/login",
    "/-/password-tool",
    "/-/static/app.css",
    "/-/no-such-page",
    "/%2D/metadata.json",
    "/_internal",
    "/_internal/databases",
    "/_memory",
    "/:memory:",
    "/catalog/catalog_facts",
    "/catalog/_sqlite_migrations",
    "/catalog/projected_backups",
    "/catalog/projected_backups.json",
    "/catalog/projected_backups.csv?_stream=on",
    "/catalog/projected_tasks",
    "/catalog/retained",
    "/catalog/sqlite_master",
]


@pytest.mark.parametrize("path", DENIED)
def test_what_an_auditor_does_not_need_is_refused(site: RunningSite, path: str) -> None:
    """With 403; or 404 where there is no such table at all."""
    answer = site.get(path)
    assert answer.status_code == 403 or (answer.status_code == 404 and "sqlite_master" in path), answer.text[:200]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    "path", ["/", "/catalog", "/catalog/events", "/catalog/events/1", "/catalog/coverage", "/-/login", "/metrics"]
)
def test_no_method_but_reading_is_answered(site: RunningSite, method: str, path: str) -> None:
    """Whatever the path."""
    assert CLIENT.request(method, site.address + path, data={"sql": "delete from events"}).status_code == 403


@pytest.mark.parametrize("name", VIEWABLE)
@pytest.mark.parametrize("form", ["", ".json", ".csv", ".csv?_stream=on"])
def test_what_an_auditor_needs_is_answered(site: RunningSite, name: str, form: str) -> None:
    """Each table and view, as a page, as JSON and as CSV."""
    assert site.get(f"/catalog/{name}{form}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/catalog", "/catalog/events", "/nothing", "/-/metadata.json", "/metrics"])
def test_every_answer_carries_the_headers(site: RunningSite, path: str) -> None:
    """Refusals and errors too."""
    answer = site.get(path)
    assert {name: answer.headers.get(name) for name in guard.HEADERS} == dict(guard.HEADERS)
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_the_site_writes_nothing(site: RunningSite) -> None:
    """Not a byte of the file, and no file beside it, after pages, streams and refusals."""
    before = _state(site)
    for path in ("/", "/catalog/backups", "/catalog/events.csv?_stream=on", "/catalog/coverage", "/metrics", *DENIED):
        site.get(path)
    assert _state(site) == before


def test_the_site_runs_as_another_account_that_may_not_write(site: RunningSite) -> None:
    """So that not even a hole in it changes history."""
    if os.geteuid() == 0:
        assert site.user == "nobody"
    with closing(sqlite3.connect(f"file:{site.copy}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def _state(site: RunningSite) -> tuple[str, list[str], float]:
    digest = hashlib.sha256(site.copy.read_bytes()).hexdigest()
    return digest, sorted(file.name for file in site.copy.parent.iterdir()), site.copy.stat().st_mtime
