"""The mail of the week, and pings."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.jobs.nights import ADMIN, FAILED, Nights, shop
from tests.post import Post, web_server
from vya_backup.decisions.tidings import Letter, Tidings
from vya_backup.jobs.notifying import ping_end
from vya_backup.jobs.weekly import is_owed, send_digest
from vya_backup.outlook.letters import digest, letter
from vya_backup.outlook.weeks import week_of
from vya_backup.settings.notifications_model import Digest, Pings


def test_the_mail_of_the_week_is_sent_once_in_each(nights: Nights, post: Post) -> None:
    """Also when all is well, also when a timer asks every day."""
    nights.with_settings(digest=Digest(weekday="friday"))
    nights.night(*shop(1), FAILED, status=1)
    post.letters.clear()

    def make() -> tuple[Tidings, Letter]:
        tidings, week = week_of(nights.workspace)
        return tidings, digest(tidings, week)

    assert not is_owed(nights.workspace), "nobody was refused it"
    post.answers = ["554 no"]
    assert send_digest(nights.workspace, make)[0].failure is not None
    assert is_owed(nights.workspace)
    for _ in range(3):
        send_digest(nights.workspace, make)
        assert not is_owed(nights.workspace)
    assert [one.to for one in post.letters] == [[ADMIN]]
    text = " ".join(post.letters[0].part("plain").split())
    assert "prod/shop" in text
    assert "no room left" in text
    assert "keep" in text

    send_digest(nights.workspace, make, again=True)
    assert post.letters[0].message["Message-ID"] != post.letters[1].message["Message-ID"], "it was asked for"

    nights.clock.at += timedelta(days=7)
    send_digest(nights.workspace, make)
    assert len(post.letters) == 3


def test_a_digest_that_is_refused_is_tried_twice_a_day(nights: Nights, post: Post) -> None:
    """However many runs there are in a day; then it is another day."""
    nights.night(*shop(1))
    nights.with_settings(digest=Digest(weekday="saturday"))
    post.answers = ["554 no"] * 20

    def tries() -> int:
        before = post.attempts
        for _ in range(3):
            if is_owed(nights.workspace):
                send_digest(nights.workspace, lambda: (said := tidings_of_week(nights), letter(said)))
        return post.attempts - before

    send_digest(nights.workspace, lambda: (said := tidings_of_week(nights), letter(said)))
    assert tries() == 1
    nights.clock.at += timedelta(days=1)
    assert tries() == 2


def test_a_digest_that_cannot_say_all_says_so(nights: Nights) -> None:
    """More databases fail than have a row of their own; none of them is called good."""
    catalog = nights.workspace.catalog
    catalog.append(*(FAILED.model_copy(update={"database": f"db{number:03}"}) for number in range(60)))
    missed = [f"{number} was missed" for number in range(40)]
    tidings, week = week_of(nights.workspace)
    week = replace(week, missed=tuple(missed[:30]), more_missed=10)
    assert (len(week.covers), week.more_covers, week.more_bad, week.more_failures) == (50, 12, 10, 30)
    written = digest(tidings, week)
    for said in (" ".join(written.text.split()), " ".join(re.sub("<[^>]*>", " ", written.html).split())):
        assert "and 12 more, 10 of them not well" in said
        assert "and 30 more: doit catalog ask failures_mended" in said
        assert "and 10 more" in said.partition("MISSED" if "MISSED" in said else "Missed")[2]
        assert "all good" not in said


def tidings_of_week(nights: Nights) -> Tidings:
    """Return what is told of the week."""
    return week_of(nights.workspace)[0]


@pytest.mark.parametrize(
    ("status", "path", "what"), [(0, "/6f0e", "nothing was due"), (1, "/6f0e/fail", "nothing is recorded")]
)
def test_a_ping_says_how_the_run_ended(nights: Nights, status: int, path: str, what: str) -> None:
    """With its id, for whoever looks."""
    with web_server() as web:
        nights.with_settings(pings=Pings(base_url=f"{web.url}/6f0e"))
        assert ping_end(nights.workspace, None, status, "words") is None
    assert web.requests == [(path, f"{what}\nexit status {status}\nwords")]
