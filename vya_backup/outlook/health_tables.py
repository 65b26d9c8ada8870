"""What `doit health` shows: a table for people that fits 80 columns, plain values for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vya_backup.jobs.health.finding import Named
from vya_backup.outlook.tables import table

MARKS = {"ok": "ok", "warning": "warning", "failure": "FAILURE"}


def is_healthy(findings: Sequence[Named]) -> bool:
    """Say whether nothing failed."""
    return not any(finding.status == "failure" for finding in findings)


def health_lines(findings: Sequence[Named]) -> list[str]:
    """Return a row for each check, its remedy below it, and one line of counts."""
    cells = [row for one in findings for row in _rows(one)]
    counts = {status: sum(one.status == status for one in findings) for status in MARKS}
    told = f"{counts['ok']} ok, {counts['warning']} to look at, {counts['failure']} failed"
    return [*table((("check", "left"), ("", "left"), ("what", "left")), cells), f"{_verdict(findings)}: {told}"]


def health_values(findings: Sequence[Named]) -> dict[str, Any]:
    """Return the same for machines."""
    return {"healthy": is_healthy(findings), "checks": [asdict(finding) for finding in findings]}


def _rows(finding: Named) -> list[tuple[str, str, str]]:
    found = (finding.name, MARKS[finding.status], finding.what)
    return [found, ("", "", f"-> {finding.remedy}")] if finding.remedy else [found]


def _verdict(findings: Sequence[Named]) -> str:
    return "healthy" if is_healthy(findings) else "NOT HEALTHY"
