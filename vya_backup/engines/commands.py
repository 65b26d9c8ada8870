"""Child processes as an engine describes them; the transport runs them, and hands their secrets over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vya_backup.redaction import Secret


@dataclass(frozen=True)
class SecretFile:
    """A file that a tool reads its secrets from. The transport hands it over as an inherited, private descriptor."""

    name: str
    content: Secret


@dataclass(frozen=True)
class SecretPath:
    """An argument or environment value that becomes `prefix` plus the path of the secret file `name`."""

    name: str
    prefix: str = ""


@dataclass(frozen=True)
class ReportPath:
    """An argument that becomes the path of an empty private descriptor (a memfd, 0600) for the tool's own report.

    The transport reads it back once the tool has ended with 0 and gives the text to `DumpObserver.note_report`.
    """


Argument = str | SecretPath | ReportPath


@dataclass(frozen=True)
class Command:
    """A child process to be run: argv without a shell; the environment is added to PATH, HOME and LC_ALL=C.UTF-8.

    A `ReportPath` may stand in argv only.
    """

    argv: tuple[Argument, ...]
    environment: Mapping[str, Argument] = field(default_factory=dict)
    secret_files: tuple[SecretFile, ...] = ()
    within: tuple[str, ...] = ()
    """Words in front of argv, such as those of a sandbox; the tool is still named after argv."""
    owner: tuple[int, int] | None = None
    """User and group that `within` changes to, and that must be able to read the secret files; None is ourselves."""
