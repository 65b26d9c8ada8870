"""PURE: what is due, and why.

A database is up to date when a good backup of the current slot exists, its file is there with its size, and the
settings that shape a dump are the same. A dump that was published but never checked needs only its checksum.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vya_backup.decisions.naming import Key
from vya_backup.decisions.slots import Slot
from vya_backup.settings.model import Instance


class Work(StrEnum):
    """What a database needs now."""

    DUMP = "dump"
    CHECKSUM = "checksum"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Known:
    """What the catalog and the disk say about the newest backup of a database that was published."""

    backup_id: str
    path: str
    good: bool
    shape: str
    started_at: datetime
    size_bytes: int
    size_on_disk: int | None
    """None where the file is missing."""
    plain_bytes: int = 0


@dataclass(frozen=True)
class Decision:
    """What is to be done for one database, with the reason in words."""

    work: Work
    reason: str
    backup: Known | None = None

    @property
    def is_due(self) -> bool:
        """Say whether anything is to be done."""
        return self.work is not Work.NOTHING


def decide(newest: Known | None, *, slot: Slot, now: datetime, shape: str, forced: bool = False) -> Decision:
    """Decide for one database.

    `newest` is the newest published backup (good or not yet checked); a backup dated later than `now` covers no slot,
    because its clock was wrong.
    """
    if forced:
        return Decision(Work.DUMP, "asked for with --force", newest)
    if newest is None:
        return Decision(Work.DUMP, "no good backup yet")
    if newest.size_on_disk is None:
        return Decision(Work.DUMP, f"the file of its newest backup is missing: {newest.path}", newest)
    if newest.size_on_disk != newest.size_bytes:
        found = f"{newest.size_on_disk:,} bytes instead of {newest.size_bytes:,}"
        return Decision(Work.DUMP, f"the file of its newest backup has {found}: {newest.path}", newest)
    if newest.shape != shape:
        return Decision(Work.DUMP, "the settings that shape its dump have changed", newest)
    if newest.started_at > now:
        return Decision(Work.DUMP, "its newest backup is dated in the future", newest)
    if not slot.holds(newest.started_at):
        return Decision(Work.DUMP, "its newest good backup is of an earlier slot", newest)
    if not newest.good:
        return Decision(Work.CHECKSUM, "dumped, but not yet read back from the disk", newest)
    return Decision(Work.NOTHING, "a good backup covers the current slot", newest)


def shape_of(instance: Instance, database: str) -> str:
    """Return a digest of the settings that shape the content of a dump: which server, which database, which tool."""
    settings = {
        "type": instance.type,
        "address": [instance.host, instance.port, str(instance.socket or ""), instance.path],
        "database": database,
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Exclusion:
    """A database that is found and left out, with the reason."""

    name: str
    reason: str


def select(
    found: Sequence[tuple[str, bool]], instance: Instance
) -> tuple[tuple[str, ...], tuple[Exclusion, ...], tuple[str, ...]]:
    """Split what discovery found, as (name, is a system database), into (selected, excluded, listed but not found).

    Exclusions and selections match the whole name, or as a glob only where they hold `*`, `?` or `[`: an exclusion of
    `app` never drops `myapp`.
    """
    selected: list[str] = []
    excluded: list[Exclusion] = []
    for name, is_system in found:
        reason = _why_excluded(name, is_system, instance)
        if reason:
            excluded.append(Exclusion(name, reason))
        else:
            selected.append(name)
    names = [name for name, _ in found]
    wanted = () if instance.databases == "*" else instance.databases
    absent = tuple(w for w in wanted if not any(matches(name, w) for name in names))
    return tuple(sorted(selected)), tuple(excluded), absent


def matches(name: str, pattern: str) -> bool:
    """Say whether a database's name equals the pattern, or matches it where it is a glob (case-sensitive)."""
    if name == pattern:
        return True
    return any(c in pattern for c in "*?[") and fnmatch.fnmatchcase(name, pattern)


def short_names(keys: Iterable[Key]) -> dict[str, Key]:
    """Return the database names that belong to one instance only, with their keys."""
    owners: dict[str, list[Key]] = {}
    for key in keys:
        owners.setdefault(key.database, []).append(key)
    return {name: owned[0] for name, owned in owners.items() if len(owned) == 1 and not owned[0].is_users}


def _why_excluded(name: str, is_system: bool, instance: Instance) -> str:
    if is_system:
        return "system database"
    pattern = next((p for p in instance.exclude_databases if matches(name, p)), None)
    if pattern is not None:
        return f"exclude_databases: {pattern}"
    if instance.databases != "*" and not any(matches(name, w) for w in instance.databases):
        return "not in databases"
    return ""
