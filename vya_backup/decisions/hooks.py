"""PURE: which hooks a moment calls, and what each is told in its environment."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from vya_backup.settings.hooks_model import Hook, Moment

Outcome = Literal["", "ok", "failed"]
LONGEST_OUTPUT = 4000
"""Characters of a hook's output that its event keeps, half of them from its end."""
LONGEST_WORDS = 4000
"""Characters of a message that a hook is told; the kernel refuses a program that is told too much."""


@dataclass(frozen=True)
class Occasion:
    """What a hook is called for. `path` is the artifact, absolute; before anything was done `outcome` is empty."""

    instance: str = ""
    database: str = ""
    backup_id: str = ""
    restore_id: str = ""
    path: str = ""
    outcome: Outcome = ""
    code: str = ""
    message: str = ""
    command: str = ""
    exit_status: int | None = None

    def ended(self, outcome: Outcome, code: str = "", message: str = "") -> Occasion:
        """Return the same occasion once it is over."""
        return replace(self, outcome=outcome, code=code, message=message)


def called(hooks: Iterable[Hook], moment: Moment, occasion: Occasion) -> tuple[Hook, ...]:
    """Return the hooks of a moment that are meant for the occasion's database, in the order of the configuration.

    What is about no database (a whole run, an instance that does not answer) is for those alone that name none.
    """
    own = (hook for hook in hooks if hook.when == moment)
    return tuple(hook for hook in own if _is_meant(hook, occasion))


def _is_meant(hook: Hook, occasion: Occasion) -> bool:
    key = f"{occasion.instance}/{occasion.database}"
    return any(glob == "*" or (occasion.database and fnmatch.fnmatchcase(key, glob)) for glob in hook.databases)


def environment(hook: Hook, occasion: Occasion, run_id: str) -> Mapping[str, str]:
    """Return what a hook is told; a variable without a value is not set."""
    said = {
        "VYA_HOOK": hook.name,
        "VYA_MOMENT": hook.when,
        "VYA_RUN_ID": run_id,
        "VYA_INSTANCE": occasion.instance,
        "VYA_DATABASE": occasion.database,
        "VYA_BACKUP_ID": occasion.backup_id,
        "VYA_RESTORE_ID": occasion.restore_id,
        "VYA_PATH": occasion.path,
        "VYA_STATUS": occasion.outcome,
        "VYA_ERROR_CODE": occasion.code,
        "VYA_ERROR": _bearable(occasion.message),
        "VYA_COMMAND": _bearable(occasion.command),
        "VYA_EXIT_STATUS": "" if occasion.exit_status is None else str(occasion.exit_status),
    }
    return {name: value for name, value in said.items() if value}


def _bearable(text: str) -> str:
    """Return a text as a variable of the environment may hold it: a server, a tool or another hook may have said it."""
    return text[:LONGEST_WORDS].replace("\0", "").encode("utf-8", "backslashreplace").decode()


def kept(output: str) -> str:
    """Return of a hook's output what its event keeps: all of it, or whole beginning and end."""
    text = output.strip()
    if len(text) <= LONGEST_OUTPUT:
        return text
    half = LONGEST_OUTPUT // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
