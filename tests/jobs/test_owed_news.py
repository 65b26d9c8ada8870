"""What could not be told is told later: nothing lost, nothing twice, and to nobody whom it does not concern."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

from tests.history.samples import good, started
from tests.jobs.nights import ADMIN, FAILED, GONE, ONCALL, UNIT, Nights, crm, notifications_of, shop, subjects
from tests.post import Post
from vya_backup.history.event import Process
from vya_backup.history.run_events import RunStarted
from vya_backup.jobs.unit_failure import tell_failure
from vya_backup.settings.notifications_model import MailList
from vya_backup.transport.liveness import this_process


def test_two_days_without_a_mail_server_are_told_by_the_first_mail_that_gets_through(
    nights: Nights, post: Post
) -> None:
    """Nothing lost, one mail a list tells it, and nothing is told twice."""
    nights.night(*shop(1), *crm(1))
    post.letters.clear()
    post.answers = ["554 closed for repairs"] * 2
    assert [error.message for error in nights.night(*shop(2), FAILED, status=1)] != []
    assert [error.message for error in nights.night(*shop(3), FAILED, status=1)] != []
    assert post.letters == []
    assert notifications_of(nights).status == "failure"

    assert nights.night(*shop(4), *crm(4)) == []

    (mail,) = [one for one in post.letters if one.to == [ONCALL]]
    assert mail.message["Subject"].startswith("[VYA] ERROR testhost: ")
    text = " ".join(mail.part("plain").split())
    for day in ("2026-01-11", "2026-01-12"):
        assert f"{day} 02:00 UTC ERROR: 1 of 2 databases failed: crm (disk full)" in text
    assert text.count("prod/crm: failed: no room left") == 2
    assert "554 closed for repairs" in text
    assert notifications_of(nights).status == "ok"

    post.letters.clear()
    nights.night(*shop(5), *crm(5))
    assert [one.to for one in post.letters] == [[ADMIN]]


def test_a_run_that_did_nothing_tells_nothing_but_what_is_owed(nights: Nights, post: Post) -> None:
    """A timer of every quarter of an hour is no mail of every quarter of an hour."""
    nights.night(*shop(1))
    post.letters.clear()
    nights.night()
    assert post.letters == []

    post.answers = ["554 no"]
    nights.night(FAILED, status=1)
    before = len(nights.events())
    nights.night()
    assert [one.to for one in post.letters] == [[ONCALL]]
    assert len(nights.events()) == before + 1
    assert nights.workspace.catalog.rows("SELECT count(*) FROM events WHERE type = 'run_started'")[0][0] == 2


def test_a_server_that_stays_down_fills_the_catalog_with_nothing_new(nights: Nights, post: Post) -> None:
    """One event says it, however often it is tried."""
    post.answers = ["554 no"] * 4
    nights.night(FAILED, status=1)
    for _ in range(3):
        assert nights.night() != []
    assert nights.events() == [("notification_failed", "mail:error")]


def test_each_failed_telling_names_only_what_is_new(nights: Nights, post: Post) -> None:
    """The catalog is kept for ever; a month without a mail server is no square of it."""
    post.answers = ["554 no"] * 3
    for _ in range(3):
        nights.night(FAILED, status=1)
    rows = nights.workspace.catalog.rows("SELECT run_id, data FROM events WHERE type = 'notification_failed'")
    assert [json.loads(row["data"])["about"] for row in rows] == [[row["run_id"]] for row in rows]
    nights.night(*crm(4), *shop(4))
    text = " ".join(next(one for one in post.letters if one.to == [ONCALL]).part("plain").split())
    assert text.count("ERROR: 1 of 1 database failed: crm (disk full)") == 3


def test_a_message_about_something_else_settles_no_debt(nights: Nights, post: Post) -> None:
    """The mail server is down in one night; the next one is killed, and told by the failure unit alone."""
    post.answers = ["554 closed for repairs"]
    nights.night(FAILED, status=1)
    nights.killed(started("s2"))
    tell_failure(nights.workspace, UNIT, nights.compose)
    (mail,) = post.letters
    assert "no room left" not in mail.part("plain")
    assert notifications_of(nights).status == "failure"

    nights.night(*shop(3), *crm(3))
    (_, mail) = [one for one in post.letters if one.to == [ONCALL]]
    assert "told late" in mail.message["Subject"]
    assert "no room left" in mail.part("plain")
    assert notifications_of(nights).status == "ok"
    post.letters.clear()
    nights.night(*shop(4), *crm(4))
    assert [one.to for one in post.letters] == [[ADMIN]]


def test_a_run_that_was_killed_is_told_by_the_next_one(nights: Nights, post: Post) -> None:
    """Also where no failure unit is installed, and once."""
    nights.night(FAILED, status=1)
    post.letters.clear()
    nights.killed(started("s2"))
    nights.night(*crm(3))
    (mail,) = [one for one in post.letters if one.to == [ONCALL]]
    assert "run killed while dumping prod/shop" in " ".join(mail.part("plain").split())

    post.letters.clear()
    nights.night(*shop(4), *crm(4))
    assert [one.to for one in post.letters] == [[ADMIN]]


def test_the_first_word_that_a_channel_hears_may_be_of_a_run_that_was_killed(nights: Nights, post: Post) -> None:
    """Who hears of trouble only has heard nothing for as long as all was well."""
    nights.killed(started("s2"))
    nights.night(*shop(3), *crm(3))
    (subject,) = subjects(post, ONCALL)
    assert subject.startswith("[VYA] ERROR testhost: told late: run killed while dumping prod/shop; now: 2 databases")
    assert subjects(post, ADMIN) == ["[VYA] SUCCESS testhost: 2 databases backed up, 2.0 KiB"]


def test_a_run_that_ended_badly_and_died_before_it_told_is_told_by_the_next_one(nights: Nights, post: Post) -> None:
    """A kill between its end and its mail; once, and not while it may still tell by itself."""
    nights.clock.at += timedelta(days=1)
    alive = Process(**asdict(this_process("testhost")))
    for process, events, status in ((GONE, (FAILED,), 1), (alive, (FAILED,), 1), (GONE, (*shop(2), *crm(2)), 0)):
        said = RunStarted(command="doit backup", version="2", environment="test", process=process)
        with nights.workspace.catalog.run(said) as run:
            nights.workspace.catalog.append(*events)
            run.finish(status, {"ok": 1 - status, "failed": status})
    nights.tell(None)
    nights.tell(None)
    assert subjects(post, ADMIN) == [], "good news that nobody heard is no debt"
    assert subjects(post, ONCALL) == ["[VYA] ERROR testhost: told late: 1 of 1 database failed: crm (disk full)"]


def test_what_ended_badly_long_ago_is_not_told_to_a_new_channel(nights: Nights, post: Post) -> None:
    """A fortnight is what somebody can still do something about."""
    nights.killed(started("s2"))
    nights.clock.at += timedelta(days=15)
    nights.night(*shop(3), *crm(3))
    assert not any("told late" in one for one in subjects(post, ONCALL))


def test_a_new_list_is_not_told_what_others_heard(nights: Nights, post: Post) -> None:
    """Nor is one that would hear of it today and did not concern it then: the level is that of the night itself."""
    email = nights.workspace.configuration.notifications.email
    pager = MailList(id="pager", recipients=("pager@example.org",), levels=("CRITICAL",))
    nights.with_settings(email=email.model_copy(update={"lists": (pager,), "error_levels": ("WARNING", "ERROR")}))
    nights.gone(FAILED.model_copy(update={"database": "bare"}), status=1)
    assert [one.to for one in post.letters] == [["pager@example.org"]]
    nights.with_settings(email=email)
    nights.gone(*good("bare2", database="bare"), FAILED, status=1)
    assert [one.to for one in post.letters][1:] == [[ONCALL]]
    assert "told late" not in post.letters[1].message["Subject"]

    post.letters.clear()
    renamed = MailList(id="people", recipients=("people@example.org",))
    nights.with_settings(email=email.model_copy(update={"lists": (renamed,), "error_levels": ("WARNING", "ERROR")}))
    nights.night(*shop(3), *good("bare3", database="bare"), *crm(3))
    assert [one for one in post.letters if "told late" in one.message["Subject"]] == []


def test_a_killed_run_is_told_to_each_list_that_it_concerns(nights: Nights, post: Post) -> None:
    """By the same command: that the first list heard of it is no reason to leave out the second."""
    email = nights.workspace.configuration.notifications.email
    second = MailList(id="second", recipients=("second@example.org",))
    nights.with_settings(email=email.model_copy(update={"lists": (second,)}))
    nights.killed(started("s2"))
    post.strangers = {"second@example.org": "550 not today"}
    nights.tell(None)
    post.strangers = {}
    nights.tell(None)
    assert [one.to for one in post.letters] == [[ONCALL], ["second@example.org"]]


def test_who_hears_of_successes_only_hears_late_of_successes_only(nights: Nights, post: Post) -> None:
    """A bad night brings the good one before it late, and nothing of itself."""
    post.answers = ["554 no"]
    nights.night(*shop(1), *crm(1))
    nights.night(*shop(2), FAILED, status=1)
    (mail,) = [one for one in post.letters if one.to == [ADMIN]]
    assert mail.message["Subject"] == "[VYA] SUCCESS testhost: told late: 2 databases backed up, 2.0 KiB"
    assert mail.message["X-VYA-Level"] == "SUCCESS"
    assert "no room left" not in mail.part("plain")


def test_each_list_hears_why_it_was_not_told_itself(nights: Nights, post: Post) -> None:
    """And not why another one was not."""
    email = nights.workspace.configuration.notifications.email
    nights.with_settings(email=email.model_copy(update={"success_levels": ("SUCCESS", "ERROR")}))
    post.strangers = {ADMIN: "550 the box is full", ONCALL: "550 there is no such person"}
    nights.night(FAILED, status=1)
    post.strangers = {}
    nights.tell(None)
    reasons = {one.to[0]: one.part("plain") for one in post.letters}
    for to, own, other in ((ADMIN, "box is full", "no such person"), (ONCALL, "no such person", "box is full")):
        assert own in " ".join(reasons[to].split())
        assert other not in " ".join(reasons[to].split())
