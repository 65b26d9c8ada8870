"""What the pages say, compared with what the events say."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.samples.long_history import long_history
from tests.site.conftest import RunningSite, hand_over, last_night, open_folder, serving, wait_until
from vya_backup.history.questions import questions


@pytest.fixture
def asked(copy: Path) -> Iterator[sqlite3.Connection]:
    """Give the copy itself, to ask what a page should have said."""
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
        yield connection


def one(asked: sqlite3.Connection, sql: str, *values: object) -> Any:
    """Return the first row."""
    return asked.execute(sql, values).fetchone()


def text_of(page: str) -> str:
    """Return a page without its marks, blanks folded."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_front_page_answers_at_a_glance(site: RunningSite, asked: sqlite3.Connection) -> None:
    """Covered, failed, proved, whole, and room; counted from the events themselves."""
    wait_until(lambda: "Whole" in site.get("/").text)
    shown = text_of(site.get("/").text)
    good = one(
        asked,
        """
        SELECT count(DISTINCT instance || '/' || database) FROM events
        WHERE type = 'checksummed' AND at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-36 hours')
        """,
    )[0]
    assert f"All {good} databases are covered" in shown or f"Covered {good} of" in shown
    assert f"{one(asked, 'SELECT count(*) FROM events')[0]:,} events, checked" in shown
    proved = one(
        asked,
        """
        SELECT count(DISTINCT instance || '/' || database) FROM events
        WHERE type = 'drilled' AND json_extract(data, '$.verdict') = 'pass' AND EXISTS (
          SELECT 1 FROM databases AS d
          WHERE d.instance = events.instance AND d.database = events.database AND coalesce(d.present, 1)
        )
        """,
    )[0]
    assert re.search(rf"Proved restorable {proved} of", shown)
    assert "% used" in shown


def test_every_database_has_a_line_and_a_page(site: RunningSite, asked: sqlite3.Connection) -> None:
    """Also the accounts."""
    front = site.get("/").text
    for instance, database in asked.execute("SELECT instance, database FROM databases").fetchall():
        path = f"/db/{instance}/{database}".replace("@", "~40")
        assert f'href="{path}"' in front
        assert site.get(path).status_code == 200


def test_the_calendar_tells_each_day(site: RunningSite, asked: sqlite3.Connection) -> None:
    """A day is good where a backup of it became good, and failed where all attempts did."""
    zone_offset = "-3 hours"  # the history's zone, America/Sao_Paulo, which has had no other for years
    page = "".join(
        site.get(f"/db/prod-pg-01/shop?year={year}").text
        for year in (datetime.now(UTC).year - 1, datetime.now(UTC).year)
    )
    days = dict(re.findall(r"<tr><th scope=\"row\">([\d-]+)</th><td><span class=\"badge \w+\">(\w+)</span>", page))
    attempts = asked.execute(
        f"""
        SELECT date(s.at, '{zone_offset}'), max(EXISTS (
          SELECT 1 FROM events AS c WHERE c.backup_id = s.backup_id AND c.type = 'checksummed'
        )), max(EXISTS (
          SELECT 1 FROM events AS c WHERE c.backup_id = s.backup_id AND c.type IN ('damaged', 'missing')
        ))
        FROM events AS s WHERE s.type = 'started' AND instance = 'prod-pg-01' AND database = 'shop' GROUP BY 1
        """
    ).fetchall()
    assert len(attempts) > 40
    for day, was_good, was_lost in attempts:
        assert days[day] in (
            {"good"} if was_good and not was_lost else {"good", "damaged"} if was_good else {"failed"}
        ), day
    tried = {day for day, _, _ in attempts}
    assert all(state in {"missing", "failed", "pending"} for day, state in days.items() if day not in tried)


def test_a_backup_tells_its_life_and_its_place_in_the_chain(site: RunningSite, asked: sqlite3.Connection) -> None:
    """Every event of it, the digests, and the command that restores just this one."""
    backup_id = one(asked, "SELECT backup_id FROM backups WHERE state = 'good' AND drilled_at IS NOT NULL LIMIT 1")[0]
    shown = site.get(f"/backup/{backup_id}").text
    for row in asked.execute("SELECT hash, prev_hash FROM events WHERE backup_id = ?", (backup_id,)):
        assert all(digest in shown for digest in row)
    sha256, size = one(asked, "SELECT sha256, size_bytes FROM backups WHERE backup_id = ?", backup_id)
    assert sha256 in shown
    assert f"{size:,} bytes" in shown
    assert f"--backup {backup_id}" in shown


