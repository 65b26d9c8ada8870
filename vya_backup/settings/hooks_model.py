"""The `hooks` section: programs of the operator's own around backups, restores and whole runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from vya_backup.settings.section import Section

Moment = Literal[
    "before_run",
    "after_run",
    "before_backup",
    "after_backup",
    "after_check",
    "before_restore",
    "after_restore",
    "on_failure",
]
OTHERS_WRITE = 0o002
STICKY = 0o1000


class Hook(Section):
    """One program, as an argument list that no shell sees, and the moment at which it runs."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    when: Moment
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    databases: tuple[str, ...] = ("*",)
    timeout_seconds: float = Field(default=300, gt=0)

    @field_validator("command")
    @classmethod
    def _is_a_program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not Path(command[0]).is_absolute():
            raise ValueError("must be a list that begins with the full path of a program, such as [/usr/bin/touch, /x]")
        if any("\0" in word for word in command):
            raise ValueError("must not hold a NUL character")
        return command

    @field_validator("databases")
    @classmethod
    def _are_keys(cls, globs: tuple[str, ...]) -> tuple[str, ...]:
        for glob in globs:
            if glob != "*" and "/" not in glob:
                raise ValueError(f"must be INSTANCE/DATABASE, globs allowed, such as prod-pg-01/* (not {glob!r})")
        return globs

    @property
    def program(self) -> Path:
        """Return what is run."""
        return Path(self.command[0])


def objection(hook: Hook) -> str:
    """Return why the program of a hook may not be run, with the remedy, or an empty text.

    What others may change would run with the rights of the backups.
    """
    path = hook.program
    try:
        status = path.stat()
    except OSError as error:
        return f"hook {hook.name}: {path} cannot be run: {error.strerror}; install it, or correct hooks.command"
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.X_OK):
        return f"hook {hook.name}: {path} is no program that this account may run; run: chmod u+x {path}"
    if status.st_mode & OTHERS_WRITE:
        return f"hook {hook.name}: {path} may be changed by everybody; run: chmod o-w {path}"
    folder = path.resolve().parent
    if folder.stat().st_mode & OTHERS_WRITE and not folder.stat().st_mode & STICKY:
        return f"hook {hook.name}: {path} may be replaced by everybody; run: chmod o-w {folder}"
    return ""


def objections(hooks: Iterable[Hook]) -> Iterator[str]:
    """Yield what stands against running each hook."""
    for hook in hooks:
        if found := objection(hook):
            yield found
