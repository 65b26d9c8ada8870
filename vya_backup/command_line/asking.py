"""Questions on a terminal: two of them look alike at night, so that replacing something needs its name typed."""

from __future__ import annotations

import sys
from collections.abc import Collection

from vya_backup.errors import RestoreRefused


def question(text: str) -> str:
    """Ask and return the answer, without the spaces around it."""
    sys.stdout.write(text)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def demand_name(what: str, names: Collection[str]) -> None:
    """Go on when one of the names is typed; where nobody sits at a terminal, go on anyway.

    Raises:
        RestoreRefused: another answer.
    """
    if not sys.stdin.isatty():
        return
    answer = question(f"This {what}.\nType its name to go on: ")
    if answer not in names:
        raise RestoreRefused(f"{answer!r} is not {next(iter(names))}; nothing was touched")
