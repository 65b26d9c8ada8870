"""Turns what drivers and vendor tools say into our errors.

The rule: a message holds the error's code, the object and the first line; quoted values are cut out, except names of
databases, tables and accounts, which the server puts between quotes too and which an operator needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vya_backup.engines.contract import Access
from vya_backup.errors import (
    BackupError,
    DumpBlocked,
    DumpDisturbed,
    DumpFailed,
    LoginRefused,
    PrivilegeMissing,
    RestoreFailed,
    ServerUnreachable,
)
from vya_backup.redaction import scrub

_ERROR = re.compile(r"(?:Got error|Couldn't execute .*?|ERROR)[: ]+(\d{4})\b(?: \(\w+\))?[^:]*:\s*(.*)", re.IGNORECASE)
_CODE = re.compile(r"\((\d{4})\)\s*$|error:? (\d{4})", re.IGNORECASE)
_COULD_NOT = re.compile(r"Couldn't execute '(?:.|\n)*?':\s*(.*?)\s*\((\d{4})\)", re.IGNORECASE)
_NOISE = re.compile(r"^\s*$|warning|deprecated|^--\s", re.IGNORECASE)

TLS = 2026
LOGIN = {1045, 1251, 1698, 1820, 1862, 2026, 2059, 2061, 3118}
PRIVILEGE = {1044, 1142, 1143, 1227, 1370, 1410, 1419}
UNREACHABLE = {1040, 1053, 1129, 1203, 1226, 2002, 2003, 2005, 2012}
LOST = {1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2055, 4031}
BLOCKED = {1205, 1213, 3572}
CHANGED = {1412}
# Messages whose quoted texts are row values: only what stands before the first quote is kept.
_WITH_VALUES = {1062, 1292, 1366, 1406, 1264, 1526, 4025, 3819, 1452, 1451, 1064, 1149}

HINTS = {
    1040: "All connections of the server are taken; the next attempt may find one (max_connections).",
    1044: "Grant the account access to the database.",
    1045: "Check the user name and the password in the credentials file, and from which host the account may log in.",
    1049: "The database does not exist, or the account may not see it.",
    1142: "Run `doit config test-connections`, which prints the missing GRANT.",
    1153: "Raise max_allowed_packet on the server: one row is larger than it takes.",
    1205: "Another session held a lock for longer than lock_wait_timeout.",
    1213: "The server ended a deadlock; the next attempt may pass.",
    1227: "Run `doit config test-connections`, which prints the missing privilege.",
    1356: "Repair or drop the view: what it reads is gone, or its definer may not read it.",
    1412: "A table was altered while it was dumped; the next attempt takes a new snapshot.",
    1418: "Set log_bin_trust_function_creators=ON on the target, or restore with an account that has SUPER.",
    1419: "Set log_bin_trust_function_creators=ON on the target, or restore with an account that has SUPER.",
    1449: "Create the missing definer account, or let the owner change the definer of the object.",
    2026: "Check ssl.mode and ssl.ca_cert of the instance.",
    2061: "The account's authentication needs TLS or the server's public key.",
    3118: "The account is locked on the server: ALTER USER … ACCOUNT UNLOCK.",
}


# A server that dies under an encrypted line is told as a TLS error, with the code of a failed handshake.
_BROKEN_OFF = re.compile(r"unexpected eof|connection reset|broken pipe|syscall", re.IGNORECASE)


def explain(error: Exception, access: Access) -> BackupError:
    """Turn a driver's exception into ours."""
    where = f"{access.instance.id} ({access.instance.host or access.instance.socket}:{access.instance.port or 3306})"
    arguments: tuple[object, ...] = error.args
    code = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    text = str(arguments[1]) if code and len(arguments) > 1 else str(error)
    if not code and isinstance(error, OSError):
        code = 2003
    if code == 2003 and re.search(r"ssl|certificate|tls", text, re.IGNORECASE):
        return LoginRefused(f"{where}: TLS failed: {said(0, text)}", HINTS[2026])
    if "cryptography" in text or "SSL is required" in text:
        return LoginRefused(f"{where}: {said(0, text)}", HINTS[2026])
    return classified(code, f"{where}: {said(code, text)}", DumpFailed)


def explain_tool(tool: str, status: int, stderr: str) -> BackupError:
    """Turn a tool's failure into ours: `tool` is its name, `status` its exit status (negative: a signal)."""
    name = tool.rsplit("/", 1)[-1]
    otherwise = DumpFailed if "dump" in name else RestoreFailed
    code, text = first_error(stderr)
    if not text:
        ended = f"ended by signal {-status}" if status < 0 else f"ended with status {status} and no message"
        return otherwise(f"{name} {ended}")
    return classified(code, f"{name} ended with status {status}: {said(code, text)}", otherwise)


def first_error(stderr: str) -> tuple[int, str]:
    """Return code (0 when there is none) and text of the first line that is no warning."""
    could_not = _COULD_NOT.search(stderr)
    if could_not:  # a statement with line breaks may stand between the quotes
        return int(could_not.group(2)), could_not.group(1)
    line = next((line for line in stderr.splitlines() if not _NOISE.search(line)), "")
    found = _ERROR.search(line)
    if found:
        return int(found.group(1)), found.group(2)
    code = _CODE.search(line)
    return int(code.group(1) or code.group(2)) if code else 0, line.strip()


def said(code: int, text: str) -> str:
    """Return the first line with its code, without row values and without secrets."""
    line = scrub(text).strip().split("\n", 1)[0]
    if code in _WITH_VALUES:
        line = re.split(r"['\"]", line, maxsplit=1)[0].strip()
    return f"{line[:300]} [{code}]" if code else line[:300]


def classified(code: int, message: str, otherwise: Callable[[str, str], BackupError]) -> BackupError:
    """Return the error of our tree that a server's or client's code means."""
    if code == TLS and _BROKEN_OFF.search(message):
        return DumpDisturbed(message, "The server ended the connection on the way.")
    hint = HINTS.get(code, "")
    for codes, kind in _KINDS:
        if code in codes:
            return kind(message, hint)
    return otherwise(message, hint)


_KINDS: tuple[tuple[set[int], type[BackupError]], ...] = (
    (LOGIN, LoginRefused),
    (PRIVILEGE, PrivilegeMissing),
    (UNREACHABLE, ServerUnreachable),
    (LOST, DumpDisturbed),
    (BLOCKED, DumpBlocked),
    (CHANGED, DumpDisturbed),
)
