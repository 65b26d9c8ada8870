"""Files in memory that only this process and one child see: secrets on their way in, the tool's report on its way out.

A `SecretPath` or `ReportPath` becomes `/proc/self/fd/N` of an inherited descriptor: no disk, no argument and no
environment ever holds the content, and nothing is left to be cleaned up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vya_backup.engines.commands import Argument, Command, ReportPath

REPORT = "report"


@dataclass(frozen=True)
class MemoryFiles:
    """The open descriptors of one command's files, while its child is being started."""

    secrets: dict[str, int]
    report: int | None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Return what the child inherits."""
        return (*self.secrets.values(), *([] if self.report is None else [self.report]))

    def resolve(self, argument: Argument) -> str:
        """Return the text that the child gets for an argument or a value of its environment.

        Raises:
            KeyError: the command refers to a secret file that it does not define.
        """
        if isinstance(argument, str):
            return argument
        if isinstance(argument, ReportPath):
            return f"/proc/self/fd/{self.report}"
        return f"{argument.prefix}/proc/self/fd/{self.secrets[argument.name]}"


@contextmanager
def opened(command: Command) -> Iterator[MemoryFiles]:
    """Keep the files of a command open for as long as it takes to start its child."""
    open_now: list[int] = []

    def create(name: str, content: str = "") -> int:
        open_now.append(_private_file(name))
        if command.owner:
            os.fchown(open_now[-1], *command.owner)  # opened anew by its name, it is judged by its owner
        os.write(open_now[-1], content.encode())
        return open_now[-1]

    try:
        secrets = {file.name: create(file.name, file.content.reveal()) for file in command.secret_files}
        has_report = any(isinstance(argument, ReportPath) for argument in command.argv)
        yield MemoryFiles(secrets, create(REPORT) if has_report else None)
    finally:
        for descriptor in open_now:
            os.close(descriptor)


def content(descriptor: int) -> str:
    """Return the whole text of a file in memory, whoever wrote it."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")


def _private_file(name: str) -> int:
    descriptor = os.memfd_create(name)
    os.fchmod(descriptor, 0o600)  # libpq and the MySQL clients ignore or refuse a file that others could read
    return descriptor
