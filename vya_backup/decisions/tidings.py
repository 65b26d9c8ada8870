"""PURE: what is told to people after a run: its level, the one line that says it all, and the table behind it.

The rule: every text here may come from a hostile server, so it is one line, without control characters and secrets.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from vya_backup.redaction import scrub
from vya_backup.settings.notifications_model import Level

LEVELS: Final[tuple[Level, ...]] = ("SUCCESS", "WARNING", "ERROR", "CRITICAL")
LONGEST: Final = 400
MOST_LINES: Final = 50
"""So many databases have a row of their own; failures come first, and of the others the rest is counted."""
MOST_CONCERNS: Final = 40
MOST_EARLIER: Final = 20
SUBJECT_LENGTH: Final = 180


@dataclass(frozen=True)
class Line:
    """One database of the run. Sizes are stored bytes, times seconds of the dump; `before_…` those of the last good."""

    name: str
    result: str
    """`failed`, `damaged`, `missing`, `abandoned`, `good`, or what a restore came to."""
    note: str = ""
    hint: str = ""
    size_bytes: int | None = None
    before_bytes: int | None = None
    seconds: float | None = None
    before_seconds: float | None = None

    @property
    def is_bad(self) -> bool:
        """Say whether it failed."""
        return self.result in {"failed", "damaged", "missing", "abandoned"}


@dataclass(frozen=True)
class Concern:
    """Something to look at, and the remedy."""

    level: Level
    what: str
    remedy: str = ""


@dataclass(frozen=True)
class Earlier:
    """A run that could not be told when it happened: when, what, and why not."""

    at: datetime
    level: Level
    headline: str
    details: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Count:
    """What a kind of thing amounts to: `12 backups pruned`, `3.1 GiB`."""

    what: str
    value: str


@dataclass(frozen=True)
class Head:
    """The end of the hash chain, which leaves this host with the mail."""

    catalog_id: str
    position: int
    hash: str


@dataclass(frozen=True)
class Tidings:
    """All that one message says; `lines` and `concerns` are bounded, what was left out is counted."""

    level: Level
    headline: str
    host: str
    environment: str
    at: datetime
    """In the configured zone."""
    what: str = ""
    """Counts without a name, for the catalog."""
    command: str = ""
    run_id: str = ""
    actor: str = ""
    exit_status: int | None = None
    seconds: float | None = None
    lines: tuple[Line, ...] = ()
    more_lines: int = 0
    more_bad: int = 0
    current: int = 0
    """How many databases were fresh and not touched."""
    concerns: tuple[Concern, ...] = ()
    more_concerns: int = 0
    notes: tuple[str, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    more_earlier: int = 0
    counts: tuple[Count, ...] = ()
    head: Head | None = None
    look: tuple[str, ...] = ()
    """Commands that show more."""
    template_problem: str = ""
    is_quiet: bool = False
    """Whether nobody needs to hear of it while its level is SUCCESS."""

    @property
    def subject(self) -> str:
        """Return the subject: level, host, and what happened, in one line."""
        place = "" if self.environment == "production" else f" ({self.environment})"
        text = plain(f"[VYA] {self.level} {self.host}{place}: {self.headline}", SUBJECT_LENGTH)
        return text.replace("=?", "= ?")  # nobody's name becomes an encoded word


@dataclass(frozen=True)
class Week:
    """What the mail of a week says beyond a run's."""

    since: datetime
    until: datetime
    covers: tuple[Coverage, ...] = ()
    more_covers: int = 0
    more_bad: int = 0
    """How many of the databases that are left out are not well."""
    runs: tuple[Count, ...] = ()
    failures: tuple[str, ...] = ()
    more_failures: int = 0
    missed: tuple[str, ...] = ()
    more_missed: int = 0
    facts: tuple[Count, ...] = field(default=())


@dataclass(frozen=True)
class Coverage:
    """One database in the mail of a week; ages in seconds, None for never."""

    name: str
    good_age: float | None
    proved_age: float | None
    verified_age: float | None
    size_bytes: int | None
    is_bad: bool = False


@dataclass(frozen=True)
class Letter:
    """A message as it leaves: a subject of one line, a text of at most 80 columns, and the same as HTML."""

    subject: str
    text: str
    html: str
    problem: str = ""
    """What was wrong with a template of the operator's, so that the built-in one was taken."""


def plain(text: object, longest: int = LONGEST) -> str:
    """Return a text as one line without secrets and without what steers a terminal, a mail's head or its direction."""
    words = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in scrub(str(text)))
    one_line = " ".join(words.split())
    return one_line if len(one_line) <= longest else f"{one_line[: longest - 1]}…"


def highest(levels: Iterable[Level]) -> Level:
    """Return the worst of some levels; SUCCESS of none."""
    return max(levels, key=LEVELS.index, default="SUCCESS")


def is_at_least(level: Level, least: Level) -> bool:
    """Say whether a level is as bad as another one."""
    return LEVELS.index(level) >= LEVELS.index(least)
