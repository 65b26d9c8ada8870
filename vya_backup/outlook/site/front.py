"""The front page: is all covered, how old, what failed, what was proved, is the chain whole, is there room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vya_backup.clock import parse_rfc3339, rfc3339
from vya_backup.history.reading import Reads
from vya_backup.outlook.site.attention import Concern, concerns
from vya_backup.outlook.site.cells import instance_path
from vya_backup.outlook.site.lines import Line, lines
from vya_backup.outlook.site.rooms import Disk, disks
from vya_backup.outlook.site.surroundings import Surroundings

WEEK = timedelta(days=7)
_FAILED = "SELECT count(*) FROM events WHERE type IN ('failed', 'restore_failed', 'discovery_failed') AND at >= ?"
_FAILED_ON_HOST = f"{_FAILED} AND host = ?"
_LATEST = "SELECT at FROM events ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True)
class Group:
    """The databases of one instance, the order is their names'."""

    instance: str
    origin: str
    lines: tuple[Line, ...]

    @property
    def path(self) -> str:
        """Return the address of the instance's page."""
        return instance_path(self.instance, self.origin)

    @property
    def bytes_kept(self) -> int:
        """Return the stored bytes of their good backups."""
        return sum(line.row.kept_bytes for line in self.lines)


@dataclass(frozen=True)
class Front:
    """Everything that the front page shows. `hosts` are all that there are, `host` the chosen one or empty."""

    around: Surroundings
    host: str
    hosts: tuple[str, ...]
    groups: tuple[Group, ...]
    concerns: tuple[Concern, ...]
    disks: tuple[Disk, ...]
    failures_of_week: int
    last_written: datetime | None

    @property
    def silence(self) -> float:
        """Return the seconds since anything was recorded."""
        return (self.around.now - self.last_written).total_seconds() if self.last_written else 0.0

    @property
    def told_disks(self) -> tuple[Disk, ...]:
        """Return the disks that have a tile: of more than two only the one that is full first, or is the fullest."""
        never = self.around.now + timedelta(days=36500)
        by_danger = sorted(self.disks, key=lambda disk: (disk.forecast.full_at or never, -disk.room.used_percent))
        return self.disks if len(self.disks) <= 2 else tuple(by_danger[:1])

    @property
    def living(self) -> list[Line]:
        """Return the databases that ought to be covered."""
        return [line for group in self.groups for line in group.lines if line.state != "gone"]

    @property
    def covered(self) -> int:
        """Return how many of these are."""
        return sum(line.is_covered for line in self.living)

    @property
    def is_all_covered(self) -> bool:
        """Say whether every database is covered, which an empty catalog is not."""
        return bool(self.living) and self.covered == len(self.living)

    @property
    def oldest(self) -> Line | None:
        """Return the database whose newest good backup is the oldest."""
        dated = [line for line in self.living if line.row.newest_good_at]
        return min(dated, key=lambda line: line.row.newest_good_at or self.around.now, default=None)

    @property
    def proved(self) -> list[Line]:
        """Return the databases that a drill has proved, within the time that is configured for that, if any."""
        return [line for line in self.living if line.proof and self._is_fresh(line, line.proof.proved_at)]

    @property
    def newest_proof(self) -> Line | None:
        """Return the database that was proved last, be it too long ago to count."""
        proved = [line for line in self.living if _proved_at(line)]
        return max(proved, key=lambda line: _proved_at(line) or self.around.now, default=None)

    def _is_fresh(self, line: Line, proved_at: datetime | None) -> bool:
        setup = self.around.of(line.host)
        limit = setup.drill_max_age_days if setup else 0
        return proved_at is not None and (not limit or self.around.now - proved_at <= timedelta(days=limit))


def front(reads: Reads, around: Surroundings, host: str = "") -> Front:
    """Return the front page of all hosts, or of one."""
    everything = lines(reads, around)
    hosts = tuple(sorted({line.host for line in everything if line.host} | set(around.setups)))
    shown = [line for line in everything if not host or line.host == host]
    drives = [disk for disk in disks(reads, around.setups, around.now) if not host or disk.host == host]
    since = rfc3339(around.now - WEEK)
    failed = reads.rows(_FAILED_ON_HOST, (since, host)) if host else reads.rows(_FAILED, (since,))
    latest = reads.rows(_LATEST)
    return Front(
        around,
        host,
        hosts,
        grouped(shown),
        tuple(concerns(reads, shown, drives, around.now, host)),
        tuple(drives),
        failed[0][0],
        parse_rfc3339(latest[0]["at"]) if latest else None,
    )


def grouped(found: list[Line]) -> tuple[Group, ...]:
    """Return lines by instance, of each host in a merged catalog."""
    names = sorted({(line.row.instance, line.row.origin) for line in found})
    return tuple(
        Group(
            instance,
            origin,
            tuple(line for line in found if (line.row.instance, line.row.origin) == (instance, origin)),
        )
        for instance, origin in names
    )


def _proved_at(line: Line) -> datetime | None:
    return line.proof.proved_at if line.proof else None
