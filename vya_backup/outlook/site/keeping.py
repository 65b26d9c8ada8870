"""What is kept of a database and why, what goes next and when: the program's own decision, made from the catalog alone.

When something goes is found by deciding again for each day to come, as if every slot brought one more good backup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import Candidate, Decision, Policy, decide, rules_for
from vya_backup.decisions.slots import MINUTES_PER_DAY, Schedule
from vya_backup.history.keeping import RetainedRow, retained
from vya_backup.history.reading import Reads
from vya_backup.history.run_events import Configured
from vya_backup.jobs.alarms import barred_by
from vya_backup.settings.storage_model import Retention

HORIZON_DAYS = 45


@dataclass(frozen=True)
class Kept:
    """One backup that has files: why it stays, or that it goes; `goes_at` is None beyond the horizon."""

    row: RetainedRow
    keep: bool
    reasons: tuple[str, ...]
    goes_at: datetime | None

    @property
    def lane(self) -> str:
        """Return the rule that keeps it longest, as the picture names it."""
        if not self.keep:
            return "to prune"
        said = [reason.split()[0] for reason in self.reasons]
        return next((lane for lane in LANES if lane in said), "other")


@dataclass(frozen=True)
class Keeping:
    """The decision about one database; without a recorded configuration nothing can be decided."""

    policy: str
    barred: str
    kept: tuple[Kept, ...]
    """Newest first."""

    @property
    def next_gone(self) -> list[Kept]:
        """Return what goes within the horizon, the first one first; what goes at once stands in front."""
        going = [one for one in self.kept if one.goes_at is not None]
        return sorted(going, key=lambda one: (one.goes_at or datetime.min, one.row.sequence))


LANES = ("held", "yearly", "monthly", "weekly", "daily", "last", "of", "newest", "younger")
"""The first words of the reasons, the strongest first."""


def keeping(reads: Reads, key: Key, origin: str, setup: Configured, schedule: Schedule, now: datetime) -> Keeping:
    """Decide for one database as the host does, at this moment and for the days to come."""
    rules = rules_for(Retention.model_validate(setup.retention | {"overrides": setup.overrides}), key)
    rows = retained(reads, key.instance, key.database, origin)
    policy = Policy.of(rules)
    barred = barred_by(reads, key, rows, rules.shrink_alarm_percent, origin)
    candidates = [_candidate(row) for row in rows]
    decision = decide(candidates, policy, now, schedule.zone, barred)
    leaving = _leaving(candidates, policy, schedule, now)
    by_id = {row.backup_id: row for row in rows}
    kept = tuple(
        Kept(by_id[fate.candidate.backup_id], fate.keep, fate.reasons, leaving.get(fate.candidate.backup_id))
        for fate in decision.fates
    )
    return Keeping(str(policy), barred, kept)


def _candidate(row: RetainedRow) -> Candidate:
    return Candidate(
        backup_id=row.backup_id,
        sequence=row.sequence,
        state=row.state,
        started_at=row.started_at,
        verified=row.verified_at is not None or row.drilled_at is not None,
        held=row.held,
        restoring=row.restoring,
        drilling=bool(row.drills),
    )


def _leaving(candidates: Sequence[Candidate], policy: Policy, schedule: Schedule, now: datetime) -> dict[str, datetime]:
    """Return when each backup goes, if within the horizon: today's victims at once, whatever bars a prune right now."""
    found = {victim.candidate.backup_id: now for victim in decide(candidates, policy, now, schedule.zone).victims}
    standing = [one for one in candidates if one.backup_id not in found]
    step = timedelta(minutes=max(schedule.interval_minutes, MINUTES_PER_DAY))
    at, number = now, max((one.sequence for one in candidates), default=0)
    while standing and at < now + timedelta(days=HORIZON_DAYS):
        at, number = at + step, number + 1
        standing.append(Candidate(f"to come {number}", number, "good", at))
        decision: Decision = decide(standing, policy, at, schedule.zone)
        found |= {victim.candidate.backup_id: at for victim in decision.victims}
        standing = [fate.candidate for fate in decision.survivors]
    return found
