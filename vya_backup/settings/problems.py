"""What is wrong with the configuration, in sentences: place, key, value, remedy.

The rule: no value of an unknown key is ever shown, because it could be a password that strayed in here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from vya_backup.errors import ConfigurationError

LONGEST_VALUE = 200


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a file with its line, or an environment variable; `key` as spelled there."""

    source: str
    line: int | None = None
    key: str = ""

    def below(self, *steps: int | str) -> Origin:
        """Return the same place with a longer key: `instances[0].ssl`."""
        key = self.key
        for step in steps:
            key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else step
        return replace(self, key=key)

    def place(self) -> str:
        """Return `FILE:LINE`, with the file as a person in this folder would name it."""
        path, here = Path(self.source), Path.cwd()
        # nobody works in the topmost folder, where a unit of systemd runs: there it stays whole
        is_inside = path.is_absolute() and here != Path(here.anchor) and path.is_relative_to(here)
        source = str(path.relative_to(here)) if is_inside else self.source
        return source if self.line is None else f"{source}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; `what` holds the remedy too, `value` is the text as written, if it may be shown."""

    origin: Origin
    what: str
    value: str | None = None

    def __str__(self) -> str:
        subject = self.origin.key
        if subject and self.value is not None:
            subject += f" is {shown(self.value)}, but"
        place = self.origin.place()  # empty where the sentence names its file itself
        sentence = f"{subject} {self.what}" if subject else self.what
        return f"{place}: {sentence}" if place else sentence


def shown(value: str) -> str:
    """Return a value as a message may show it: short, on one line, without the password of a URL."""
    text = repr(re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", value))
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def line_of_id(text: str, value: object, nth: int = 0) -> int | None:
    """Return the line on which a JSON text gives this id for the first time (or after `nth` others), or None."""
    spelled = re.escape(json.dumps(value, ensure_ascii=False))
    found = next(islice(re.finditer(rf'"id"\s*:\s*{spelled}', text), nth, None), None)
    return text.count("\n", 0, found.start()) + 1 if found else None


def in_order(problems: Iterable[Problem]) -> str:
    """Return one line for each problem, in the order of the file; empty when there are none."""
    ordered = sorted(set(problems), key=lambda problem: (problem.origin.source, problem.origin.line or 0, str(problem)))
    return "\n".join(str(problem) for problem in ordered)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise when there are problems.

    Raises:
        ConfigurationError: all of them, each on its own line.
    """
    text = in_order(problems)
    if text:
        raise ConfigurationError(text)
