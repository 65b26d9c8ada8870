"""Turns what the driver, pg_dump and psql complain of into our errors.

The rule: a message holds PostgreSQL's first line and SQLSTATE or object, never a value of a row: DETAIL, CONTEXT and
statements are left out, and quoted text stays only where it names an object.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vya_backup.errors import (
    BackupError,
    ConfigurationError,
    DumpBlocked,
    DumpDisturbed,
    DumpFailed,
    LoginRefused,
    PrivilegeMissing,
    RestoreFailed,
    ServerUnreachable,
    SpaceMissing,
    TimedOut,
    ToolMissing,
)
from vya_backup.redaction import scrub

if TYPE_CHECKING:
    from vya_backup.engines.contract import Access

LONGEST_MESSAGE = 400


@dataclass(frozen=True)
class Cause:
    """One way of failing: its error, SQLSTATEs (whole or as prefix), texts, and the remedy."""

    error: type[BackupError]
    states: tuple[str, ...]
    texts: str
    hint: str = ""


LOST = Cause(
    DumpDisturbed,
    ("57P01", "57P02", "57P05", "08"),
    r"terminating connection|server closed the connection|connection to server was lost|no connection to the server"
    r"|SSL SYSCALL error|SSL connection has been closed unexpectedly|Connection reset|Broken pipe"
    r"|unexpected (?:EOF|eof)|connection is closed|the connection is lost",
    "The connection ended on the way; it is tried again.",
)
# The order matters: the first that fits is taken, so what is named most precisely stands first.
CAUSES = (
    Cause(
        LoginRefused,
        ("28",),
        r"password authentication failed|no password supplied|FATAL:\s+role .* does not exist|no pg_hba\.conf entry"
        r"|authentication failed|is not permitted to log in|certificate authentication",
        "Check the username and password of this instance in the credentials file, and pg_hba.conf of the server.",
    ),
    Cause(
        LoginRefused,
        (),
        r"certificate verify failed|server certificate|server does not support SSL|SSL error(?!: unexpected eof)"
        r"|root certificate file",
        "Set ssl.ca_cert to the authority of the server's certificate; ssl: {enabled: false} demands no TLS.",
    ),
    Cause(
        ConfigurationError,
        (),
        r"unsupported startup parameter",
        "This is a connection pooler; a dump needs sessions of its own: set host and port of the server itself.",
    ),
    Cause(
        ToolMissing,
        (),
        r"server version mismatch",
        "Install a PostgreSQL client at least as new as the server.",
    ),
    Cause(
        DumpBlocked,
        ("55P03",),
        r"due to lock timeout|could not obtain lock|canceling statement due to statement timeout[\s\S]*LOCK TABLE",
        "Another session holds a lock on the table; it is tried again later.",
    ),
    Cause(
        DumpDisturbed,
        ("40001", "40P01"),
        r"conflict with recovery|deadlock detected|cache lookup failed|could not open relation with OID",
        "The data changed under the dump; raise max_standby_streaming_delay when this repeats on a standby.",
    ),
    Cause(
        PrivilegeMissing,
        ("42501",),
        r"permission denied|must be owner|must be superuser|must be able to SET ROLE|must be member of role"
        r"|row-level security policy",
        "Grant the account what the message names, or use an account that has it.",
    ),
    Cause(
        SpaceMissing, ("53100",), r"No space left on device", "Make room on the server's disk, then run the same again."
    ),
    Cause(
        TimedOut,
        ("57014",),
        r"due to statement timeout|due to user request",
        "The server needed longer than it was given; try again when it is less busy.",
    ),
    Cause(
        ServerUnreachable,
        ("57P03", "53300", "08001", "08004"),
        r"Connection refused|timeout expired|timed out|could not translate host name|failed to resolve host"
        r"|No route to host|Network is unreachable|No such file or directory\s+Is the server running"
        r"|starting up|shutting down|not yet accepting connections|recovery mode"
        r"|too many clients|remaining connection slots",
        "Check that the server runs and that host and port are right.",
    ),
    LOST,
    Cause(
        BackupError,
        ("3D000",),
        r'database ".*" does not exist',
        "Check the name, or leave the database out of the configuration.",
    ),
)

_NOISE = re.compile(
    r"^(?:pg_dump|psql)?:? ?(?:detail|hint|warning|DETAIL|HINT|CONTEXT|STATEMENT|NOTICE|WARNING|LINE \d+):"
)
_SEVERITY = re.compile(r"\b(?:error|ERROR|FATAL|PANIC|fatal):")
_OBJECT = re.compile(
    r"(?:relation|table|column|role|user|database|schema|function|type|extension|constraint|index|sequence|file|parameter:?"
    r"|tablespace|publication|subscription|view|trigger|language|collation|policy for table|contents of table|server at"
    r"|host|operator|option|directory|socket|library) $"
)
_QUOTED = re.compile(r'"(?:[^"]|"")*"?')


def explain_error(error: BaseException, access: Access) -> BackupError:
    """Turn a driver's exception into ours."""
    cause = getattr(error, "orig", None) or error
    state = str(getattr(cause, "sqlstate", None) or "")
    text = str(cause)
    found = _find(state, text)
    where = f"{access.instance.id}: "
    line = where + _summary(text) + (f" (SQLSTATE {state})" if state else "")
    if found is None:
        return BackupError(line)
    # Between questions nothing was being dumped: a lost connection is just that.
    kind = ServerUnreachable if found is LOST else found.error
    return kind(line, found.hint)


def explain_tool(tool: str, status: int, stderr: str) -> BackupError:
    """Turn a tool's exit status and stderr into ours; `tool` is its name or path."""
    name = Path(tool).name
    ended = f"was ended by signal {-status}" if status < 0 else f"exited with {status}"
    line = f"{name} {ended}: {_summary(stderr) or 'it said nothing'}"
    found = _find("", stderr)
    base: type[BackupError] = RestoreFailed if name.startswith("psql") else DumpFailed
    return found.error(line, found.hint) if found and _fits(found, base) else base(line)


def _fits(cause: Cause, base: type[BackupError]) -> bool:
    """Say whether a failure of this kind of tool may be called so: a half-loaded database is not tried again."""
    return base is DumpFailed or not issubclass(cause.error, DumpFailed)


def _find(state: str, text: str) -> Cause | None:
    for cause in CAUSES if state else ():
        if any(state.startswith(known) for known in cause.states):
            return cause
    return next((cause for cause in CAUSES if re.search(cause.texts, text, re.MULTILINE)), None)


def _summary(text: str) -> str:
    """Return the lines that say what happened, in one, without values."""
    lines = [line.strip() for line in scrub(text).splitlines() if line.strip()]
    server = [line.split("server: ", 1)[1] for line in lines if "rror message from server: " in line]
    said = [line for line in lines if _SEVERITY.search(line) and not _NOISE.match(line)] or [
        line for line in lines if not _NOISE.match(line)
    ]
    return _without_values(": ".join([*said[:1], *server[:1]]))[:LONGEST_MESSAGE]


def _without_values(line: str) -> str:
    def shown(match: re.Match[str]) -> str:
        return match[0] if _OBJECT.search(line[: match.start()]) else '"…"'

    return _QUOTED.sub(shown, line)