def test_retention_is_told_with_reasons_and_what_goes_next(site: RunningSite, asked: sqlite3.Connection) -> None:
    """Of each backup that has files."""
    shown = site.get("/db/prod-pg-01/shop").text
    number = one(
        asked,
        "SELECT count(*) FROM backups WHERE instance = 'prod-pg-01' AND database = 'shop' "
        "AND state IN ('good', 'running', 'damaged', 'missing')",
    )[0]
    assert f"All {number} with their reasons" in shown
    assert "newest good" in shown
    assert "Next to go:" in shown


@pytest.mark.parametrize("name", [question.name for question in questions()])
def test_each_question_is_answered_in_every_form(site: RunningSite, name: str) -> None:
    """With the control that it serves on its page."""
    page = site.get(f"/catalog/{name}").text
    assert "Serves ISO 27001" in page
    assert site.get(f"/catalog/{name}.csv").status_code == 200
    assert site.get(f"/catalog/{name}.json?_shape=array").status_code == 200


def test_exports_are_raw_and_pages_are_for_people(site: RunningSite) -> None:
    """Bytes and UTC there, sizes and local times here."""
    raw = site.get("/catalog/backups.json?_shape=array&_size=1&state=good").json()[0]
    assert isinstance(raw["size_bytes"], int)
    assert raw["started_at"].endswith("Z")
    page = site.get("/catalog/backups?_size=1&state=good").text
    assert f'title="{raw["size_bytes"]:,} bytes"' in page
    assert '<time datetime="' in page


@pytest.mark.parametrize("path", ["/nothing", "/db/prod-pg-01/nothing", "/instance/x", "/backup/x", "/catalog/nothing"])
def test_what_nobody_knows_is_not_found(site: RunningSite, path: str) -> None:
    """In our frame, without a trace of the inside."""
    answer = site.get(path)
    assert answer.status_code in {403, 404}
    assert "Traceback" not in answer.text
    assert 'href="/assets/site.css' in answer.text


def test_health_and_metrics_come_from_the_same_process(site: RunningSite) -> None:
    """In their own shapes."""
    assert site.get("/health").status_code in {200, 503}
    assert set(site.get("/health/ready").json()) == {"ready", "databases"}
    assert "vya_backup_last_timestamp" in site.get("/metrics").text


def test_a_copy_that_is_replaced_is_shown_at_once() -> None:
    """By rename, as an operator would who made a fleet anew; the old file's events are gone."""
    with open_folder("vya-site-replaced-") as folder:
        shown, other = (folder / name for name in ("shown.db", "other.db"))
        for file, days in ((shown, 6), (other, 12)):
            hand_over(long_history(file, years=days / 365, databases=2, until=last_night()))
        with serving(shown) as site:
            few = site.get("/catalog/events.json?_size=0").json()["filtered_table_rows_count"]
            shutil.move(other, shown)
            site.get("/")  # any page notices
            many = site.get("/catalog/events.json?_size=0").json()["filtered_table_rows_count"]
            assert many > few


def test_a_long_answer_is_begun_on_the_page_and_whole_in_its_exports(
    site: RunningSite, asked: sqlite3.Connection
) -> None:
    """A page of thousands of rows is slow, and nobody reads it."""
    page = site.get("/catalog/history?type=started").text
    export = re.search(r'href="(/catalog/history\.json\?[^"]+)">JSON lines', page)
    assert page.count("<tr>") == 101  # with the heading
    assert export
    lines = site.get(export[1].replace("&amp;", "&")).text.splitlines()
    assert len(lines) == one(asked, "SELECT count(*) FROM events WHERE type = 'started'")[0]


def test_a_time_that_is_none_is_told(site: RunningSite) -> None:
    """And nothing is answered that might mean something else."""
    shown = text_of(site.get("/catalog/coverage?on=yesterday").text)
    assert "is no time" in shown
    assert "restorable" not in shown.split("Ask")[1].split("The question in SQL")[0]


def test_nobody_asks_for_so_much_that_the_site_falls_over(site: RunningSite) -> None:
    """Whatever limit is said."""
    assert site.get("/catalog/history?limit=-1").text.count("<tr>") == 101
    assert site.get("/catalog/history?limit=3").text.count("<tr>") == 4
