"""What people read: everything that matters is in it, whatever databases are called and whatever templates do."""

from __future__ import annotations

import html as markup
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vya_backup.decisions.fates import Before, Run
from vya_backup.decisions.owing import joined
from vya_backup.decisions.telling import told
from vya_backup.decisions.tidings import Concern, Count, Earlier, Head, Letter, Tidings, plain
from vya_backup.history.notices import Happening, ToldRun
from vya_backup.outlook.letters import delta, letter
from vya_backup.redaction import remember
from vya_backup.settings.notifications_model import EmailTemplates

AT = datetime(2026, 1, 9, 2, tzinfo=UTC)
HINT = "Free some space in /var/backups, run: doit prune, or enlarge the disk."


def ended(status: int | None = 0, results: dict[str, int] | None = None, command: str = "doit backup") -> ToldRun:
    """Give a run that ended after 90 seconds."""
    end = AT + timedelta(seconds=90) if status is not None else None
    return ToldRun(7, "run-1", command, "vya (unit: vya-backup.service)", AT, end, status, results, None)


def event(kind: str, instance: str | None = "prod", database: str | None = "shop", **data: object) -> Happening:
    """Give an event of a run."""
    return Happening(1, AT, kind, instance, database, "b1", str(data.pop("sentence", "")), dict(data))


def good(database: str, size: int = 1_200_000, seconds: float = 2.5) -> list[Happening]:
    """Give the events of a good backup."""
    return [
        event("started", database=database),
        event("dumped", database=database, size_bytes=size, duration_seconds=seconds),
        event("checksummed", database=database, size_bytes=size),
    ]


def night() -> Run:
    """Give the night in which one of five databases failed."""
    happened = [one for name in ("billing", "crm", "hr", "wiki") for one in good(name)]
    happened += [event("started"), event("failed", step="dump", code="space", message="no room left", hint=HINT)]
    before = {("prod", "crm"): Before(1_000_000, 2.5), ("prod", "hr"): Before(1_250_000, 0.5)}
    return Run(ended(1, {"ok": 4, "failed": 1}), happened, before)


