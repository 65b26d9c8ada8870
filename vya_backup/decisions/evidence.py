"""PURE: what a dump tool's standard error says, without the row data that it may quote."""

from __future__ import annotations

import re

MOST_LINES = 10
LONGEST_LINE = 200
_DETAIL = re.compile(r"^\s*(DETAIL|CONTEXT|HINT|STATEMENT|QUERY|LINE \d+)\b")
_QUOTED = re.compile(r"'[^']*'")
_ERROR = re.compile(r"\b(error|fatal|panic)\b\s*[:\d\[(]", re.IGNORECASE)


def facts_of(stderr: str) -> str:
    """Return the first lines of a tool's words as an event may hold them: no details, quoted values left out."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not _DETAIL.match(line)]
    kept = [_QUOTED.sub("'…'", line)[:LONGEST_LINE] for line in lines[:MOST_LINES]]
    left_out = len(lines) - len(kept)
    return "\n".join([*kept, f"({left_out} more lines)"] if left_out else kept)


def error_in(stderr: str) -> str:
    """Return the first line that tells of an error, or an empty text.

    A tool that ends with 0 and speaks of an error is not believed: "max_allowed_packet" on standard error beside a
    "successful" dump was somebody's data loss.
    """
    return next((line for line in facts_of(stderr).splitlines() if _ERROR.search(line)), "")
