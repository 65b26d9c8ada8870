"""The report of evidence as one page: readable, printable, and asking for nothing from anywhere.

The rule: it shows what the answers say, shortened; every number stands whole in the files beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from vya_backup import __version__
from vya_backup.decisions.metadata import human_size
from vya_backup.history.questions import Answer, questions
from vya_backup.jobs.evidence import Findings
from vya_backup.outlook import evidence_plots as plots
from vya_backup.outlook.figures import human_age, human_duration
from vya_backup.resources import resource

MOST_ROWS: Final = 200
SHOWN: Final[Mapping[str, str]] = {
    "scope": "host instance database state reason found_at newest_good_at",
    "coverage": "host instance database restorable backup_started_at age_seconds size_bytes verified_at "
    "database_proved_at",
    "failures_mended": "at host instance database what code message state mended_at open_seconds",
    "drills_made": "at instance database verdict duration_seconds reason rows plain_bytes server",
    "restores_made": "started_at host done_by kind state instance database target_instance target_database "
    "duration_seconds message",
    "deletions": "pruned_at instance database backup_started_at size_bytes reason removed_at done_by",
    "holds": "host instance database state held_at held_by reason released_at released_by release_reason",
    "account_changes": "at host instance added removed changed differences problem",
    "configuration_changes": "at host run_by changes",
    "runs_made": "started_at host run_by command duration_seconds exit_status",
}
"""The answers that the report shows, in its order, with these columns."""
_FLAGS: Final = {
    "bad": {"never backed up", "no", "open", "fail", "failed", "never asked"},
    "fine": {"backed up", "yes", "mended", "pass", "restored", "recovered"},
}


def render(findings: Findings) -> str:
    """Return the page."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"cell": cell, "flag": flag, "words": words}
    template = environment.from_string(resource("catalog/evidence/report.html").read_text(encoding="utf-8"))
    return template.render(_facts(findings))


def _facts(findings: Findings) -> dict[str, Any]:
    from markupsafe import Markup

    order, answers = findings.order, findings.answers
    backups, drills = answers["backups_made"].dicts(), answers["drills_made"].dicts()
    days = order.period.days
    lines = plots.calendar(days, _known(findings), backups, drills, findings.interval_days)
    titles = {question.name: question for question in questions()}
    return {
        "order": order,
        "findings": findings,
        "version": __version__,
        "hosts": sorted({host for host, _, _ in findings.known_since}),
        "summary": _summary(findings),
        "signature": _signature(findings),
        "chain": _chain(findings),
        "days": days,
        "months": list(Counter(day[:7] for day in days).items()),
        "lines": [
            {
                "line": line,
                "calendar": Markup(plots.calendar_svg(line)),  # noqa: S704 - made of counts and dates alone
                "sizes": Markup(plots.sizes_svg(line.sizes, "sizes of the good backups")),  # noqa: S704 - the same
                "size": human_size(line.sizes[-1]) if line.sizes else "-",
            }
            for line in lines
        ],
        "drills": Markup(plots.drills_svg(drills, days)),  # noqa: S704 - made of numbers and dates alone
        "tables": [_table(titles[name], answers[name], columns.split()) for name, columns in SHOWN.items()],
        "other": [titles[name] for name in ("backups_made", "history")],
    }


def _known(findings: Findings) -> dict[plots.Key, tuple[str, str]]:
    """Return when each database was there: from its first dump to the last attempt at what was not found any more."""
    gone = {
        (row["host"], row["instance"], row["database"]): row["last_attempt_at"][:10]
        for row in findings.answers["scope"].dicts()
        if row["state"] == "no longer found"
    }
    return {key: (first[:10], gone.get(key, "9999")) for key, first in findings.known_since.items()}


def _table(question: Any, answer: Answer, columns: Sequence[str]) -> dict[str, Any]:
    rows = [{name: row[name] for name in columns} for row in answer.dicts()[:MOST_ROWS]]
    hosts = {row["host"] for row in answer.dicts()} if "host" in columns else set()
    kept = [name for name in columns if name != "host" or len(hosts) > 1]
    return {"question": question, "columns": kept, "rows": rows, "all": len(answer.rows)}


