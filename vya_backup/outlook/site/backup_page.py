"""The page of one backup: its life as a timeline of events, its digests, what it holds, how it is restored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vya_backup.clock import parse_rfc3339
from vya_backup.decisions.naming import Key
from vya_backup.history.reading import Reads
from vya_backup.history.views import BackupRow, backup
from vya_backup.outlook.figures import human_duration
from vya_backup.outlook.site.database_page import quoted

_LIFE = """
SELECT l.id, l.at, l.type, l.host, l.actor, l.sentence, l.run_id, e.catalog_id, e.position, e.hash, e.prev_hash, e.data
FROM audit_log AS l JOIN events AS e ON e.id = l.id WHERE l.backup_id = ? ORDER BY l.id LIMIT 500
"""
_AFTER = "SELECT max(position) FROM events WHERE catalog_id = ?"


@dataclass(frozen=True)
class Moment:
    """One event in the life of a backup; `since` is the time from the one before, in words."""

    id: int
    at: datetime
    type: str
    sentence: str
    host: str
    actor: str
    run_id: str | None
    catalog_id: str
    position: int
    hash: str
    prev_hash: str
    since: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class BackupPage:
    """Everything that the page shows. `counts` is the manifest by kind; `chain_end` the chain's newest position."""

    row: BackupRow
    life: tuple[Moment, ...]
    counts: dict[str, int]
    needs: dict[str, str]
    gaps: tuple[dict[str, Any], ...]
    chain_end: int

    @property
    def key(self) -> Key:
        """Return what it is a backup of."""
        return Key(self.row.instance, self.row.database)

    @property
    def command(self) -> str:
        """Return what restores just this backup."""
        return f"doit {quoted(f'restore:{self.key.task}')} --backup {self.row.backup_id}"

    @property
    def seal(self) -> Moment | None:
        """Return the event whose hash covers the backup's digest."""
        return next((one for one in self.life if one.type == "dumped"), None)


def backup_page(reads: Reads, backup_id: str) -> BackupPage | None:
    """Return the page; None for a backup that nobody knows."""
    row = backup(reads, backup_id)
    if row is None:
        return None
    life = _life(reads, backup_id)
    dumped = next((one.facts for one in life if one.type == "dumped"), {})
    ends = reads.rows(_AFTER, (life[0].catalog_id,)) if life else []
    return BackupPage(
        row,
        life,
        dumped.get("counts", {}),
        _needs(row, dumped),
        tuple(dumped.get("gaps", ())),
        ends[0][0] if ends else 0,
    )


def _life(reads: Reads, backup_id: str) -> tuple[Moment, ...]:
    moments: list[Moment] = []
    for row in reads.rows(_LIFE, (backup_id,)):
        at = parse_rfc3339(row["at"])
        since = f"{human_duration(max(0.0, (at - moments[-1].at).total_seconds()))} later" if moments else ""
        named = {name: row[name] for name in ("id", "type", "sentence", "host", "actor", "run_id")}
        chained = {name: row[name] for name in ("catalog_id", "position", "hash", "prev_hash")}
        moments.append(Moment(at=at, since=since, facts=json.loads(row["data"]), **named, **chained))
    return tuple(moments)


def _needs(row: BackupRow, dumped: dict[str, Any]) -> dict[str, str]:
    """Return what a restore needs, in words; backups of an older version of this program know less of it."""
    needs = dumped.get("needs", {})
    versions = {name: ".".join(map(str, needs.get(f"{name}_version", ()))) for name in ("server", "client")}
    found = {
        "engine": needs.get("flavour") or row.engine or "",
        "server": dumped.get("server") or versions["server"],
        "client": dumped.get("client") or versions["client"],
        **{name: ", ".join(needs.get(name, ())) for name in ("extensions", "roles", "definers")},
        "without a snapshot": ", ".join(dumped.get("unprotected", ())),
    }
    return {name: value for name, value in found.items() if value}
