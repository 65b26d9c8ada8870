"""PURE: what a drill proves, and whether an answer is the expected one.

The rule: a backup is blamed only for what happened after its first byte was fed, and only while its ground stood.
Everything else is "cannot judge": it says nothing about the backup, and must never look like a pass.
"""

from __future__ import annotations

import fnmatch
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from vya_backup.errors import (
    ArtifactDamaged,
    BackupError,
    PrivilegeMissing,
    SandboxMissing,
    SpaceMissing,
    StorageFailed,
    TimedOut,
    ToolMissing,
)

Verdict = Literal["pass", "fail", "cannot judge"]
OF_THE_MACHINE = (PrivilegeMissing, SandboxMissing, SpaceMissing, StorageFailed, TimedOut, ToolMissing)


def blame(error: BackupError, *, fed: bool, ground_lost: bool) -> Verdict:
    """Return what a failure says about the backup; `fed` is whether any tool had begun to read the dump."""
    if isinstance(error, ArtifactDamaged):
        return "fail"
    if not fed or ground_lost or isinstance(error, OF_THE_MACHINE):
        return "cannot judge"
    return "fail"


_OVER = (
    ("drill.limits.file_mb", ("File too large", "Errcode: 27", "errno: 27", "signal 25")),
    ("drill.limits.processes", ("Resource temporarily unavailable", "Can't create a new thread", "could not fork")),
    ("drill.limits.memory_mb", ("out of memory", "Out of memory", "Cannot allocate memory", "MemoryError")),
    ("backup.timeout_minutes", ("signal 24",)),
)
"""Settings, and the words in which servers, tools and the kernel (signal(7)) say that one of them was reached."""


def over_limit(said: str) -> str:
    """Return which limit of a drill stopped it, as words to be added to what was said; empty when none did."""
    reached = next((name for name, words in _OVER if any(word in said for word in words)), "")
    return f" (the limit is {reached})" if reached else ""


def concerns(pattern: str, key: str) -> bool:
    """Say whether an assertion about `pattern` (`INSTANCE/DATABASE`, or a glob) is about this database."""
    return pattern == key or fnmatch.fnmatchcase(key, pattern)


def agrees(answer: Any, expected: bool | float | str) -> bool:
    """Say whether a database's answer is the expected one: 1 is true where a server has no booleans, 5.0 is 5."""
    if answer is None:
        return False
    if isinstance(answer, bytes):
        answer = answer.decode(errors="replace")
    if isinstance(expected, str):
        return str(answer) == expected
    if isinstance(expected, bool):
        return answer in (expected, int(expected))
    return _number(answer) == _number(expected)


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
