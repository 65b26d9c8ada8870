"""One line for each database: is it covered, how old is its newest good backup, was it proved; with its last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vya_backup.decisions.retention import local_day
from vya_backup.decisions.slots import MINUTES_PER_DAY
from vya_backup.history.reading import Reads, read
from vya_backup.history.views import DatabaseRow
from vya_backup.outlook.site.cells import database_path, instance_path
from vya_backup.outlook.site.days import days_of
from vya_backup.outlook.site.pasts import Name, recent_past_of
from vya_backup.outlook.site.strip import strip
from vya_backup.outlook.site.surroundings import Surroundings

DAYS = 30
RANK = {"never": 0, "overdue": 1, "failing": 2, "covered": 3, "gone": 4}
"""The states of a database, the worst first."""
_HOSTS = """
SELECT d.instance, d.database, d.origin, (
  SELECT host FROM projected_backups AS b
  WHERE b.instance = d.instance AND b.database = d.database AND b.origin = d.origin ORDER BY b.sequence DESC LIMIT 1
) AS host
FROM projected_databases AS d
"""
_PROOFS = """(
  SELECT p.*, (
    SELECT json_extract(e.data, '$.duration_seconds') FROM events AS e
    WHERE e.type = 'drilled' AND e.instance = p.instance AND e.database = p.database AND e.at = p.proved_at
  ) AS seconds
  FROM projected_proofs AS p
)"""


@dataclass(frozen=True)
class Proof:
    """When a drill last proved a database and in how many seconds, and how its newest drill ended."""

    instance: str
    database: str
    origin: str
    proved_at: datetime | None
    seconds: float | None
    drilled_at: datetime | None
    drill_verdict: str | None
    drill_reason: str | None


@dataclass(frozen=True)
class KnownDatabase(DatabaseRow):
    """A database with the origin that it is known from: empty, but for a merged catalog."""

    origin: str


@dataclass(frozen=True)
class Line:
    """A database for the eye: `state` is one of `RANK`, `strip` the picture of its last days."""

    row: KnownDatabase
    host: str
    state: str
    proof: Proof | None
    strip: str

    @property
    def key(self) -> str:
        """Return `INSTANCE/DATABASE`."""
        return f"{self.row.instance}/{self.row.database}"

    @property
    def name(self) -> str:
        """Return the key, and in a merged catalog the host that it is of."""
        return f"{self.key} of {self.row.origin}" if self.row.origin else self.key

    @property
    def path(self) -> str:
        """Return the address of its page."""
        return database_path(self.row.instance, self.row.database, self.row.origin)

    @property
    def instance_path(self) -> str:
        """Return the address of its instance's page."""
        return instance_path(self.row.instance, self.row.origin)

    @property
    def is_covered(self) -> bool:
        """Say whether its newest good backup is young enough, whatever failed since."""
        return self.state in {"covered", "failing"}


def lines(reads: Reads, around: Surroundings, instance: str = "", database: str = "", host: str = "") -> list[Line]:
    """Return the databases of an instance, of a host, or all, sorted by name; empty asks for all."""
    hosts = {tuple(row)[:3]: row["host"] or "" for row in reads.rows(_HOSTS)}
    proofs = {(one.instance, one.database, one.origin): one for one in read(reads, Proof, _PROOFS)}
    found = []
    for row in read(reads, KnownDatabase, "databases ORDER BY instance, database, origin"):
        name = (row.instance, row.database, row.origin)
        made_by = row.origin or hosts.get(name, "")
        if instance in {"", row.instance} and database in {"", row.database} and host in {"", made_by}:
            picture = _strip(reads, name, around, made_by)
            found.append(Line(row, made_by, state_of(row, around.overdue_after(made_by)), proofs.get(name), picture))
    return found


def state_of(row: DatabaseRow, overdue_after: timedelta) -> str:
    """Return one of `RANK`; the row's own `overdue` knows no weekends."""
    if row.present is False:
        return "gone"
    if row.newest_good_at is None:
        return "never"
    if row.overdue and (row.age_seconds or 0) > overdue_after.total_seconds():
        return "overdue"
    return "failing" if row.last_failure_at and row.last_failure_at > row.newest_good_at else "covered"


def _strip(reads: Reads, name: Name, around: Surroundings, host: str) -> str:
    schedule = around.schedule(host)
    slots = max(1, MINUTES_PER_DAY // schedule.interval_minutes)
    since = around.now - timedelta(days=DAYS + 1)
    past = recent_past_of(reads, name, DAYS * slots + 10, since, around.now)
    today = local_day(around.now, schedule.zone)
    return strip(days_of(past, today - timedelta(days=DAYS - 1), today, schedule, around.now))
