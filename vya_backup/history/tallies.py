"""The part of the projection that counts: what each event adds to the numbers that monitoring asks for.

The rule: numbers only grow, so that a counter survives restarts of whatever reads it. They are kept by instance, and by
the target's where something is restored; `STATEMENTS` run after those of `projection` for the same event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TABLES: Final = ("projected_proofs", "projected_tallies")

DURATION_BUCKETS: Final = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 43200)
"""Upper bounds in seconds, from one second to twelve hours; what takes longer is in `+Inf` alone."""

OPERATIONS: Final = ("backup", "verify", "drill", "restore", "prune")
_OF_THE_DATABASE: Final = "instance = :instance AND database = :database AND origin = :origin"
SUCCESS, FAILED, UNKNOWN = "success", "failed", "unknown"


def _value(field: str) -> str:
    return f"json_extract(:data, '$.{field}')"


def _add(name: str, label: str, condition: str = "1", *, instance: str = ":instance", amount: str = "1") -> str:
    """Return the statement that adds to a number; `label`, `instance` and `amount` are SQL."""
    return (
        "INSERT INTO projected_tallies (origin, name, instance, label, number) "
        f"SELECT :origin, '{name}', coalesce({instance}, ''), coalesce({label}, ''), coalesce({amount}, 0) "
        f"WHERE {condition} "
        "ON CONFLICT (name, instance, label, origin) DO UPDATE SET number = number + excluded.number"
    )


def _file(operation: str, status: str, condition: str = "1") -> str:
    return _add("files", f"'{operation} ' || {status}", condition, instance="''")


def _bucket(seconds: str) -> str:
    steps = " ".join(f"WHEN {seconds} <= {bound} THEN '{bound}'" for bound in DURATION_BUCKETS)
    return f"CASE {steps} ELSE '+Inf' END"


def _durations(name: str, seconds: str, condition: str, instance: str) -> tuple[str, ...]:
    return (
        _add(name, _bucket(seconds), condition, instance=instance),
        _add(f"{name}_sum", "''", condition, instance=instance, amount=seconds),
    )


def _proof(changes: str, condition: str = "1") -> tuple[str, ...]:
    of_a_database = ":instance IS NOT NULL AND :database IS NOT NULL"
    return (
        "INSERT OR IGNORE INTO projected_proofs (origin, instance, database) "
        f"SELECT :origin, :instance, :database WHERE {of_a_database}",
        f"UPDATE projected_proofs SET {changes} WHERE {_OF_THE_DATABASE} AND {condition}",
    )


_TARGET: Final = _value("target_instance")
_PASSED: Final = f"{_value('verdict')} = 'pass'"
_VERDICT: Final = (
    f"CASE {_value('verdict')} WHEN 'pass' THEN '{SUCCESS}' WHEN 'fail' THEN '{FAILED}' ELSE '{UNKNOWN}' END"
)
_BECAME_GOOD: Final = "EXISTS (SELECT 1 FROM projected_good WHERE backup_id = :backup_id AND good_event = :id)"
_OF_THE_BACKUP: Final = "(SELECT {} FROM projected_backups WHERE backup_id = :backup_id)"
# Of a recovery in two stages only the second one brings a database back.
_IS_WHOLE: Final = f"coalesce({_value('stage')}, '') <> 'tables'"

STATEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "checksummed": (
        _add("executions", f"'{SUCCESS}'", _BECAME_GOOD),
        _file("backup", f"'{SUCCESS}'", _BECAME_GOOD),
        _add("size_sum", "''", _BECAME_GOOD, amount=_value("size_bytes")),
        *_durations("duration", _OF_THE_BACKUP.format("duration_seconds"), _BECAME_GOOD, ":instance"),
    ),
    "failed": (
        _add("executions", f"'{FAILED}'", ":instance IS NOT NULL AND :database IS NOT NULL"),
        _add("errors", _value("code")),
        _file("backup", f"'{FAILED}'", ":backup_id IS NOT NULL"),
    ),
    "abandoned": (
        _add("executions", f"'{FAILED}'"),
        _add("errors", "'abandoned'"),
        _file("backup", f"'{FAILED}'"),
    ),
    "discovery_failed": (_add("errors", _value("code")),),
    "missing": (_add("errors", "'missing'"),),
    "damaged": (_add("errors", "'damaged'"),),
    "verified": (_file("verify", _VERDICT), *_proof("verified_at = :at", _PASSED)),
    "drilled": (
        _file("drill", _VERDICT),
        _add("errors", "'drill'", f"{_value('verdict')} = 'fail'"),
        *_proof(f"drilled_at = :at, drill_verdict = {_value('verdict')}, drill_reason = {_value('reason')}"),
        *_proof("proved_at = :at", _PASSED),
    ),
    "missed": (_add("missed", _value("job"), instance="''", amount=_value("count")),),
    "pruned": (_file("prune", f"'{SUCCESS}'"),),
    "removed": (_file("prune", f"'{FAILED}'", "coalesce(json_array_length(:data, '$.left'), 0)"),),
    "restored": (
        _add("restores", f"'{SUCCESS}'", _IS_WHOLE, instance=_TARGET),
        _file("restore", f"'{SUCCESS}'", _IS_WHOLE),
        _add("restored_sum", "''", _IS_WHOLE, instance=_TARGET, amount=_value("plain_bytes")),
        *_durations("restore_duration", _value("duration_seconds"), _IS_WHOLE, _TARGET),
    ),
    "restore_failed": (
        _add("restores", f"'{FAILED}'", instance=_TARGET),
        _add("errors", _value("code"), instance=_TARGET),
        _file("restore", f"'{FAILED}'"),
    ),
}
