"""Who is told what, and in which words: derived from events alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.history.samples import started
from tests.jobs.nights import ADMIN, FAILED, ONCALL, Nights, crm, notifications_of, shop, subjects
from tests.post import Post, web_server
from vya_backup.errors import CatalogError
from vya_backup.history import notices
from vya_backup.history.event import Event
from vya_backup.history.events import Failed
from vya_backup.history.hook_events import HookRan
from vya_backup.jobs.notifying import ping_end, tell
from vya_backup.settings.notifications_model import Pings


def test_success_goes_to_one_list_and_failure_to_another(nights: Nights, post: Post) -> None:
    """One mail a run, not one a database."""
    assert nights.night(*shop(1), *crm(1)) == []
    assert nights.night(*shop(2), FAILED, status=1) == []

    assert subjects(post, ADMIN) == ["[VYA] SUCCESS testhost: 2 databases backed up, 2.0 KiB"]
    assert subjects(post, ONCALL) == ["[VYA] ERROR testhost: 1 of 2 databases failed: crm (disk full)"]
    assert nights.events() == [("notified", "mail:success"), ("notified", "mail:error")]


def test_what_the_catalog_does_not_take_is_said_to_everybody_all_the_same(
    nights: Nights, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full is when they have to hear of it, the second list and the ping too."""
    catalog = nights.workspace.catalog
    append = catalog.append

    def refuse(*events: Event) -> Any:
        if any(one.type == "notified" for one in events):
            raise CatalogError("the catalog could not be written: the disk is full")
        return append(*events)

    monkeypatch.setattr(catalog, "append", refuse)
    email = nights.workspace.configuration.notifications.email
    nights.with_settings(email=email.model_copy(update={"success_levels": ("SUCCESS", "ERROR")}))
    failures = nights.night(FAILED, status=1)
    assert [one.to for one in post.letters] == [[ADMIN], [ONCALL]]
    assert [one.message.partition(":")[0] for one in failures] == ["mail", "mail"]
    assert all("is not recorded" in one.message for one in failures)
    run = notices.runs_of(catalog, [str(catalog.run_id)])[0]
    with web_server() as web:
        nights.with_settings(pings=Pings(base_url=f"{web.url}/6f0e"))
        failure = ping_end(nights.workspace, run, 1)
    assert "not recorded" in str(failure)
    assert [path for path, _ in web.requests] == ["/6f0e/fail"]


def test_a_run_that_nothing_is_recorded_of_is_told_by_what_broke_it(nights: Nights, post: Post) -> None:
    """And late, when the mail server is back."""
    post.answers = ["554 no"]
    tell(nights.workspace, nights.compose, "4711", "CatalogError: the disk failed")
    tell(nights.workspace, nights.compose, "4712", "CatalogError: it still fails")
    (mail,) = post.letters
    assert mail.to == [ONCALL]
    text = " ".join(mail.part("plain").split())
    assert "the run ended early: CatalogError: it still fails" in text
    assert "run 4711: ended before it recorded anything" in text


@pytest.mark.parametrize(
    ("moment", "database", "where"),
    [("after_check", "crm", " for prod/crm"), ("before_restore", "crm", " for prod/crm"), ("after_run", None, "")],
)
def test_a_hook_that_failed_is_named(nights: Nights, post: Post, moment: str, database: str | None, where: str) -> None:
    """A run that failed for nothing else would have a mail that says nothing."""
    instance = "prod" if database else None
    common: dict[str, Any] = {"instance": instance, "database": database, "program": "/opt/x", "moment": moment}
    ran = HookRan(**common, hook="off-site", status=7, problem="it ended with status 7: no route")
    nights.night(*shop(1), *crm(1), HookRan(**common, hook="fine", status=0), ran, status=1)
    said = f"hook off-site ({moment}){where}: it ended with status 7: no route"
    assert subjects(post, ONCALL) == [f"[VYA] ERROR testhost: 2 databases done; {said}"]
    text = " ".join(post.letters[0].part("plain").split())
    assert f"ERROR: {said}" in text
    assert "fine" not in text


def test_a_hook_in_front_of_the_run_that_failed_is_an_error(nights: Nights, post: Post) -> None:
    """Nothing was backed up; it is named once."""
    message = "the run was not begun: hook vpn (before_run): it ended with status 1"
    ran = HookRan(hook="vpn", moment="before_run", program="/opt/vpn", status=1, problem="it ended with status 1")
    nights.night(ran, Failed(step="hook", code="hook", message=message), status=1)
    assert subjects(post, ONCALL) == [f"[VYA] ERROR testhost: hook failed: {message}"]
    assert f"ERROR: hook failed: {message}" in " ".join(post.letters[0].part("plain").split())


