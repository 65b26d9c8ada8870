"""The mail of a week: how every database stands, what ran, what failed and mended, and how long the disk lasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from vya_backup.clock import rfc3339
from vya_backup.decisions.fates import name_of
from vya_backup.decisions.manifest import counted
from vya_backup.decisions.retention import Policy
from vya_backup.decisions.slots import is_overdue
from vya_backup.decisions.tidings import MOST_LINES, Concern, Count, Coverage, Tidings, Week, highest, plain
from vya_backup.history import notices
from vya_backup.history.notices import ToldRun
from vya_backup.history.questions import ask, question
from vya_backup.history.setups import newest_setups
from vya_backup.history.watching import WatchedRow, watched
from vya_backup.jobs.notice_facts import surroundings
from vya_backup.jobs.workspace import Workspace
from vya_backup.outlook.figures import human_age, human_size
from vya_backup.outlook.site.rooms import disks

LENGTH = timedelta(days=7)
MOST_RUNS = 2000
MOST_FAILURES = 30


def week_of(workspace: Workspace) -> tuple[Tidings, Week]:
    """Return what is told of the seven days that end now.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    now = workspace.clock().astimezone(workspace.configuration.scheduling.zone)
    since = now - LENGTH
    rows = watched(workspace.catalog)
    runs = [run for run in notices.runs_since(workspace.catalog, 0, MOST_RUNS) if run.started_at >= since]
    failures = _failures(workspace, since, now)
    covers = sorted((_coverage(row, workspace, now) for row in rows), key=lambda one: not one.is_bad)
    missed = _missed(workspace, runs)
    concerns = tuple(_concerns(covers, rows, failures))
    about = vars(surroundings(workspace, None))
    level = highest(one.level for one in concerns)
    tidings = Tidings(
        **about
        | {
            "level": level,
            "headline": _headline(now, rows, covers, failures, len(missed)),
            "what": f"digest: {counted(len(rows), 'database')}, {counted(len(failures), 'failure')}",
            "concerns": concerns,
        }
    )
    week = Week(
        since=since,
        until=now,
        covers=tuple(covers[:MOST_LINES]),
        more_covers=max(0, len(covers) - MOST_LINES),
        more_bad=sum(one.is_bad for one in covers[MOST_LINES:]),
        runs=tuple(_counts(runs)),
        failures=tuple(_told(one) for one in failures[:MOST_FAILURES]),
        more_failures=max(0, len(failures) - MOST_FAILURES),
        missed=tuple(missed[:MOST_FAILURES]),
        more_missed=max(0, len(missed) - MOST_FAILURES),
        facts=tuple(_facts(workspace, now)),
    )
    return tidings, week


def _coverage(row: WatchedRow, workspace: Workspace, now: datetime) -> Coverage:
    def age(at: datetime | None) -> float | None:
        return (now - at).total_seconds() if at else None

    return Coverage(
        name=name_of(row.instance, row.database),
        good_age=age(row.newest_good_at),
        proved_age=age(row.proved_at),
        verified_age=age(row.verified_at),
        size_bytes=row.size_bytes,
        is_bad=row.failing or is_overdue(row.newest_good_at, now, workspace.schedule),
    )


def _failures(workspace: Workspace, since: datetime, now: datetime) -> list[dict[str, Any]]:
    period = {"from": rfc3339(since), "to": rfc3339(now), "limit": MOST_RUNS}
    return ask(workspace.catalog, question("failures_mended"), period).dicts()


def _missed(workspace: Workspace, runs: Sequence[ToldRun]) -> list[str]:
    found = notices.happenings(workspace.catalog, [run.run_id for run in runs], ("missed",))
    return [plain(one.sentence or "a run was missed") for happened in found.values() for one in happened]


def _concerns(
    covers: Iterable[Coverage], rows: Iterable[WatchedRow], failures: Iterable[dict[str, Any]]
) -> Iterator[Concern]:
    for one in covers:
        if one.good_age is None:
            yield Concern("CRITICAL", f"{one.name} has no good backup at all", "See why: doit databases")
        elif one.is_bad:
            yield Concern("ERROR", f"{one.name} is overdue or its newest attempt failed", "See why: doit databases")
    for row in rows:
        if row.drill_verdict == "fail":
            what = f"the newest drill of {name_of(row.instance, row.database)} failed: {row.drill_reason}"
            yield Concern("ERROR", plain(what), "Look at what differs, then: doit drill")
    if any(one["state"] == "open" for one in failures):
        yield Concern("WARNING", "failures of the week are not mended yet", "See: doit catalog ask failures_mended")


def _headline(
    now: datetime, rows: Sequence[WatchedRow], covers: Iterable[Coverage], failures: Sequence[Any], missed: int
) -> str:
    bad = sum(one.is_bad for one in covers)
    good = f"{len(rows) - bad:,} of {counted(len(rows), 'database')} covered"
    year, number, _ = now.isocalendar()
    words = [good, counted(len(failures), "failure"), *([f"{missed:,} missed"] if missed else [])]
    return f"week {year}-W{number:02d}: {', '.join(words)}"


def _counts(runs: Sequence[ToldRun]) -> Iterator[Count]:
    kinds = Counter(_kind(run) for run in runs)
    yield Count("runs", ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common()) or "none")
    failed = sum(bool(run.exit_status) for run in runs)
    open_ = sum(run.exit_status is None for run in runs)
    yield Count("of them", f"{failed:,} failed, {open_:,} without an end")


def _kind(run: ToldRun) -> str:
    words = run.command.split()
    return plain(words[1].partition(":")[0] if len(words) > 1 else run.command, 20)


def _told(row: dict[str, Any]) -> str:
    where = name_of(row["instance"], row["database"])
    state = f"mended after {human_age(row['open_seconds'])}" if row["state"] == "mended" else "OPEN"
    return plain(f"{row['at'][:16].replace('T', ' ')} {where} {row['what']}: {row['message']} ({state})")


def _facts(workspace: Workspace, now: datetime) -> Iterator[Count]:
    retention = workspace.configuration.storage.retention
    yield Count("retention", str(Policy.of(retention)))
    for disk in disks(workspace.catalog, newest_setups(workspace.catalog), now):
        yield Count("the disk", disk.words)
        if disk.forecast.known:
            yield Count("it fills by", f"{human_size(max(0, disk.forecast.pace))} a day")
