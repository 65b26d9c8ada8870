"""PURE: what a recovery of a whole instance does with each database, in which order, and how long it may take.

The rule: what already stands on the target is never touched without a word, except what this very recovery put there.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import fmean


class Fate(StrEnum):
    """What a recovery does with a database."""

    RESTORE = "restore"
    FINISH = "finish"
    """Its tables stand since an earlier attempt; views, routines, triggers and events are still to come."""
    DONE = "up to date"
    REPLACE = "replace"
    CONFLICT = "conflict"
    """Something of that name is there that this recovery did not bring; left alone without --force."""
    LACKING = "no backup"
    """There is none that could be taken."""
    EXCLUDED = "excluded"


WORK = frozenset({Fate.RESTORE, Fate.FINISH, Fate.REPLACE})
TROUBLE = frozenset({Fate.CONFLICT, Fate.LACKING})


class Standing(StrEnum):
    """What is on the target under a database's name."""

    ABSENT = "absent"
    EMPTY = "empty"
    FULL = "full"


@dataclass(frozen=True)
class Candidate:
    """One database of the source, with the backup that would be taken."""

    database: str
    backup_id: str = ""
    started_at: datetime | None = None
    size_bytes: int = 0
    plain_bytes: int = 0
    has_programs: bool = False
    """Whether it comes in two stages: its tables, and later what is built on them."""
    problem: str = ""
    """Why no backup can be taken, or empty."""
    gone: bool = False
    """Whether the instance did not have it any more when it was last asked."""


@dataclass(frozen=True)
class Brought:
    """What a recovery has put under a name, and nothing else since."""

    backup_id: str
    tables_only: bool
    finished: bool
    """Whether that recovery ended with everything in its place; one that did not goes on."""


@dataclass(frozen=True)
class Planned:
    """One database with what happens to it."""

    candidate: Candidate
    fate: Fate
    reason: str = ""
    expected_seconds: float | None = None
    """None where nothing is to be done, and where nothing is known of how fast it would be."""

    @property
    def database(self) -> str:
        """Return its name."""
        return self.candidate.database

    @property
    def in_stages(self) -> bool:
        """Say whether its tables come first, and the rest when the tables of all others stand."""
        return self.fate is Fate.RESTORE and self.candidate.has_programs


@dataclass(frozen=True)
class Pace:
    """How fast a database came back the last time."""

    engine: str
    instance: str
    database: str
    bytes_per_second: float


@dataclass(frozen=True)
class Rates:
    """What is expected of the speed: a database's own pace, else the average of its engine, else nothing."""

    own: Mapping[str, float]
    average: float | None

    def seconds(self, candidate: Candidate) -> float | None:
        """Return how long a database may take, None when nothing tells."""
        rate = self.own.get(candidate.database, self.average)
        return candidate.plain_bytes / rate if rate else None


def rates_of(paces: Iterable[Pace], instance: str, engine: str) -> Rates:
    """Return what the paces say of an instance's databases."""
    known = list(paces)
    own = {pace.database: pace.bytes_per_second for pace in known if pace.instance == instance}
    alike = [pace.bytes_per_second for pace in known if pace.engine == engine]
    return Rates(own, fmean(alike) if alike else None)


@dataclass(frozen=True)
class Target:
    """What is known of where it all goes."""

    standing: Mapping[str, Standing]
    """By database; what is not in it is absent."""
    brought: Mapping[str, Brought]


def plan(
    candidates: Iterable[Candidate], target: Target, rates: Rates, *, force: bool, exclude: Collection[str]
) -> list[Planned]:
    """Decide for each database; the order is that of the work: the largest first, so that none is left at the end."""
    planned = [_planned(one, target, rates, force=force, is_excluded=one.database in exclude) for one in candidates]
    return sorted(planned, key=lambda one: (one.fate not in WORK, -one.candidate.plain_bytes, one.database))


def _planned(candidate: Candidate, target: Target, rates: Rates, *, force: bool, is_excluded: bool) -> Planned:
    if is_excluded:
        return Planned(candidate, Fate.EXCLUDED, "said on the command line")
    standing = target.standing.get(candidate.database, Standing.ABSENT)
    brought = target.brought.get(candidate.database) if standing is not Standing.ABSENT else None
    if brought is not None and _still_counts(brought, candidate, force=force):
        if brought.tables_only:
            return Planned(candidate, Fate.FINISH, "its tables stand")
        return Planned(candidate, Fate.DONE, "restored by this recovery before")
    if candidate.problem:
        return Planned(candidate, Fate.LACKING, candidate.problem)
    reason = "was gone from the server when that was last asked" if candidate.gone else ""
    expected = rates.seconds(candidate)
    if standing is not Standing.FULL:
        return Planned(candidate, Fate.RESTORE, reason, expected)
    if force:
        return Planned(candidate, Fate.REPLACE, "the old one survives until the new one stands", expected)
    return Planned(candidate, Fate.CONFLICT, "exists there and is not empty")


def _still_counts(brought: Brought, candidate: Candidate, *, force: bool) -> bool:
    """An unfinished recovery goes on; a finished one counts while nothing newer could be taken, and force is not said.

    A stage can only be followed by the other stage of the same backup.
    """
    is_same = brought.backup_id == candidate.backup_id
    if brought.tables_only or brought.finished:
        return is_same and not (brought.finished and force)
    return True


def expected_total(planned: Sequence[Planned], workers: int) -> float | None:
    """Return how long the work may take with so many workers, None as soon as nothing is known of one of its parts."""
    seconds = [one.expected_seconds for one in planned if one.fate in {Fate.RESTORE, Fate.REPLACE}]
    busy_until = [0.0] * max(1, workers)
    for one in seconds:
        if one is None:
            return None
        heapq.heapreplace(busy_until, busy_until[0] + one)
    return max(busy_until)
