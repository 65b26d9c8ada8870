"""Who is told what of nights that go well, go wrong, or are cut off; with a real mail server, by the real command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.conftest import Setup
from tests.acceptance.trouble import build, change, in_mid_dump
from tests.post import Letter, Post, post_office, web_server
from tests.project import CONFIGURATION, Project, new_project
from tests.servers import Servers

ADMIN, ONCALL = "admin@example.org", "oncall@example.org"


def told_by(post: Post, **more: Any) -> dict[str, Any]:
    """Return the settings under which successes go to one person and failures to another."""
    email = {
        "enabled": True,
        "smtp_host": "127.0.0.1",
        "smtp_port": post.port,
        "security": "none",
        "from_address": "backups@example.org",
        "success_recipients": [ADMIN],
        "error_recipients": [ONCALL],
        "timeout_seconds": 3,
        "give_up_seconds": 3,
    }
    return {"email": email | more}


@pytest.fixture
def post() -> Iterator[Post]:
    """Give a mail server."""
    with post_office() as office:
        yield office


@pytest.fixture
def project(tmp_path: Path, post: Post) -> Project:
    """Give five databases, of which one cannot be read."""
    made = new_project(tmp_path, CONFIGURATION + yaml.safe_dump({"notifications": told_by(post)}))
    for name in ("crm", "hr", "shop", "wiki"):
        made.execute(name, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1)")
    made.database("erp").write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    return made


def to(post: Post, person: str) -> list[Letter]:
    """Return what somebody got."""
    return [one for one in post.letters if one.to == [person]]


def subjects(letters: list[Letter]) -> list[str]:
    """Return what they are about, at a glance."""
    return [letter.message["Subject"].strip() for letter in letters]


def words(letter: Letter, kind: str = "plain") -> str:
    """Return a part of a mail, its lines joined."""
    return " ".join(letter.part(kind).split())


def notices(project: Project) -> list[tuple[str, str]]:
    """Return type and channel of every notice that the catalog knows."""
    return [(one["type"], one["data"]["channel"]) for one in project.events("type LIKE 'noti%'")]


def test_a_night_in_which_one_of_five_failed_is_one_mail(project: Project, post: Post) -> None:
    """Its subject says it all; both forms name what failed, why, what to do, and where the chain stands."""
    assert project.run("backup").status == 1

    (letter,) = post.letters
    assert letter.to == [ONCALL]
    assert subjects([letter])[0].startswith("[VYA] CRITICAL testhost: 1 of 5 databases failed: erp")
    (failed,) = project.events("type = 'failed'")
    head = project.events("type = 'run_finished'")[-1]["hash"]
    for kind in ("plain", "html"):
        said = words(letter, kind)
        for name in ("local/crm", "local/erp", "local/hr", "local/shop", "local/wiki", head):
            assert name in said, (kind, name)
        for part in (failed["data"]["message"].split("\n")[0], failed["data"]["hint"].split("\n")[0]):
            assert part[:40] in said.replace("&#39;", "'"), (kind, part)
    assert notices(project) == [("notified", "mail:error")]


def test_a_night_that_went_well_is_told_to_others_and_a_run_with_nothing_due_to_nobody(
    project: Project, post: Post
) -> None:
    """Nobody is told what is no news."""
    project.database("erp").unlink()
    assert project.run("backup").status == 0
    assert [one.to for one in post.letters] == [[ADMIN]]
    assert subjects(post.letters)[0].startswith("[VYA] SUCCESS testhost: 4 databases backed up")

    assert project.run("backup").status == 0
    assert len(post.letters) == 1


def test_a_mail_server_that_is_down_for_two_nights_costs_no_backup_and_no_news(project: Project, post: Post) -> None:
    """Each run says so and ends as it would have; the first mail that goes through tells of both nights."""
    project.database("erp").unlink()
    nobody = told_by(post) | {"email": told_by(post)["email"] | {"smtp_port": unused_port()}}
    change(project, notifications=nobody)
    for _ in range(2):
        done = project.run("backup", "--force")
        assert done.status == 0
        assert "mail:success was not told" in done.err
        assert done.err.count("took nothing") == 1
    assert {kind for kind, _ in notices(project)} == {"notification_failed"}
    assert "could not be told" in project.run("health").out

    change(project, notifications=told_by(post))
    assert project.run("backup", "--force").status == 0
    (letter,) = post.letters
    assert "2 runs told late" in str(project.events("type = 'notified'")[0]["data"]["what"])
    assert words(letter).count("4 databases backed up") >= 3
    assert project.run("backup", "--force").status == 0
    assert "told late" not in subjects(post.letters)[-1], "what was told is told no more"


@pytest.mark.parametrize("has_found", [True, False], ids=["something new is found", "nothing is"])
def test_a_misspelt_name_alarms_nobody(project: Project, post: Post, has_found: bool) -> None:
    """Whoever wrote it reads it; neither a ping nor the next night tells of a run that was killed."""
    project.database("erp").unlink()
    with web_server() as web:
        change(project, notifications=told_by(post) | {"pings": {"base_url": f"{web.url}/id"}})
        if not has_found:
            project.run("backup")
            post.letters.clear()
            web.requests.clear()
        misspelt = project.run("backup:local/nosuch")
        assert misspelt.status == 3, misspelt.said
        assert post.letters == []
        assert web.requests == []
        ends = [one["data"]["exit_status"] for one in project.events("type = 'run_finished'")]
        assert ends == ([3] if has_found else [0])

        assert project.run("backup", "--force").status == 0
        assert project.run("backup:local/shop", "--force").status == 0
    assert [path for path, _ in web.requests] == ["/id/start", "/id"] * 2
    assert all("told late" not in subject for subject in subjects(post.letters))
    assert to(post, ONCALL) == []


@pytest.mark.parametrize(
    ("blocks", "subject"),
    [
        (8, "CRITICAL testhost: doit backup failed, and the catalog"),
        (64, "ERROR testhost: the run ended early: Catalog"),
    ],
    ids=["it cannot be opened", "it takes no event"],
)
def test_a_catalog_that_cannot_be_written_silences_no_alarm(
    project: Project, post: Post, blocks: int, subject: str
) -> None:
    """A full disk looks like this: nothing is backed up, nothing recorded, and somebody has to know."""
    project.database("erp").unlink()
    project.run("backup")
    post.letters.clear()
    with web_server() as web:
        change(project, notifications=told_by(post) | {"pings": {"base_url": f"{web.url}/id"}})
        limited = f'ulimit -f {blocks} && exec "$@"'  # of 512 bytes; the memory of a write-ahead log takes 64
        done = project.outcome(["sh", "-c", limited, "sh", *project.command("backup", "--force")])
    assert done.status == 1
    assert [one.to for one in post.letters] == [[ONCALL]]
    assert subject in subjects(post.letters)[0]
    assert [path for path, _ in web.requests if path != "/id/start"] == ["/id/fail"]
    assert "disk failed" in web.requests[-1][1]


def unused_port() -> int:
    """Return a port that nobody listens at."""
    with post_office() as gone:
        return gone.port


def test_a_digest_that_was_refused_comes_behind_the_next_run(project: Project, post: Post) -> None:
    """Once in a week, and nobody has to think of it."""
    project.database("erp").unlink()
    project.run("backup")
    post.letters.clear()
    post.answers = ["554 5.7.1 no"]
    refused = project.run("notify", "digest")
    assert refused.status == 1
    assert "554" in refused.err

    assert project.run("backup").status == 0, "nothing is due, and yet the mail of the week is owed"
    assert len(post.letters) == 1
    assert "local/shop" in words(post.letters[0])
    assert "was sent this week already" in project.run("notify", "digest").out
    assert project.run("notify", "digest", "--again").status == 0
    assert len(post.letters) == 2


def test_every_channel_can_be_tried_and_a_mail_be_looked_at(project: Project, post: Post) -> None:
    """What the server answered is shown; a preview sends nothing."""
    tried = project.run("notify", "test")
    assert tried.status == 0
    assert "queued as 4711" in tried.out
    assert {tuple(one.to) for one in post.letters} == {(ADMIN,), (ONCALL,)}

    post.letters.clear()
    project.run("backup")
    sent = post.letters.pop()
    page = project.folder / "mail.html"
    looked = project.run("notify", "preview", "--html", str(page))
    assert looked.status == 0
    assert "1 of 5 databases failed" in looked.out
    assert without_chain(page.read_text()) == without_chain(sent.part("html"))
    assert project.run("notify", "preview").out.startswith("Subject: [VYA] CRITICAL")
    for action in ("test", "digest"):
        assert project.run("notify", action, "--dry-run").out.startswith("Subject: ")
    assert post.letters == []


def without_chain(html: str) -> str:
    """Return a mail without where the chain stood, which moves on when a mail is recorded."""
    return re.sub(r"position \d+ of catalog [0-9a-f-]+<br><code>[0-9a-f]+</code>", "", html).strip()


def test_a_refusing_server_is_named_by_the_trial(project: Project, post: Post) -> None:
    """With its own words and a status that a script sees."""
    post.strangers = {ONCALL: "550 5.1.1 no such person"}
    tried = project.run("notify", "test")
    assert tried.status == 1
    assert "550 5.1.1 no such person" in " ".join(tried.out.split())


def test_a_broken_template_is_replaced_by_the_built_in_one(project: Project, post: Post) -> None:
    """The mail comes all the same, and says so; so does `health`."""
    folder = project.folder / "templates"
    folder.mkdir()
    (folder / "backup_error.html").write_text("{{ t.nothing.such }}")
    change(project, notifications=told_by(post, templates={"folder": str(folder)}))
    project.run("backup")
    (letter,) = post.letters
    assert "local/erp" in words(letter, "html")
    assert "backup_error.html" in words(letter)
    assert "backup_error.html" in project.run("health").out


def test_a_run_killed_in_mid_dump_is_told_by_the_failure_unit_and_closed_by_the_next(
    project_with: Setup, servers: Servers, post: Post
) -> None:
    """The unit tells at once, and once; the next run says `abandoned` and `missed`, and makes the backup."""
    server = servers.shared("mariadb")
    build(server)
    project = project_with(source=server)
    configuration = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    configuration["instances"][0]["databases"] = ["shop"]
    project.configure(yaml.safe_dump(configuration | {"notifications": told_by(post)}))
    with in_mid_dump(project, server, words=("schedule", "run", "backup")) as run:
        run.kill()
        run.communicate()
    unit = {"MONITOR_SERVICE_RESULT": "signal", "MONITOR_EXIT_CODE": "killed", "MONITOR_EXIT_STATUS": "KILL"}
    failed = project.run("notify", "failed", "--unit", "vya-backupdb-backup.service", **unit)
    assert failed.status == 0, failed.said
    (letter,) = post.letters
    assert letter.to == [ONCALL]
    assert "run killed while dumping source/shop" in subjects([letter])[0]
    project.run("notify", "failed", "--unit", "vya-backupdb-backup.service", **unit)
    assert len(post.letters) == 1

    done = project.run("backup")
    assert done.status == 0, done.said
    (closed,) = project.events("type = 'abandoned'")
    assert closed["database"] == "shop"
    (missed,) = project.events("type = 'missed'")
    assert (missed["data"]["job"], missed["data"]["cause"]) == ("backup", "killed")
    assert [one.to for one in post.letters] == [[ONCALL], [ONCALL]]
    assert "it was killed, or it crashed" in words(post.letters[-1])
    assert "source/shop is good again after a failure" in words(post.letters[-1])
    server.drop_database("shop")