def tidings(run: Run, **more: object) -> Tidings:
    """Give what is told of a run, with everything around it."""
    about = Tidings(
        level="SUCCESS",
        headline="",
        host="db1",
        environment="production",
        at=AT,
        command=run.run.command,
        run_id=run.run.run_id,
        exit_status=run.run.exit_status,
        seconds=90,
        counts=(Count("free space", "1.2 TiB of 4.0 TiB (30 %)"), Count("pruned since the last", "3 backups")),
        head=Head("0190-cat", 4711, "c0ffee" * 10 + "beef"),
        look=("doit status",),
    )
    return replace(joined(about, told(run), ()), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def written() -> Letter:
    """Give the mail about that night."""
    return letter(tidings(night()))


def visible(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(markup.unescape(re.sub(r"<[^>]+>", " ", page.partition("<body")[2])).split())


def test_the_subject_of_a_night_in_which_one_of_five_failed() -> None:
    """It says it all."""
    assert letter(tidings(night())).subject == "[VYA] ERROR db1: 1 of 5 databases failed: shop (disk full)"


@pytest.mark.parametrize(
    "said",
    [
        "prod/shop",
        "no room left",
        HINT,
        "prod/crm",
        "+20 %",
        "x 5.0",
        "new",
        "1.2 TiB of 4.0 TiB (30 %)",
        "3 backups",
        "4,711",
        "c0ffee",
        "exit status 1",
        "doit status",
    ],
)
def test_text_and_html_say_the_same(said: str, written: Letter) -> None:
    """Each fact stands in both."""
    assert said in " ".join(written.text.split())
    assert said in visible(written.html)


def test_the_failed_one_comes_first() -> None:
    """Nobody reads to the end of a table."""
    text = letter(tidings(night())).text
    assert text.index("prod/shop") < text.index("prod/billing")


def test_the_text_fits_eighty_columns() -> None:
    """Whatever mail program shows it; a name that is longer stays whole."""
    written = letter(tidings(night(), earlier=(Earlier(AT, "ERROR", "shop failed " * 9, ("x y " * 40,), "why " * 30),)))
    assert [line for line in written.text.splitlines() if len(line) > 80] == []


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    """Mail programs drop styles of the head, scripts and remote images; so there are none."""
    page = letter(tidings(night())).html
    assert not re.findall(r"<(script|style|img|link|iframe|form)\b", page)
    assert not re.findall(r"https?://|url\(", page)


HOSTILE = "a\r\nBcc: eve@example.org <script>alert(1)</script> \u202etxt.exe =?utf-8?q?x?="


def test_hostile_names_and_messages_stay_words() -> None:
    """No head, no markup, no turned direction, no encoded word."""
    happened = [event("started", database=HOSTILE), event("failed", database=HOSTILE, code="dump", message=HOSTILE)]
    written = letter(tidings(Run(ended(1), happened)))
    assert "\n" not in written.subject
    assert "=?" not in written.subject
    assert "\u202e" not in written.subject + written.text + written.html
    assert "<script" not in written.html
    assert "&lt;script&gt;" in written.html
    assert not [line for line in written.text.splitlines() if line.startswith("Bcc:")]


def test_two_databases_whose_names_look_the_same_are_two() -> None:
    """A control character is not shown, and counts."""
    happened = [*good("shop"), event("failed", database="shop\x07", code="dump", message="x")]
    assert "1 of 2 databases failed" in letter(tidings(Run(ended(1), happened))).subject


def test_five_thousand_databases_make_a_mail_that_can_be_read() -> None:
    """Failures first, then some of the good ones, the rest counted."""
    happened = [one for number in range(4990) for one in good(f"db{number:04}")]
    happened += [event("failed", database=f"bad{number}", code="dump", message="no") for number in range(10)]
    written = letter(tidings(Run(ended(1), happened)))
    assert written.subject == (
        "[VYA] ERROR db1: 10 of 5,000 databases failed: bad0 (dump), bad1 (dump), bad2 (dump) and 7 more"
    )
    assert "and 4,950 more, all good" in written.text
    assert "and 4,950 more, all good" in visible(written.html)
    assert all(f"prod/bad{number}" in written.text for number in range(10))
    assert max(len(written.text), len(written.html)) < 100_000


def test_secrets_never_reach_a_letter() -> None:
    """Though an old event may hold one that became a secret since."""
    remember("hunter2-hunter2")
    happened = [event("failed", code="login", message="password hunter2-hunter2 refused")]
    written = letter(tidings(Run(ended(1), happened)))
    assert "hunter2" not in written.subject + written.text + written.html


@pytest.mark.parametrize(
    ("value", "before", "words"),
    [(120, 100, "+20 %"), (90, 100, "\N{MINUS SIGN}10 %"), (100, None, "new"), (100, 0, "new"), (250, 100, "x 2.5")],
)
def test_a_change_in_words(value: float, before: float | None, words: str) -> None:
    """Against the last good one."""
    assert delta(value, before) == words


# --------------------------------------------------------------------------- templates of the operator's own


def test_an_own_template_is_used_for_its_kind_of_mail(tmp_path: Path) -> None:
    """Text and HTML each by itself; what is not there is built in."""
    (tmp_path / "backup_error.html").write_text("<p>{{ t.headline }}</p>")
    written = letter(tidings(night()), EmailTemplates(folder=tmp_path))
    assert written.html == "<p>1 of 5 databases failed: shop (disk full)</p>\n"
    assert "c0ffee" in written.text
    assert written.problem == ""


@pytest.mark.parametrize(
    "broken",
    [
        "{% if %}",
        "{{ t.nothing }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% for i in range(99999999) %}{% endfor %}",
        "{{ 'x' * 9000000 }}",
        "{% include 'elsewhere.html' %}",
        "\xff",
    ],
)
def test_a_broken_template_silences_nothing(tmp_path: Path, broken: str) -> None:
    """The built-in one is taken, and the mail says so; a template reaches nothing of this machine."""
    (tmp_path / "backup_error.html").write_text(broken, encoding="latin-1")
    written = letter(tidings(night()), EmailTemplates(folder=tmp_path))
    assert "the template backup_error.html" in written.problem
    assert "the template backup_error.html" in " ".join(written.text.split())
    assert "the template backup_error.html" in visible(written.html)
    assert "prod/shop" in written.html


@pytest.mark.parametrize("name", ["own.html", "own.htm", "own.HTML", "own.jinja", "own.html.j2"])
def test_whatever_a_template_is_given_is_escaped(tmp_path: Path, name: str) -> None:
    """Also in one that is not the built-in one, whatever it is called."""
    (tmp_path / name).write_text("{{ t.headline }}")
    named = EmailTemplates(folder=tmp_path, error=name)
    (tmp_path / "own.html.txt").write_text("{{ t.headline }}")
    (tmp_path / "own.txt").write_text("{{ t.headline }}")
    written = letter(tidings(night(), headline="<b>x</b>"), named)
    assert (written.html, written.text) == ("&lt;b&gt;x&lt;/b&gt;\n", "<b>x</b>\n")


# --------------------------------------------------------------------------- levels


@pytest.mark.parametrize(
    ("happened", "status", "level", "said"),
    [
        (good("shop"), 0, "SUCCESS", "1 database backed up"),
        ([event("failed", code="dump", message="x"), *good("shop")], 0, "WARNING", "good again"),
        ([event("missed", None, None, sentence="the run of 02:00 was missed")], 0, "WARNING", "02:00 was missed"),
        ([event("verified", verdict="cannot judge", reason="no zstd")], 0, "WARNING", "cannot judge"),
        ([event("failed", None, None, step="metrics", message="x")], 0, "WARNING", "metrics failed"),
        ([event("drilled", verdict="cannot judge")], 1, "ERROR", "cannot judge"),
        ([event("drilled", verdict="fail", reason="rows differ")], 1, "ERROR", "rows differ"),
        ([event("discovery_failed", database=None, code="unreachable", message="x")], 1, "ERROR", "prod (unreachable)"),
        ([event("restore_failed", code="restore", message="x")], 1, "ERROR", "shop"),
        ([event("abandoned", reason="its process is gone")], 1, "ERROR", "shop (killed)"),
        ([], 143, "ERROR", "stopped"),
        ([], 2, "ERROR", "bug"),
        ([event("damaged", reason="digest differs")], 1, "CRITICAL", "shop (damaged)"),
        ([event("missing", path="x")], 1, "CRITICAL", "shop (file missing)"),
        (
            [event("failed", None, None, step="copy of the catalog", code="storage", message="disk full")],
            1,
            "CRITICAL",
            "catalog was not copied",
        ),
        (
            [event("failed", None, None, step="copy of the catalog", code="catalog", message="x")],
            1,
            "CRITICAL",
            "hash chain is broken",
        ),
        (
            [event("failed", code="dump", message="x"), event("failed", None, None, step="copy of the catalog")],
            1,
            "CRITICAL",
            "1 of 1 database failed: shop (dump); the catalog was not copied",
        ),
    ],
)
def test_the_level_of_what_happened(happened: list[Happening], status: int, level: str, said: str) -> None:
    """As the table of the module has it; the subject names the worst."""
    written = tidings(Run(ended(status), happened))
    assert written.level == level
    assert said in written.subject


def test_a_database_without_any_good_backup_is_critical() -> None:
    """Its first backup failed."""
    run = replace(night(), bare=frozenset({("prod", "shop")}))
    assert tidings(run).level == "CRITICAL"
    assert "1 without any good backup" in tidings(run).subject


def test_a_killed_run_says_what_was_in_flight() -> None:
    """It has no end, and no exit status."""
    run = Run(ended(None), [event("started")], killed=True, in_flight=(("prod", "shop"),))
    written = tidings(run)
    assert (written.level, written.headline) == ("ERROR", "run killed while dumping prod/shop")
    assert [(one.name, one.result) for one in written.lines] == [("prod/shop", "abandoned")]


def test_what_an_earlier_run_left_cut_off_is_counted_once() -> None:
    """It is fresh by the backup before, so that the run that closes it counts it as current, too."""
    cut_off = [event("abandoned", database=name, reason="its process is gone") for name in ("crm", "mydb")]
    run = Run(ended(0, {"ok": 1, "current": 3}), [*good("shop"), *cut_off])
    written = tidings(run)
    assert written.headline == "2 of 4 databases failed: crm (killed), mydb (killed)"
    assert written.current == 1
    assert {one.hint for one in written.lines if one.is_bad} == {
        "Run: doit backup, with --force where an older good one is still fresh."
    }


def test_what_stands_is_told_with_the_run() -> None:
    """Overdue databases are nobody's failure of tonight."""
    run = Run(ended(0), good("shop"), standing=(Concern("WARNING", "overdue: prod/old"),))
    assert tidings(run).subject == "[VYA] WARNING db1: 1 database done; overdue: prod/old"


def test_a_line_of_words_is_one_line() -> None:
    """And bounded."""
    assert plain("a\n\tb\x00c") == "a b c"
    assert len(plain("x" * 9999)) == 400
