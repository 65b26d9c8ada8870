"""What an answer of a first contact may be: each check returns what is wrong with it, or an empty text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from glob import has_magic
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vya_backup.settings.notifications_model import bare_address
from vya_backup.settings.private_files import exists
from vya_backup.settings.section import bare_host

ADMINISTRATORS = {"postgresql": "postgres", "mysql": "root", "mariadb": "root"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


def absolute(text: str) -> Path:
    """Return a path as the shell would have it: `~` is a home."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # `~nobody`
        return Path(text).absolute()


def split(text: str) -> tuple[str, int | None]:
    """Return the host and, where one stands behind it, the port."""
    host, _, port = text.rpartition(":")
    return (host, int(port)) if port.isdigit() and host and ":" not in host else (text, None)


def is_server(text: str) -> str:
    return "" if text in ADMINISTRATORS else f"answer one of {', '.join(ADMINISTRATORS)}; SQLite is what --path names"


def is_port(text: str) -> str:
    return "" if not text or (text.isdigit() and 0 < int(text) < 65536) else "answer a number from 1 to 65535"


def is_id(text: str) -> str:
    return "" if _ID.fullmatch(text) else "use letters, digits, `_`, `.` and `-`, beginning with a letter or digit"


def is_account(text: str) -> str:
    return "" if _ACCOUNT.fullmatch(text) else "use letters, digits and `_`, 32 at most, beginning with a letter"


def is_there(text: str) -> str:
    if not text:
        return "name one"
    path = absolute(text)
    plain = next(part for part in (path, *path.parents) if not has_magic(str(part)))  # a pattern begins in a folder
    looked_at = path if os.path.lexists(path) else plain
    return "" if exists(looked_at) else f"there is no {looked_at}"


def is_folder(text: str) -> str:
    path = absolute(text)
    return f"{text} is a file" if path.exists() and not path.is_dir() else "" if text else "name a folder"


def is_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "answer a name such as America/Sao_Paulo or UTC"
    return ""


def is_host(text: str) -> str:
    return is_wrong(bare_host, text) if text else "name one"


def is_mail_server(text: str) -> str:
    host, port = split(text)
    return is_host(host) or ("" if port is None else is_port(str(port)))


def are_addresses(text: str) -> str:
    wrong = [(each, why) for each in map(str.strip, text.split(",")) if each and (why := is_wrong(bare_address, each))]
    return f"{wrong[0][0]} {wrong[0][1]}" if wrong else ""


def is_wrong(demand: Callable[[str], str], text: str) -> str:
    try:
        demand(text)
    except ValueError as error:
        return str(error)
    return ""
