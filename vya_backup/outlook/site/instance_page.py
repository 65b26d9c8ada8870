"""The page of one instance: its databases, what is left out on purpose, and the space of its backups over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vya_backup.clock import parse_rfc3339
from vya_backup.history.reading import Reads
from vya_backup.history.recorded import recorded
from vya_backup.history.run_events import Discovered
from vya_backup.outlook.site.lines import Line, lines
from vya_backup.outlook.site.plot import Frame, Point, plot
from vya_backup.outlook.site.rooms import Disk, disks
from vya_backup.outlook.site.surroundings import Surroundings

_DISCOVERED = (
    "id = (SELECT discovered_event FROM projected_instances WHERE instance = ?1 AND (?2 = '' OR origin IN ('', ?2)))"
)


@dataclass(frozen=True)
class Share:
    """How much of the instance's space one database takes, in percent of the largest."""

    line: Line
    percent: float


@dataclass(frozen=True)
class InstancePage:
    """Everything that the page shows."""

    around: Surroundings
    instance: str
    lines: tuple[Line, ...]
    space: str
    shares: tuple[Share, ...]
    disks: tuple[Disk, ...]
    discovered: Discovered | None
    discovered_at: datetime | None

    @property
    def bytes_kept(self) -> int:
        """Return the stored bytes of all good backups."""
        return sum(line.row.kept_bytes for line in self.lines)


def instance_page(
    reads: Reads, around: Surroundings, instance: str, host: str, space: Sequence[Point]
) -> InstancePage | None:
    """Return the page; `space` are the bytes that its backups take over time. None for an instance nobody knows."""
    found = tuple(lines(reads, around, instance, host=host))
    said = next(iter(recorded(reads, _DISCOVERED, (instance, host))), None)
    if not found and said is None:
        return None
    hosts = {line.host for line in found}
    return InstancePage(
        around,
        instance,
        found,
        _space(space, around),
        _shares(found),
        tuple(disk for disk in disks(reads, around.setups, around.now) if disk.host in hosts),
        said.event if said and isinstance(said.event, Discovered) else None,
        parse_rfc3339(said.at) if said else None,
    )


def _space(points: Sequence[Point], around: Surroundings) -> str:
    first = points[0][0] if points else around.now - timedelta(days=1)
    name = "Space used by backups that were kept"
    return plot(points, Frame(name, "bytes", first, around.now, around.zone))


def _shares(found: Sequence[Line]) -> tuple[Share, ...]:
    most = max((line.row.kept_bytes for line in found), default=0) or 1
    largest_first = sorted(found, key=lambda line: -line.row.kept_bytes)
    return tuple(Share(line, 100 * line.row.kept_bytes / most) for line in largest_first if line.row.kept_bytes)