def test_verifying_and_pruning_tell_only_what_is_wrong(nights: Nights, post: Post) -> None:
    """The mail of the week says that they ran."""
    nights.night(*shop(1))
    post.letters.clear()
    nights.night(Failed(step="metrics", code="push", message="x"), command="doit verify")
    nights.night(started("s9"), command="doit verify")
    assert [one.to for one in post.letters] == [[ONCALL]]


def test_addresses_are_masked_in_the_catalog_and_the_answer_is_kept(nights: Nights, post: Post) -> None:
    """It is kept for years, and shown to others."""
    post.strangers = {"bob@example.org": "550 no such user"}
    email = nights.workspace.configuration.notifications.email
    nights.with_settings(email=email.model_copy(update={"error_recipients": (ONCALL, "bob@example.org")}))
    nights.night(FAILED, status=1)

    rows = nights.workspace.catalog.rows("SELECT data FROM events WHERE type = 'notified'")
    data = json.loads(rows[0]["data"])
    assert data["to"] == ["o***@example.org", "b***@example.org"]
    assert data["refused"] == ["b***@example.org: 550 no such user"]
    assert data["answer"] == "250 2.0.0 queued as 4711"
    assert (data["level"], data["what"]) == ("ERROR", "1 database, 1 failed, 2 concerns")
    assert "crm" not in rows[0]["data"]
    assert notifications_of(nights).status == "warning"


def test_a_server_that_repeats_an_address_puts_it_into_no_event(nights: Nights, post: Post) -> None:
    """Neither when it refuses nor when it takes, whatever it makes of the name."""
    post.strangers = {ONCALL: f"550 <OnCall@Example.org>: user {ONCALL} is an alias of otto@inside.example"}
    nights.night(FAILED, status=1)
    post.strangers = {}
    post.answers = [f"250 {ONCALL} has it"]
    nights.night(FAILED, status=1)
    events = [row["data"] for row in nights.workspace.catalog.rows("SELECT data FROM events WHERE type LIKE 'noti%'")]
    assert len(events) == 2
    assert [one for one in events if "oncall" in one.lower() or "otto" in one] == []
    assert "o***@inside.example" in events[0]
    assert "o***@example.org has it" in events[-1]


def test_the_heads_of_a_mail_tell_machines_and_threads(nights: Nights, post: Post) -> None:
    """Trouble that goes on is one thread; whatever answers by itself does not."""
    for _ in range(2):
        nights.night(FAILED, status=1)
    nights.clock.at += timedelta(days=30)
    nights.night(FAILED, status=1)

    first, second, third = (one.message for one in post.letters)
    assert (first["Auto-Submitted"], first["Precedence"]) == ("auto-generated", "bulk")
    assert first["Date"] == "Sat, 10 Jan 2026 02:00:09 +0000" or first["Date"].endswith("+0000")
    assert (second["In-Reply-To"], second["References"]) == (first["Message-ID"], first["Message-ID"])
    assert first["In-Reply-To"] is None
    assert third["In-Reply-To"] is None
    assert len({first["Message-ID"], second["Message-ID"], third["Message-ID"]}) == 3
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]


def test_a_long_domain_of_the_sender_breaks_no_thread(nights: Nights, post: Post) -> None:
    """An id that is too long for a line would be folded into what no mail program understands."""
    email = nights.workspace.configuration.notifications.email
    sender = "backups@databases.of-the-accounting-department.subsidiary.example.org"
    nights.with_settings(email=email.model_copy(update={"from_address": sender}))
    for _ in range(3):
        nights.night(FAILED, status=1)
    first, second, third = (one.message for one in post.letters)
    assert len(first["Message-ID"]) <= 60
    assert second["In-Reply-To"] == first["Message-ID"]
    assert third["References"].split() == [first["Message-ID"], second["Message-ID"]]


def test_what_was_sent_and_not_recorded_is_sent_again_under_the_same_id(nights: Nights, post: Post) -> None:
    """A crash between the two: mail programs show one of two with the same id."""
    nights.night(FAILED, status=1)
    run_id = nights.workspace.catalog.rows("SELECT run_id FROM events WHERE type = 'run_started'")[0][0]
    nights.tell(run_id)
    one, other = (letter.message for letter in post.letters)
    assert one["Message-ID"] == other["Message-ID"]
