"""One line for each database: is it covered, how old is its newest good backup, was it proved; with its last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vya_backup.decisions.retention import local_day
from vya_backup.decisions.slots import MINUTES_PER_DAY
from vya_backup.history.reading import Reads, read
from vya_backup.history.views import DatabaseRow, databases
from vya_backup.outlook.site.cells import database_path
from vya_backup.outlook.site.days import days_of
from vya_backup.outlook.site.pasts import recent_past_of
from vya_backup.outlook.site.strip import strip
from vya_backup.outlook.site.surroundings import Surroundings

DAYS = 30
RANK = {"never": 0, "overdue": 1, "failing": 2, "covered": 3, "gone": 4}
"""The states of a database, the worst first."""
_HOSTS = """
SELECT d.instance, d.database, (
  SELECT host FROM projected_backups AS b
  WHERE b.instance = d.instance AND b.database = d.database ORDER BY b.sequence DESC LIMIT 1
) AS host
FROM projected_databases AS d
"""


@dataclass(frozen=True)
class DrillRow:
    """What the view `drills` says of a database."""

    instance: str
    database: str
    proved_at: datetime | None
    backup_id: str | None
    duration_seconds: float | None
    last_drill_at: datetime | None
    last_backup_id: str | None
    last_verdict: str | None
    last_reason: str | None


@dataclass(frozen=True)
class Line:
    """A database for the eye: `state` is one of `RANK`, `strip` the picture of its last days."""

    row: DatabaseRow
    host: str
    state: str
    drill: DrillRow | None
    strip: str

    @property
    def key(self) -> str:
        """Return `INSTANCE/DATABASE`."""
        return f"{self.row.instance}/{self.row.database}"

    @property
    def path(self) -> str:
        """Return the address of its page."""
        return database_path(self.row.instance, self.row.database)

    @property
    def is_covered(self) -> bool:
        """Say whether its newest good backup is young enough, whatever failed since."""
        return self.state in {"covered", "failing"}


def lines(reads: Reads, around: Surroundings, instance: str = "", host: str = "") -> list[Line]:
    """Return the databases of an instance, of a host, or all, sorted by name."""
    hosts = {(row["instance"], row["database"]): row["host"] or "" for row in reads.rows(_HOSTS)}
    drills = {(row.instance, row.database): row for row in read(reads, DrillRow, "drills")}
    found = []
    for row in databases(reads):
        key = (row.instance, row.database)
        if (instance and row.instance != instance) or (host and hosts.get(key) != host):
            continue
        picture = _strip(reads, row, around, hosts.get(key, ""))
        found.append(Line(row, hosts.get(key, ""), state_of(row), drills.get(key), picture))
    return found


def state_of(row: DatabaseRow) -> str:
    """Return one of `RANK`."""
    if row.present is False:
        return "gone"
    if row.newest_good_at is None:
        return "never"
    if row.overdue:
        return "overdue"
    return "failing" if row.last_failure_at and row.last_failure_at > row.newest_good_at else "covered"


def _strip(reads: Reads, row: DatabaseRow, around: Surroundings, host: str) -> str:
    schedule = around.schedule(host)
    slots = max(1, MINUTES_PER_DAY // schedule.interval_minutes)
    since = around.now - timedelta(days=DAYS + 1)
    past = recent_past_of(reads, row.instance, row.database, DAYS * slots + 10, since, around.now)
    today = local_day(around.now, schedule.zone)
    return strip(days_of(past, today - timedelta(days=DAYS - 1), today, schedule, around.now))
