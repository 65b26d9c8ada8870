"""The pages in a real browser: no error, no outside request, nothing that sticks out, no serious barrier (axe)."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.site.conftest import WORD, RunningSite, wait_until

SCREENS = [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")]
SHOTS = "VYA_SCREENSHOTS"
"""A folder named by this variable gets a picture of each page."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give the system's chromium."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: apt-get install -y chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(site: RunningSite) -> dict[str, str]:
    """Return every kind of page by name: with failures, without any, of accounts, and one that does not exist."""
    with closing(sqlite3.connect(f"file:{site.copy}?mode=ro", uri=True)) as connection:
        states = dict(connection.execute("SELECT state, max(backup_id) FROM backups GROUP BY state"))
        instance, database = connection.execute(
            "SELECT instance, database FROM failures WHERE database IS NOT NULL LIMIT 1"
        ).fetchone()
    wait_until(lambda: "Whole" in site.get("/").text)
    return {
        "front": "/",
        "database": f"/db/{instance}/{database}",
        "accounts": "/db/prod-pg-01/~40users",
        "instance": f"/instance/{instance}",
        **{f"backup {state}": f"/backup/{backup_id}" for state, backup_id in states.items()},
        "questions": "/questions",
        "answer": "/catalog/coverage?on=2026-01-01",
        "tables": "/catalog",
        "audit log": "/catalog/audit_log",
        "events": "/catalog/events?_size=20",
        "event": "/catalog/events/7",
        "backups": "/catalog/backups?state=good&_size=20",
        "nothing": "/no-such-page",
    }


class Watched:
    """A page of a browser, with everything that went wrong on it."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.troubles: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error {error}"))
        self.page.on("request", lambda request: self._asked(request.url, address))

    def _said(self, message: Any) -> None:
        is_the_404_itself = "404 (Not Found)" in message.text
        if message.type in {"error", "warning"} and not is_the_404_itself:
            self.troubles.append(f"console {message.text}")

    def _asked(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:")):
            self.troubles.append(f"outside request {url}")


@pytest.mark.parametrize(("width", "scheme"), SCREENS, ids=[f"{width} {scheme}" for width, scheme in SCREENS])
@pytest.mark.long_for("1280 dark", "390 light")
def test_every_page_is_sound(
    site: RunningSite, browser: Browser, pages: dict[str, str], width: int, scheme: Any
) -> None:
    """At both widths, in both schemes."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watched = Watched(context, site.address)
    for name, path in pages.items():
        watched.page.goto(site.address + path)
        for details in watched.page.locator("main details").all()[:3]:
            details.evaluate("one => { one.open = true; }")
        watched.troubles += [f"{name}: {trouble}" for trouble in barriers(watched.page)]
        if watched.page.evaluate("document.documentElement.scrollWidth") > width:
            watched.troubles.append(f"{name}: wider than the window")
        if os.environ.get(SHOTS):
            file = Path(os.environ[SHOTS]) / f"{name}-{width}-{scheme}.png"
            watched.page.screenshot(path=file, full_page=True)
    context.close()
    assert watched.troubles == []


def barriers(page: Page) -> list[str]:
    """Return what axe finds that is serious or worse."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_the_front_page_is_read_without_a_script(site: RunningSite, browser: Browser) -> None:
    """Everything is drawn on the server."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address)
    assert "databases" in page.locator("h1").inner_text()
    assert page.locator("svg.strip").count() > 4
    context.close()


def test_the_command_of_a_backup_is_copied_by_keyboard(
    site: RunningSite, browser: Browser, pages: dict[str, str]
) -> None:
    """Focus the button, press Enter."""
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.address)
    page = context.new_page()
    page.goto(site.address + pages["backup good"])
    button = page.get_by_role("button", name="Copy").first
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("doit restore:")
    assert copied.endswith(f"--backup {pages['backup good'].rpartition('/')[2]}")
    context.close()


def test_what_is_hostile_in_a_catalog_stays_text(site: RunningSite, browser: Browser) -> None:
    """Even markup that came in would not run: the policy forbids inline scripts."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.address)
    ran = page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';"
        " document.body.append(s); return window.ran === true; }"
    )
    assert ran is False
    context.close()


def test_the_login_is_sound_and_its_keyboard_path_short(guarded: RunningSite, browser: Browser) -> None:
    """Who comes to any page lands at the form, types, presses Enter, and is in; the way out is a button."""
    context = browser.new_context(viewport={"width": 390, "height": 800})
    watched = Watched(context, guarded.address)
    page = watched.page
    page.goto(guarded.address + "/catalog/events")
    assert page.url.endswith("/-/login")
    assert barriers(page) == []
    page.keyboard.type("auditor")
    page.keyboard.press("Tab")
    page.keyboard.type(WORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out auditor").wait_for()
    page.get_by_role("button", name="Log out auditor").click()
    page.goto(guarded.address)
    assert page.url.endswith("/-/login")
    assert watched.troubles == []
    context.close()
