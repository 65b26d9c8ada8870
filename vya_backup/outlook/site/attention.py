"""What a person should look at, the worst first, each as one sentence with the page that tells more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from vya_backup.clock import parse_rfc3339, rfc3339
from vya_backup.history.reading import Reads
from vya_backup.outlook.figures import human_age
from vya_backup.outlook.site.cells import encoded
from vya_backup.outlook.site.lines import RANK, Line
from vya_backup.outlook.site.rooms import SOON, Disk

RECENT = timedelta(days=7)
_LOST = """
SELECT state, count(*) AS number FROM projected_backups
WHERE state IN ('damaged', 'missing') AND ?1 IN ('', host) GROUP BY state
"""
_UNREACHED = """
SELECT instance, host, at, json_extract(data, '$.message') AS message FROM events WHERE id IN (
  SELECT max(id) FROM events WHERE type = 'discovery_failed' GROUP BY instance
) AND at >= ?
"""
_REACHED = "SELECT started_at AS at FROM projected_backups WHERE instance = ? ORDER BY sequence DESC LIMIT 1"
_RESTORES = """
SELECT backup_id, target_instance, target_database, message, host, finished_at FROM restores
WHERE state = 'failed' AND started_at >= ? ORDER BY sequence DESC LIMIT 10
"""


@dataclass(frozen=True)
class Concern:
    """One thing to look at. `tone` is bad or warn."""

    tone: str
    title: str
    words: str
    path: str = ""
    at: datetime | None = None


def concerns(
    reads: Reads, lines: Sequence[Line], disks: Sequence[Disk], now: datetime, host: str = ""
) -> list[Concern]:
    """Return everything that is not as it should be, the worst first."""
    worst_first = sorted(lines, key=lambda line: (RANK[line.state], line.key))
    found = [one for line in worst_first if (one := _of_line(line))]
    found += [one for line in worst_first if (one := _of_drill(line))]
    found += _of_disks(disks, now)
    found += _of_backups(reads, host)
    found += _of_instances(reads, now, host)
    found += _of_restores(reads, now, host)
    return sorted(found, key=lambda one: one.tone != "bad")


def _of_line(line: Line) -> Concern | None:
    row, said = line.row, f": {line.row.last_failure_message}" if line.row.last_failure_message else ""
    if line.state == "never":
        return Concern("bad", line.name, f"has no good backup{said}", line.path, row.last_failure_at)
    if line.state == "overdue":
        is_why = row.last_failure_at and row.newest_good_at and row.last_failure_at > row.newest_good_at
        why = said if is_why else ", and nothing was tried since"
        words = f"newest good backup is {human_age(row.age_seconds)} old{why}"
        return Concern("bad", line.name, words, line.path, row.newest_good_at)
    if line.state == "failing":
        return Concern("warn", line.name, f"failed since its newest good backup{said}", line.path, row.last_failure_at)
    return None


def _of_drill(line: Line) -> Concern | None:
    proof = line.proof
    if line.state == "gone" or not proof or proof.drill_verdict in {None, "pass"}:
        return None
    is_fail = proof.drill_verdict == "fail"
    words = f"its newest drill {'failed' if is_fail else 'could not judge'}: {proof.drill_reason or 'no reason given'}"
    return Concern("bad" if is_fail else "warn", line.name, words, line.path, proof.drilled_at)


def _of_disks(disks: Sequence[Disk], now: datetime) -> Iterator[Concern]:
    for disk in disks:
        full_at = disk.forecast.full_at
        if full_at and full_at <= now:
            yield Concern("bad", disk.host, "its disk has no room left for the next dump", "", disk.room.at)
        elif full_at and full_at - now < SOON:
            days = (full_at - now).days
            yield Concern("warn", disk.host, f"its disk is full in {days} days at the present pace", "", disk.room.at)


def _of_backups(reads: Reads, host: str) -> Iterator[Concern]:
    """Yield one concern for all that are damaged and one for all that are missing: old ones stay so for ever."""
    for row in reads.rows(_LOST, (host,)):
        number, words = row["number"], {"damaged": "damaged", "missing": "missing from the disk"}[row["state"]]
        title = f"{number:,} older backups" if number > 1 else "One backup"
        path = f"/catalog/backups?state={row['state']}&_sort_desc=sequence{f'&host={quote(host)}' if host else ''}"
        yield Concern("warn", title, f"{'are' if number > 1 else 'is'} {words}; each page says since when", path)


def _of_instances(reads: Reads, now: datetime, host: str) -> Iterator[Concern]:
    for row in reads.rows(_UNREACHED, (rfc3339(now - RECENT),)):
        reached = reads.rows(_REACHED, (row["instance"],))
        is_over = reached and reached[0]["at"] > row["at"]
        if not is_over and (not host or row["host"] == host):
            words = f"could not be asked for its databases: {row['message']}"
            yield Concern(
                "bad", row["instance"], words, f"/instance/{encoded(row['instance'])}", parse_rfc3339(row["at"])
            )


def _of_restores(reads: Reads, now: datetime, host: str) -> Iterator[Concern]:
    for row in reads.rows(_RESTORES, (rfc3339(now - RECENT),)):
        if not host or row["host"] == host:
            name = f"{row['target_instance']}/{row['target_database']}"
            at = parse_rfc3339(row["finished_at"]) if row["finished_at"] else None
            path = f"/backup/{encoded(row['backup_id'])}" if row["backup_id"] else "/catalog/restores"
            yield Concern("warn", name, f"a restore failed: {row['message']}", path, at)
