"""Asks systemd: the manager of the system, or the own one of the person who runs this."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from vya_backup.engines.commands import Command
from vya_backup.transport.processes import Finished, capture

OF_USER: Final = "--user"
SECONDS: Final = 60.0
_TO_ITS_BUS: Final = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


def ask(argv: tuple[str, ...], environ: Mapping[str, str], timeout_seconds: float = SECONDS) -> Finished:
    """Run a command of systemctl and return what it said.

    Raises:
        ToolMissing: there is no systemctl.
        TimedOut, Interrupted: it was ended before it was done.
    """
    command = Command(argv, environment=_way(environ) if OF_USER in argv else {})
    return capture(command, timeout_seconds=timeout_seconds)


def is_of_user(environ: Mapping[str, str]) -> bool:
    """Say whether a person's own systemd has started this process (systemd.exec(5))."""
    return "MANAGERPID" in environ


def _way(environ: Mapping[str, str]) -> dict[str, str]:
    """Return where a person's own manager is met; cron and sudo do not say it, and pam_systemd(8) puts it there."""
    said = {name: environ[name] for name in _TO_ITS_BUS if environ.get(name)}
    return {"XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}"} | said
