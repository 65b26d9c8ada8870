"""The exception tree: every expected failure carries a stable code, a message and a hint.

A `BackupError` is an expected failure and becomes one clean line with exit status 1 (`ConfigurationError` and
`UsageError`: 3). Anything else that escapes is a bug: it keeps its traceback and exits with 2.
"""

from __future__ import annotations

from typing import ClassVar


class BackupError(Exception):
    """An expected failure.

    `message` is lower case and names the thing and the value; `hint` is a full sentence with the remedy, or empty.
    Neither ever holds a secret.
    """

    code: ClassVar[str] = "failed"
    exit_status: ClassVar[int] = 1
    passes: ClassVar[bool] = False
    """Whether the same attempt may succeed a little later, so that a retry makes sense."""
    stderr: str = ""
    """What the tool that failed said on standard error: scrubbed, at most 64 KiB; for the event and the tool log."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message.removesuffix('.')}. {self.hint}" if self.hint else self.message


class ConfigurationError(BackupError):
    """The configuration or the credentials store is wrong; the message may hold several lines, one for each error."""

    code = "configuration"
    exit_status = 3


class UsageError(BackupError):
    """The command line asks for something that does not exist or cannot be combined."""

    code = "usage"
    exit_status = 3


class CredentialsError(ConfigurationError):
    """A credential is missing, cannot be decrypted, or lies in a file that others may read."""

    code = "credentials"


class CatalogError(BackupError):
    """The catalog cannot be opened, is not a catalog, is damaged or newer than this program."""

    code = "catalog"


class CatalogBusy(CatalogError):
    """A reader holds a copy of the catalog, so that nothing can be added to it now."""

    code = "catalog_busy"
    passes = True


class CatalogMissing(CatalogError):
    """There is no catalog file yet, and only reading was asked for."""

    code = "catalog_missing"


class ServerUnreachable(BackupError):
    """No connection: refused, timed out, name not found, server shutting down."""

    code = "unreachable"
    passes = True


class LoginRefused(BackupError):
    """The server answered and refused the account, the password or the TLS state."""

    code = "login"


class PrivilegeMissing(BackupError):
    """The account may not see or read something that a complete dump needs; the hint holds the GRANT."""

    code = "privilege"


class ToolMissing(BackupError):
    """A vendor client tool is not installed, or is older than the server."""

    code = "tool"


class SandboxMissing(BackupError):
    """The walls that a drill needs around a dump cannot be had on this machine."""

    code = "sandbox"


class DumpFailed(BackupError):
    """The dump tool failed, or its output is not a complete dump."""

    code = "dump"


class DumpIncomplete(DumpFailed):
    """The tool said success, but the trailer or objects are missing from the stream."""

    code = "incomplete"


class DumpBlocked(DumpFailed):
    """The dump waited for a lock, or held up sessions of the application, for longer than allowed."""

    code = "blocked"
    passes = True


class DumpDisturbed(DumpFailed):
    """Definitions changed under the snapshot, or the connection was lost: worth another attempt."""

    code = "disturbed"
    passes = True


class TimedOut(BackupError):
    """The configured time for one dump or for the run is over; the process group was ended."""

    code = "timeout"


class TelemetryFailed(BackupError):
    """A trace could not be sent; nothing else is concerned."""

    code = "telemetry"


class Interrupted(BackupError):
    """SIGINT or SIGTERM arrived; children were ended and nothing was published."""

    code = "interrupted"


class AlreadyRunning(BackupError):
    """Another process holds the lock of this database; the message says who."""

    code = "locked"


class SpaceMissing(BackupError):
    """The file system has, or will have, no room for the artifact."""

    code = "space"


class StorageFailed(BackupError):
    """Writing, syncing, publishing or reading an artifact failed."""

    code = "storage"


class PushFailed(BackupError):
    """The Pushgateway did not take the metrics; the backups are not touched by that."""

    code = "push"


class NoticeFailed(BackupError):
    """A mail, a message or a ping was not taken; the backups are not touched by that, and the next one tells it."""

    code = "notice"


class NoticeDeferred(NoticeFailed):
    """It was not taken just now: no answer, no line, or a refusal for the time being."""

    passes = True


class ArtifactDamaged(BackupError):
    """A stored file differs from what the catalog or its sidecar says."""

    code = "damaged"


class RestoreRefused(BackupError):
    """A check before the first byte says no; nothing was touched."""

    code = "refused"


class HookFailed(BackupError):
    """A hook that has to succeed first did not; what it stands in front of was not begun."""

    code = "hook"


class RestoreFailed(BackupError):
    """A restore stopped on its way; the message says where the old database is."""

    code = "restore"