def _summary(findings: Findings) -> list[tuple[str, str, str]]:
    """Return number, what is counted, and whether that is bad."""
    told = {name: answer.dicts() for name, answer in findings.answers.items()}

    def count(name: str, column: str, *values: str) -> int:
        return sum(row[column] in values for row in told[name])

    covered, bare = count("coverage", "restorable", "yes"), count("coverage", "restorable", "no")
    never = count("scope", "state", "never backed up", "never asked")
    made = [row for row in told["backups_made"] if row["good_since"]]
    failed = len(told["backups_made"]) - len(made)
    drills, lost = count("drills_made", "verdict", "pass"), count("drills_made", "verdict", "fail")
    still = count("failures_mended", "state", "open")
    return [
        (f"{covered:,}", "databases could be restored at the end of the period", ""),
        (f"{bare:,}", "databases with backups could not", "bad" if bare else ""),
        (f"{never:,}", "databases or instances in scope were never backed up", "bad" if never else ""),
        (f"{len(made):,}", "backups were made and read back", ""),
        (f"{failed:,}", "attempts did not become a good backup", "bad" if failed else ""),
        (f"{drills:,}", "rehearsed restores passed", "" if drills else "bad"),
        (f"{lost:,}", "rehearsed restores failed", "bad" if lost else ""),
        (f"{still:,}", f"of {len(told['failures_mended']):,} failures are not mended", "bad" if still else ""),
        (f"{len(told['restores_made']):,}", "restores and recoveries", ""),
        (f"{len(told['deletions']):,}", "backups were given up by the retention policy", ""),
    ]


def _signature(findings: Findings) -> str:
    signing = findings.order.signing
    if signing.signer and signing.on_backup_host:
        return (
            f"Signed by the key {signing.signer.public.hex()}, whose private half lies on the backup host itself: it is"
            " not kept off that host, so whoever rules it could have signed anything."
        )
    if signing.signer:
        return f"Signed by the key {signing.signer.public.hex()}, on another machine than the hosts of these backups."
    if signing.public_key:
        return (
            f"To be signed by the key {signing.public_key.hex()}, whose private half is kept off the backup host. "
            "verify.py fails until that is done."
        )
    return (
        "Not signed: no key is configured. Whoever rules the backup host could have made all of this anew; only hashes "
        "that were kept elsewhere show that it was not."
    )


def _chain(findings: Findings) -> str:
    verdict = findings.order.verdict
    events = sum(span.last - span.first + 1 for span in findings.spans)
    whole = (
        f"All {events:,} events from the first to the last of the period are here, each with the hash of the one before"
    )
    told = f"{verdict.report.events:,} events and {verdict.heads:,} hashes that were written down elsewhere"
    if verdict.ok:
        return f"{whole}. The whole catalog was verified before: {told}, without a fault."
    return f"{whole}. THE CATALOG IS NOT INTACT: {told}; faults: {'; '.join(verdict.faults[:20])}"


def cell(value: Any, column: str) -> str:
    """Return a value for people; the exact one is in the file beside."""
    if value is None or value == "":
        return "-"
    if column.endswith("_bytes"):
        return human_size(int(value))
    if column in {"age_seconds", "open_seconds"}:
        return human_age(float(value))
    if column.endswith("_seconds"):
        return human_duration(float(value))
    if column.endswith("_at") or column == "at":
        return f"{value[:10]} {value[11:16]}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def flag(value: Any) -> str:
    """Return the class of a verdict, an empty text for what is none."""
    return next((name for name, values in _FLAGS.items() if isinstance(value, str) and value in values), "")


def words(column: str) -> str:
    """Return the name of a column as a heading."""
    return column.removesuffix("_seconds").removesuffix("_bytes").replace("_", " ")
