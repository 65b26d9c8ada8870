"""What every page needs: the moment, what the hosts were told to do, and the zone in which times are shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vya_backup.decisions.slots import MINUTES_PER_DAY, Schedule
from vya_backup.history.reading import Reads
from vya_backup.history.run_events import Configured
from vya_backup.history.setups import newest_setups
from vya_backup.history.watching import Demands

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Surroundings:
    """`setups` is what each host was told last; the newest one's zone is the site's."""

    now: datetime
    setups: dict[str, Configured]

    @property
    def newest(self) -> Configured | None:
        """Return what was told last of all; None while nothing was."""
        return next(reversed(self.setups.values()), None)

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which times are shown."""
        return ZoneInfo(self.newest.timezone) if self.newest else _UTC

    @property
    def environments(self) -> str:
        """Return production, staging or what else the hosts are part of."""
        return ", ".join(sorted({setup.environment for setup in self.setups.values()}))

    def of(self, host: str | None) -> Configured | None:
        """Return what a host was told; what was told last where nothing is known of it."""
        return self.setups.get(host or "") or self.newest

    def schedule(self, host: str | None) -> Schedule:
        """Return how often a host's databases are due; daily in UTC where nothing is known."""
        setup = self.of(host)
        return Schedule(setup.interval_minutes, ZoneInfo(setup.timezone)) if setup else Schedule(MINUTES_PER_DAY, _UTC)

    def overdue_after(self, host: str | None) -> timedelta:
        """Return the age from which a host's newest good backup is too old, on whatever days it makes some."""
        setup = self.of(host)
        demands = Demands(setup.interval_minutes, setup.longest_gap_minutes) if setup else Demands()
        return demands.overdue_after


def surroundings(reads: Reads, now: datetime) -> Surroundings:
    """Read what the hosts were told to do."""
    return Surroundings(now, newest_setups(reads))
