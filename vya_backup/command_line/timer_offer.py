"""Where a first contact meets the timers: the one function that installs them, or says what starts backups instead."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from vya_backup.command_line.conversation import Conversation
from vya_backup.settings.loading import Loaded
from vya_backup.settings.places import SYSTEM, of_user

COMMAND = "schedule"


def offer_timer(talk: Conversation, loaded: Loaded) -> str:
    """Install the timer where that is wanted and can be done; return what it is, or nothing where there is none.

    It is offered for the system's configuration and the user's own: any other could be one of many on a machine.
    """
    from vya_backup.command_line.main import LOOKING, main  # it knows `init`

    words = _words(loaded.path)
    if talk.options["no_timer"] or not words or COMMAND not in {command.get_name() for command in LOOKING}:
        return ""
    if not talk.agreed("Install a timer that backs up every night?", by_default=True):
        return ""
    return "installed" if main(words) == 0 else ""


def by_cron(loaded: Loaded) -> str:
    """Return what a line of cron runs."""
    program = Path(sys.executable).with_name("vya-backupdb")
    return shlex.join([str(program), "--config", str(loaded.path), "backup"])


def _words(path: Path | None) -> list[str]:
    if path == SYSTEM.configuration:
        return [COMMAND, "install", "--account", path.owner()]  # who owns the files, can read them
    return [COMMAND, "install", "--user"] if path == of_user(os.environ).configuration else []
