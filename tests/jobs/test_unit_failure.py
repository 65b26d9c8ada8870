"""What the failure unit of systemd tells, and what was told already."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.history.samples import started
from tests.jobs.nights import ADMIN, FAILED, ONCALL, UNIT, Nights, crm, shop, subjects
from tests.post import Post
from vya_backup.history.notices import runs_since
from vya_backup.jobs.unit_failure import Unit, asked, tell_failure


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


def test_what_the_run_itself_could_not_tell_is_told_by_the_failure_unit(nights: Nights, post: Post) -> None:
    """A drill's unit has no network, and a mail server may be back a minute later; the next run does not repeat it."""
    post.answers = ["554 closed for repairs"]
    nights.night(FAILED, status=1)
    assert post.letters == []
    assert "told by the run itself" not in tell_failure(nights.workspace, UNIT, nights.compose)[0]
    assert [one.to for one in post.letters] == [[ONCALL]]
    nights.night(*shop(2), *crm(2))
    assert "crm is good again" in subjects(post, ONCALL)[1]
    assert "told late" not in post.letters[1].part("plain")


def test_what_neither_could_tell_is_one_debt(nights: Nights, post: Post) -> None:
    """On record once, and told by the next run."""
    post.answers = ["554 closed for repairs"] * 2
    nights.night(FAILED, status=1)
    (problem,) = tell_failure(nights.workspace, UNIT, nights.compose)[1]
    assert "554 closed for repairs" in problem.message
    refused = nights.workspace.catalog.rows("SELECT id FROM events WHERE type = 'notification_failed'")
    assert len(refused) == 1
    nights.night(*shop(2), *crm(2))
    (mail,) = post.letters
    assert mail.to == [ONCALL]
    assert "no room left" in mail.part("plain")


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


@pytest.mark.parametrize("own", [True, False])
def test_the_manager_that_started_the_unit_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool) -> None:
    """That of the system says of a person's own unit that all is well, since it knows none of that name."""
    program = tmp_path / "systemctl"
    program.write_text('#!/bin/sh\n[ "$1" = --user ] && echo Result=signal || echo Result=success\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    unit = asked(UNIT.name, {"MANAGERPID": "1"} if own else {})
    assert unit.facts == {"Result": "signal" if own else "success"}
    assert unit.look == (f"journalctl {'--user ' if own else ''}-u {UNIT.name}",)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("243", "The key of the credentials is not where the unit takes it from"),
        ("226", "A folder that the unit names is not there, or its disk is not mounted"),
        ("217", "The account that the unit names does not exist"),
    ],
)
def test_a_unit_that_systemd_could_not_begin_is_told_where_to_look(
    nights: Nights, post: Post, status: str, why: str
) -> None:
    """systemd started nothing, so no line of ours is in the journal."""
    unit = Unit(UNIT.name, {"Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": status})
    tell_failure(nights.workspace, unit, nights.compose)
    text = " ".join(post.letters[0].part("plain").split())
    assert why in text
    assert f"systemctl cat {UNIT.name}" in text


def test_a_unit_that_never_began_is_not_taken_for_a_run_of_the_same_second(nights: Nights, post: Post) -> None:
    """systemd tells to the second when it tried; that run has told what it was."""
    nights.night(FAILED, status=1)
    post.letters.clear()
    (run,) = runs_since(nights.workspace.catalog, 0)
    tried = f"{run.started_at:%a %Y-%m-%d %H:%M:%S} UTC"
    tell_failure(
        nights.workspace,
        Unit(UNIT.name, {"ExecMainStatus": "243", "ExecMainStartTimestamp": tried}),
        nights.compose,
    )
    assert subjects(post, ONCALL) == ["[VYA] ERROR testhost: vya-backupdb-backup.service failed before it did anything"]


def test_a_unit_that_failed_before_it_did_anything_is_told(nights: Nights, post: Post) -> None:
    """Last night's run was well, and tonight's never began."""
    nights.night(*shop(1))
    post.letters.clear()
    tell_failure(nights.workspace, UNIT, nights.compose)
    assert subjects(post, ONCALL) == ["[VYA] ERROR testhost: vya-backupdb-backup.service failed before it did anything"]
