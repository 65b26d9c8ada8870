"""Golden calendars: a policy, a zone, a moment and backups in the order of the catalog; beside each its fate and why.

A line is `INSTANT  STATE  FLAGS  FATE  REASONS`, where the last two are what the decision says. Below stands the slot
table. `VYA_GOLDEN=write pytest tests/decisions/test_retention.py` writes the fates anew: read the difference then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from vya_backup.clock import parse_rfc3339
from vya_backup.decisions.retention import Candidate, Decision, Policy, decide

FOLDER = Path(__file__).with_name("calendars")
FLAGS = ("verified", "held", "restoring", "drilling")
SLOTS = "slot table"


@dataclass(frozen=True)
class Calendar:
    """One golden file, without its expectations."""

    about: str
    policy: Policy
    zone: ZoneInfo
    now: datetime
    barred: str
    backups: tuple[Candidate, ...]

    @property
    def decision(self) -> Decision:
        """Return what is decided."""
        return decide(self.backups, self.policy, self.now, self.zone, self.barred)


def read(path: Path) -> Calendar:
    """Read the input of a golden file."""
    lines = path.read_text().partition(SLOTS)[0].splitlines()
    header = dict(line.split(": ", 1) for line in lines[1:6])
    numbers = dict(word.split("=") for word in header["policy"].split())
    strategy = numbers.pop("strategy", "gfs")
    nothing = dict.fromkeys(("daily", "weekly", "monthly", "yearly", "last", "days", "safety_days"), 0)
    policy = Policy(strategy=strategy, **(nothing | {name: int(n) for name, n in numbers.items()}))  # type: ignore[arg-type]
    rows = [line.split() for line in lines[6:] if line.strip()]
    return Calendar(
        about=lines[0],
        policy=policy,
        zone=ZoneInfo(header["zone"]),
        now=parse_rfc3339(header["now"]),
        barred=header["barred"].strip("-"),
        backups=tuple(_backup(number, row) for number, row in enumerate(rows, start=1)),
    )


def written(path: Path, calendar: Calendar) -> str:
    """Return the whole golden file, with what is decided."""
    head = path.read_text().splitlines()[:6]
    fates = {fate.candidate.backup_id: fate for fate in calendar.decision.fates}
    body = []
    for one in calendar.backups:
        local = one.started_at.astimezone(calendar.zone).strftime("%a %Y-%m-%d %H:%M %z")
        flags = ",".join(flag for flag in FLAGS if getattr(one, flag)) or "-"
        fate = fates[one.backup_id]
        when = one.started_at.strftime("%Y-%m-%dT%H:%MZ")
        verdict = "keep " if fate.keep else "prune"
        body.append(f"{when}  {one.state:8} {flags:10} {one.backup_id:4} {local}  {verdict}  {fate.reason}")
    table = [f"{slot.rule:8} {slot.period:11} {slot.backup_id}" for slot in calendar.decision.slots]
    return "\n".join([*head, "", *body, "", SLOTS, *table]) + "\n"


def _backup(number: int, row: list[str]) -> Candidate:
    flags = row[2].split(",")
    return Candidate(
        backup_id=f"b{number}",
        sequence=number,
        state=row[1],
        started_at=parse_rfc3339(row[0]),
        verified="verified" in flags,
        held="held" in flags,
        restoring="restoring" in flags,
        drilling="drilling" in flags,
    )
