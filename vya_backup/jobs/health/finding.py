"""What a check found: a verdict, a sentence, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from vya_backup.jobs.health.subject import Subject

Status = Literal["ok", "warning", "failure"]
SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """`what` is lower case and names the thing and the value; `remedy` is a full sentence, empty where all is well."""

    status: Status
    what: str
    remedy: str = ""


@dataclass(frozen=True)
class Named:
    """A finding under the name of its check."""

    name: str
    status: Status
    what: str
    remedy: str


Check = Callable[[Subject], Finding]


def ok(what: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding("ok", what)


def warning(what: str, remedy: str) -> Finding:
    """Return what should be looked at, and does not make the whole fail."""
    return Finding("warning", what, remedy)


def failure(what: str, remedy: str) -> Finding:
    """Return what makes the whole fail."""
    return Finding("failure", what, remedy)


def some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
