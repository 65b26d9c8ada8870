"""Who is told what, and when: derived from events alone, nothing lost, nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.engines.contract import Bench
from tests.history.samples import Steps, good, started
from tests.post import Post, post_office, web_server
from vya_backup.decisions.tidings import Letter, Tidings
from vya_backup.errors import BackupError, CatalogError
from vya_backup.history import notices
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event, Process
from vya_backup.history.events import Failed
from vya_backup.history.hook_events import HookRan
from vya_backup.history.run_events import RunStarted
from vya_backup.jobs.health.notices import notifications
from vya_backup.jobs.notifying import ping_end, tell
from vya_backup.jobs.unit_failure import Unit, tell_failure
from vya_backup.jobs.weekly import is_owed, send_digest
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook.letters import digest, letter
from vya_backup.outlook.weeks import week_of
from vya_backup.settings.notifications_model import Digest, Email, MailList, Notifications, Pings
from vya_backup.transport.liveness import this_process

ADMIN, ONCALL = "admin@example.org", "oncall@example.org"
GONE = Process(host="testhost", boot_id="another boot", pid=1, started_ticks=1)
FAILED = Failed(instance="prod", database="crm", step="dump", code="space", message="no room left", hint="Free some.")


@dataclass
class Nights:
    """A host that makes backups night by night; the mail server is up or down as the test says."""

    workspace: Workspace
    clock: Steps
    composed: list[Tidings] = field(default_factory=list)

    def night(self, *events: Event, status: int = 0, command: str = "doit backup") -> list[BackupError]:
        """Let a day pass, and a run append these events and end; return what could not be told."""
        self.clock.at += timedelta(days=1)
        with self.workspace.catalog.run(RunStarted(command=command, version="2", environment="test")) as run:
            if events:
                self.workspace.catalog.append(*events)
            run.finish(status, {"ok": len(events) // 3, "failed": status})
        return self.tell(run.run_id if events else None)

    def killed(self, *events: Event) -> str:
        """Let a day pass, and a run begin and never end."""
        self.clock.at += timedelta(days=1)
        said = RunStarted(command="doit backup", version="2", environment="test", process=GONE)
        with self.workspace.catalog.run(said) as run:
            self.workspace.catalog.append(*events)
        return run.run_id

    def gone(self, *events: Event, status: int) -> list[BackupError]:
        """Let a day pass, and a run append these events, end and tell; its process is no more."""
        self.clock.at += timedelta(days=1)
        said = RunStarted(command="doit backup", version="2", environment="test", process=GONE)
        with self.workspace.catalog.run(said) as run:
            self.workspace.catalog.append(*events)
            run.finish(status, {"failed": status})
        return self.tell(run.run_id)

    def tell(self, run_id: str | None) -> list[BackupError]:
        """Do the last thing of a command."""
        return tell(self.workspace, self.compose, run_id)

    def compose(self, tidings: Tidings) -> Letter:
        """Write a letter, and keep what it is made of."""
        self.composed.append(tidings)
        return letter(tidings)

    def events(self) -> list[tuple[str, str]]:
        """Return type and channel of every notice."""
        found = self.workspace.catalog.rows("SELECT type, data FROM events WHERE type LIKE 'noti%' ORDER BY id")
        return [(row["type"], json.loads(row["data"])["channel"]) for row in found]

    def with_settings(self, **settings: Any) -> None:
        """Change how notifications are configured."""
        told = self.workspace.configuration.notifications.model_copy(update=settings)
        configuration = self.workspace.configuration.model_copy(update={"notifications": told})
        self.workspace = replace(self.workspace, configuration=configuration)


@pytest.fixture
def post() -> Iterator[Post]:
    """Give a mail server."""
    with post_office() as office:
        yield office


@pytest.fixture
def nights(bench: Bench, post: Post) -> Iterator[Nights]:
    """Give a host whose successes go to one person and whose failures to another."""
    clock = Steps()
    path = bench.workspace.catalog.path
    bench.workspace.catalog.close()
    catalog = Catalog.open(path, host="testhost", now=clock)
    email = Email(
        enabled=True,
        smtp_host="localhost",
        smtp_port=post.port,
        security="none",
        from_address="backups@example.org",
        success_recipients=(ADMIN,),
        error_recipients=(ONCALL,),
        timeout_seconds=5,
        give_up_seconds=10,
    )
    application = bench.workspace.configuration.application.model_copy(update={"hostname": "testhost"})
    told = {"application": application, "notifications": Notifications(email=email)}
    configuration = bench.workspace.configuration.model_copy(update=told)
    workspace = replace(bench.workspace, configuration=configuration, catalog=catalog, clock=clock)
    catalog.append(*shop(0), *crm(0))
    yield Nights(workspace, clock)
    catalog.close()


def subjects(post: Post, to: str) -> list[str]:
    """Return what somebody got."""
    return [one.message["Subject"].strip() for one in post.letters if one.to == [to]]


def crm(number: int) -> tuple[Event, ...]:
    """Give a good backup of crm."""
    return good(f"crm{number}", database="crm")


def shop(number: int) -> tuple[Event, ...]:
    """Give a good backup of shop."""
    return good(f"shop{number}")


def test_success_goes_to_one_list_and_failure_to_another(nights: Nights, post: Post) -> None:
    """One mail a run, not one a database."""
    assert nights.night(*shop(1), *crm(1)) == []
    assert nights.night(*shop(2), FAILED, status=1) == []

    assert subjects(post, ADMIN) == ["[VYA] SUCCESS testhost: 2 databases backed up, 2.0 KiB"]
    assert subjects(post, ONCALL) == ["[VYA] ERROR testhost: 1 of 2 databases failed: crm (disk full)"]
    assert nights.events() == [("notified", "mail:success"), ("notified", "mail:error")]


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


def notifications_of(nights: Nights) -> Any:
    """Return what the health check finds."""

    @dataclass
    class Seen:
        configuration: Any
        credentials: Any
        catalog: Any

    found = Seen(nights.workspace.configuration, nights.workspace.credentials, nights.workspace.catalog)
    return notifications(found)  # type: ignore[arg-type]


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


# --------------------------------------------------------------------------- the failure unit


UNIT = Unit("vya-backupdb-backup.service", {"Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "9"})


def test_a_killed_run_is_told_by_the_failure_unit_at_once_and_once(nights: Nights, post: Post) -> None:
    """With what was in flight and what systemd knows; the next run does not repeat it."""
    nights.killed(started("s1"))
    sentence, failures = tell_failure(nights.workspace, UNIT, nights.compose)
    assert (sentence, failures) == ("vya-backupdb-backup.service: run killed while dumping prod/shop", [])
    (mail,) = post.letters
    assert mail.to == [ONCALL]
    text = " ".join(mail.part("plain").split())
    assert "result signal" in text
    assert "status 9" in text

    assert "told by the run itself" in tell_failure(nights.workspace, UNIT, nights.compose)[0]
    nights.night(*shop(2), *crm(2))
    assert [one.to for one in post.letters] == [[ONCALL], [ADMIN]]


def test_the_failure_unit_says_nothing_more_of_a_run_that_told_by_itself(nights: Nights, post: Post) -> None:
    """One failure, one mail."""
    nights.night(FAILED, status=1)
    tell_failure(nights.workspace, UNIT, nights.compose)
    assert len(post.letters) == 1


def test_what_the_failure_unit_could_not_tell_is_told_by_the_next_run(nights: Nights, post: Post) -> None:
    """Though it left no run."""
    post.answers = ["554 closed for repairs"]
    tell_failure(nights.workspace, UNIT, nights.compose)
    nights.night(*shop(1))
    (mail,) = [one for one in post.letters if one.to == [ONCALL]]
    assert "unit vya-backupdb-backup.service: failed before it did anything" in " ".join(mail.part("plain").split())


def test_a_failure_that_nobody_wants_to_hear_of_is_not_called_told(nights: Nights, post: Post) -> None:
    """Whoever reads the journal shall not believe that somebody knows."""
    email = nights.workspace.configuration.notifications.email
    nights.with_settings(email=email.model_copy(update={"error_recipients": ()}))
    sentence, failures = tell_failure(nights.workspace, UNIT, nights.compose)
    assert "told by the run itself" not in sentence
    assert [one.message for one in failures] == [f"{UNIT.name} failed, and nobody is to be told of that"]
    assert post.letters == []


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


def test_two_failures_of_a_unit_are_two_pieces_of_news(nights: Nights, post: Post) -> None:
    """Mail programs show one of two with the same id; and two that could not be told are two debts."""
    for _ in range(2):
        nights.clock.at += timedelta(days=1)
        tell_failure(nights.workspace, UNIT, nights.compose)
    assert len({one.message["Message-ID"] for one in post.letters}) == 2

    post.letters.clear()
    post.answers = ["554 no"] * 2
    for _ in range(2):
        nights.clock.at += timedelta(days=1)
        tell_failure(nights.workspace, UNIT, nights.compose)
    nights.tell(None)
    text = " ".join(post.letters[0].part("plain").split())
    assert text.count("unit vya-backupdb-backup.service: failed before it did anything") >= 2
    assert "2 runs told late" in str(nights.workspace.catalog.rows("SELECT data FROM events ORDER BY id")[-1]["data"])


def test_a_unit_that_failed_before_it_did_anything_is_told(nights: Nights, post: Post) -> None:
    """Last night's run was well, and tonight's never began."""
    nights.night(*shop(1))
    post.letters.clear()
    tell_failure(nights.workspace, UNIT, nights.compose)
    assert subjects(post, ONCALL) == ["[VYA] ERROR testhost: vya-backupdb-backup.service failed before it did anything"]


# --------------------------------------------------------------------------- the week, and pings


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
